# `make demo` and `make test` do all their set-up: a virtual environment in .venv, nothing else touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo serve page test lint docs bench starter train-demo reproduce-demo clean help

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/.core  ## recognize the example recordings with the shipped model
	$(BIN)/organology recognize examples --plot demo_output
	@echo "timeline pictures: demo_output/"

serve: $(VENV)/.serve  ## the page and the HTTP API on http://127.0.0.1:8000
	$(BIN)/organology serve

page: $(VENV)/.core build/onnxruntime-web/LICENSE  ## the page without a server, for any static host: build/page
	$(BIN)/organology page build/page

build/onnxruntime-web/LICENSE: scripts/vendor_page.py | $(VENV)/.core
	$(BIN)/python scripts/vendor_page.py --out build

test: $(VENV)/.dev  ## all tests; those of the static page where `make page` has been run and Chromium is there
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.dev  ## style, types, import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

docs: $(VENV)/.dev  ## the documentation as a site in build/site, no network needed
	$(BIN)/python scripts/make_cli_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: $(VENV)/.dev  ## measure speed
	$(BIN)/python benchmarks/mixing.py

starter: build/starter/stems.parquet  ## prepare the starter corpus in build/starter

build/starter/stems.parquet: $(VENV)/.dev starter/stems.csv
	$(BIN)/organology prepare stems starter --out build/starter

train-demo: starter  ## the three transfer methods on the starter corpus, minutes on two cores
	$(BIN)/organology train demo_pretraining --resume
	for transfer in scratch frozen finetuned; do \
	    $(BIN)/organology train demo --transfer $$transfer --resume && \
	    $(BIN)/organology evaluate runs/demo-$$transfer/best demo --mixtures 200 || exit 1; \
	done

reproduce-demo: $(VENV)/.dev  ## the paper's experiments on the starter corpus, minutes on two cores
	for experiment in table1 figure3 figure4; do \
	    $(BIN)/organology reproduce $$experiment --scale demo || exit 1; \
	done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Recognition alone (no torch), and everything that development needs.
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[plot]'
	@touch $@

$(VENV)/.serve: $(VENV)/.core
	$(PIP) install -c constraints.txt -e '.[serve]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

clean:  ## remove what the targets made
	rm -rf $(VENV) demo_output build runs
