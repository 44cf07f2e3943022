# `make demo` runs the main job on an embedded default, `make test` runs the tests.
# Both set up everything they need in .venv; only Python 3.11+, pip and make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
FILES ?=

.PHONY: demo test test-slow browser lint site smoke format clean help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Nothing is compiled ahead: of PyTorch's thousands of modules few are ever imported.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "moodtheme needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

$(VENV)/.train: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e '.[train,dev]'
	@touch $@

ifeq ($(strip $(FILES)),)
demo: $(VENV)/.train  ## Tag demo pieces, then train all systems on a demo corpus; or tag yours: make demo FILES="a.mp3"
	$(BIN)/moodtheme demo
	$(BIN)/moodtheme reproduce demo-run --dataset demo
else
demo: $(VENV)/.base
	$(BIN)/moodtheme tag $(FILES)
endif

lint: $(VENV)/.dev  ## Check style, types, the layers of imports and the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet

test: $(VENV)/.dev lint browser  ## Check all that lint does, run the fast tests
	$(BIN)/pytest -n auto

browser: $(VENV)/.dev  ## Install a browser for the tests of the report, where that can be done
	@$(BIN)/python scripts/install_browser.py

smoke:  ## Build the wheel, install it into a new environment, tag a file with it
	$(PYTHON) scripts/smoke_wheel.py

site: $(VENV)/.dev  ## Build the documentation into build/site
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

test-slow: $(VENV)/.dev browser  ## Run every test, slow ones too
	$(BIN)/pytest -n auto -m "slow or not slow"

format: $(VENV)/.dev  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what the other targets made
	rm -rf $(VENV) demo-music demo-run dist build
