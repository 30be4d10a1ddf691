# syntax=docker/dockerfile:1
# Two stages: the first installs, the second has neither pip's cache nor make. `docker build -t likeness .`
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /opt/likeness
RUN python -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/python -m pip install --no-cache-dir --no-deps -r requirements.lock
COPY . .
RUN .venv/bin/python -m pip install --no-cache-dir --no-deps . \
    && (.venv/bin/likeness models fetch || true) \
    && .venv/bin/python -m compileall -q .venv

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/likeness --create-home likeness \
    && install -d -o likeness -g likeness -m 0700 /var/lib/likeness/data /var/lib/likeness/pictures
COPY --from=build /opt/likeness/.venv /opt/likeness/.venv
USER likeness
WORKDIR /var/lib/likeness
ENV PATH=/opt/likeness/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/var/lib/likeness/data \
    OUTPUT_DIR=/var/lib/likeness/pictures \
    LOG_FORMAT=json
VOLUME ["/var/lib/likeness/data", "/var/lib/likeness/pictures"]
EXPOSE 8080
# Alive, not ready: a process that waits for its database is not to be killed for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["likeness", "run"]
