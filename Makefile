# `make run` and `make test` are the two that a newcomer needs; both set everything up first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SAMPLE := var/sample
SQLFLUFF = METSTATS_INPUTS=var/none $(BIN)/sqlfluff

.PHONY: help setup run test check format serve lock clean

help:            ## list what can be made
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

setup: $(STAMP)  ## make .venv from requirements.lock (every hash checked)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Metstats needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (once; a minute or two) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)    ## write the sample returns, receive them, run everything, publish
	@$(BIN)/metstats sample $(SAMPLE)
	@$(BIN)/metstats receive $(SAMPLE)
	@$(BIN)/metstats run

test: $(STAMP)   ## every test
	@$(BIN)/pytest -n 2 --dist loadfile

check: $(STAMP)  ## ruff, ruff format, mypy, sqlfluff, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SQLFLUFF) lint dbt_project

format: $(STAMP) ## mend what ruff and sqlfluff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(SQLFLUFF) fix dbt_project

serve: $(STAMP)  ## Dagster's pages, schedules and sensors on 127.0.0.1:3000
	@$(BIN)/metstats serve

lock:            ## renew requirements.lock (needs uv)
	uv pip compile --quiet --no-strip-extras --generate-hashes --python-version 3.11 --universal --extra dev pyproject.toml -o requirements.lock

clean:           ## remove .venv and caches; never touches var/
	rm -rf $(VENV) target logs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
