# Needs Python >= 3.11, git and make; everything else is installed into .venv. `make` alone lists the targets.
PYTHON ?= python3
PINS ?= exact
ARGS ?=

# Tests and modules that are compiled once load in half the time.
unexport PYTHONDONTWRITEBYTECODE

RUN := .venv/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check

# PINS=newest installs the newest versions that the ranges of pyproject.toml allow, instead of requirements.txt.
ifeq ($(PINS),newest)
READY := .venv/.ready-newest
else
READY := .venv/.ready
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow soak fuzz check format docs pictures screenshot bench wheel clean

help:  ## list the targets
	@echo "make TARGET, where TARGET is"
	@sed -n 's/^\([a-z]*\):.*  ## /\1|/p' Makefile | awk -F'|' '{ printf "  %-10s %s\n", $$1, $$2 }'
	@echo "PYTHON=python3.12 chooses the interpreter of a new .venv; PINS=newest make setup installs by range, not by pin;"
	@echo "ARGS='-k lake' goes to pytest."

setup: $(READY)  ## install into .venv (other targets do this when needed)
	@echo "ready: .venv"

demo: $(READY)  ## build reports from the sample data in demo-out/; the last line is the report
	@$(RUN) -m liqcli demo -o demo-out

test: $(READY)  ## run the tests that are quick: about two minutes (ARGS go to pytest)
	@$(RUN) -m pytest $(ARGS)

slow: $(READY)  ## run the slower tests: browsers, kills, faults, real drawings, the wheel (ARGS go to pytest)
	@$(RUN) -m pytest -m 'slow and not soak' $(ARGS)

soak: $(READY)  ## run the tests that take minutes: every fault on every source, kills, large lakes (ARGS go to pytest)
	@$(RUN) -m pytest -m soak $(ARGS)

fuzz: $(READY)  ## import damaged files of every format for a minute (ARGS go to scripts/fuzz.py)
	@$(RUN) scripts/fuzz.py $(ARGS)

check: $(READY)  ## check lint, format, types, import rules, generated documents and sample data; writes nothing
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(RUN) scripts/make_docs.py --check
	@$(RUN) scripts/make_sample.py --check

format: $(READY)  ## fix and format the code with ruff
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: $(READY)  ## generate docs/cli.md, docs/sources.md, man page and completions from the code
	@$(RUN) scripts/make_docs.py

pictures: $(READY)  ## draw docs/pictures from the embedded sample
	@$(RUN) scripts/make_pictures.py

screenshot: $(READY)  ## take the screenshot of the sample's report for the README (needs Chromium)
	@$(RUN) scripts/make_screenshot.py

bench: $(READY)  ## time reports, grids, fetches, status and the daily run against bare references (ARGS go to scripts/bench.py)
	@$(RUN) scripts/bench.py $(ARGS)

wheel: $(READY)  ## build wheel and sdist into dist/
	@$(RUN) -m hatchling build -d dist

clean:  ## remove generated files, except .venv
	@rm -rf dist build demo-out bench-out fuzz-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

.venv/.ready: pyproject.toml requirements.txt
	$(make-venv)
	@echo "Installing the pinned packages into .venv (the first time takes a minute) ..."
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@rm -f .venv/.ready-newest
	@touch $@

.venv/.ready-newest: pyproject.toml
	$(make-venv)
	@echo "Installing the newest packages that pyproject.toml allows into .venv ..."
	@$(PIP) --upgrade --upgrade-strategy eager -e '.[dev]'
	@rm -f .venv/.ready
	@touch $@

# Rebuild a .venv whose interpreter is missing or too old.
define make-venv
@"$(PYTHON)" -c '' 2>/dev/null || { \
	echo "make: $(PYTHON) does not run; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "make: liqcli needs Python 3.11 or newer, $(PYTHON) is $$("$(PYTHON)" -V 2>&1); name another: make PYTHON=python3.12" >&2; exit 1; }
@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
@$(RUN) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Making .venv with $$("$(PYTHON)" -V 2>&1) ..."; "$(PYTHON)" -m venv --clear .venv; }
endef
