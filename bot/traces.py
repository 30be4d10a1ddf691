"""Traces by OpenTelemetry, sent where `OTEL_EXPORTER_OTLP_ENDPOINT` says; the library is the extra `traces`.

Its other variables (`OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`) the library reads itself.
Spans are sent from a thread of its own. A collector that is away costs spans and log lines, never a picture.
"""

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from providers import tracing
from providers.tracing import Fact

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger(__name__)

SERVICE = "likeness"
LAST_SECONDS = 2.0
"""What sending the last spans may take when the process stops."""


def start(endpoint: str | None) -> Callable[[], None]:
    """Trace from now on, if there is an endpoint. What is returned sends what is left and ends it; it may block."""
    if not endpoint:
        return lambda: None
    try:
        provider = _provider(f"{endpoint.rstrip('/')}/v1/traces")
    except ImportError:
        log.error("OTEL_EXPORTER_OTLP_ENDPOINT is set, but not its library: pip install 'likeness[traces]'")
        return lambda: None
    tracing.use(_Tracer(provider.get_tracer(SERVICE)))

    def stop() -> None:
        tracing.use(None)
        provider.force_flush(int(1000 * LAST_SECONDS))
        provider.shutdown()

    return stop


def _provider(address: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Not what else it would find out of the process: its command line and the machine's name are nobody's business.
    resource = Resource({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=LAST_SECONDS)))
    return provider


class _Span:
    def __init__(self, span: "trace.Span") -> None:
        self._span = span

    def note(self, name: str, value: Fact) -> None:
        self._span.set_attribute(f"likeness.{name}", value)


class _Tracer:
    def __init__(self, tracer: "trace.Tracer") -> None:
        self._tracer = tracer

    def span(self, name: str, facts: Mapping[str, Fact]) -> AbstractContextManager[_Span]:
        return self._spanned(name, {f"likeness.{key}": value for key, value in facts.items()})

    @contextmanager
    def _spanned(self, name: str, attributes: dict[str, Fact]) -> Generator[_Span, None, None]:
        # An exception's own text and stack may hold anything, so the library is not let near it.
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
