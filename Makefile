# make help tells what there is. Everything lives in .venv; PYTHON names the interpreter that it is made with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PARTS := $(wildcard pyproject.toml constraints.txt)
CHECKED := $(wildcard src tests benchmarks examples experiments robustness release docs/conf.py)
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help install demo test check site look fuzz probe kill release clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed-dev ## make .venv with the package and all that its tests and checks need

demo: $(VENV)/.installed ## train three policies for 25 users; the run folder is a fresh one under runs/
	$(BIN)/policybudget train --algorithm em --budget 3 --transitions 1000000

test: install ## run all tests, a process per core; tests of a file share what they compile
	$(BIN)/python -m pytest -n auto --dist loadfile $(TESTS)

check: install ## lint, format, types, import contracts
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

site: install ## the documentation as a site, in site/; any warning is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env -b html -d site/.doctrees docs site
	@echo site/index.html

look: site ## look at every page of the site in headless Chromium, desktop and phone, light and dark
	$(BIN)/python tests/look_at_site.py site

fuzz: install ## 100 000 hostile inputs for all that is read; FUZZ="--inputs 2000 --reader users" for others
	PYTHONPATH=. $(BIN)/python -m robustness.fuzz $(FUZZ)

probe: install ## 10 000 requests by schemathesis and 10 000 damaged ones for the service; PROBE="--requests 500" for others
	PYTHONPATH=. $(BIN)/python -m robustness.service $(PROBE)

kill: install ## kill trainings at random and at every file operation; KILL="--kills 20" for others
	PYTHONPATH=. $(BIN)/python -m robustness.kill $(KILL)

release: install ## wheel and source archive of what is committed, tried in fresh environments, with bills of materials, in dist/
	$(BIN)/python -m release

clean: ## remove .venv and caches; runs/ stays
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src $(wildcard tests benchmarks examples experiments robustness release) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and "policybudget needs Python 3.11 or later, got %d.%d; try make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(PARTS) | $(BIN)/python
	$(PIP) -e ".[train]"
	@touch $@

$(VENV)/.installed-dev: $(PARTS) | $(BIN)/python
	$(PIP) -e ".[dev]"
	$(PIP) --no-deps metaworld # asks for an older MuJoCo
	@touch $(VENV)/.installed $@
