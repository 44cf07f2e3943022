# `make demo` runs the main job on an embedded default, `make test` runs the tests.
# Both set up everything they need in .venv; only Python 3.11+, pip and make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FILES ?=

.PHONY: demo test test-slow lint format clean help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "moodtheme needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.train: $(VENV)/.base
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@

ifeq ($(strip $(FILES)),)
demo: $(VENV)/.train  ## Tag demo pieces, then train all systems on a demo corpus; or tag yours: make demo FILES="a.mp3"
	$(BIN)/moodtheme demo
	$(BIN)/moodtheme reproduce demo-run --dataset demo
else
demo: $(VENV)/.base
	$(BIN)/moodtheme tag $(FILES)
endif

lint: $(VENV)/.dev  ## Check style, types and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev lint  ## Check style and types, run the fast tests
	$(BIN)/pytest -n auto

test-slow: $(VENV)/.dev  ## Run every test, slow ones too
	$(BIN)/pytest -m "slow or not slow"

format: $(VENV)/.dev  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what the other targets made
	rm -rf $(VENV) demo-music demo-run dist build
