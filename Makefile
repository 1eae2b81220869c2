# Uses the tools of the environment that is active, or of .venv where there is one.
BIN := $(if $(wildcard .venv/bin/python),.venv/bin/,)

.PHONY: check static format test

check: static test

static:
	$(BIN)ruff format --check .
	$(BIN)ruff check .
	$(BIN)pyright --pythonpath "$$($(BIN)python -c 'import sys; print(sys.executable)')"
	$(BIN)lint-imports

format:
	$(BIN)ruff format .
	$(BIN)ruff check --fix .

test:
	$(BIN)python -m pytest -q
