# `make demo` and `make test` do all their set-up: a virtual environment in .venv, nothing else touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint bench clean help

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/.core  ## recognize the example recordings with the shipped model
	$(BIN)/organology recognize examples --plot demo_output
	@echo "timeline pictures: demo_output/"

test: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.dev  ## style, types, import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## measure speed
	$(BIN)/python benchmarks/mixing.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Recognition alone (no torch), and everything that development needs.
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[plot]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

clean:  ## remove what the targets made
	rm -rf $(VENV) demo_output build runs
