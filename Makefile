# Uses the tools of the environment that is active, or of .venv where there is one.
BIN := $(if $(wildcard .venv/bin/python),.venv/bin/,)

.PHONY: check format test

check:
	$(BIN)ruff format --check .
	$(BIN)ruff check .
	$(BIN)pyright --pythonpath "$$($(BIN)python -c 'import sys; print(sys.executable)')"
	$(BIN)lint-imports
	$(BIN)python -m pytest -q

format:
	$(BIN)ruff format .
	$(BIN)ruff check --fix .

test:
	$(BIN)python -m pytest -q
