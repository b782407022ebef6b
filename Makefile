# `make help` lists what there is. Everything runs in .venv, which is made from the pinned versions when it is missing.

PYTHON ?= python3
PORT ?= 5000
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
# What is installed is compiled when it is first imported, a tenth of it ever; and that is kept.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help repro quick ui team test test-fast test-services check drill bench ablation readme requirements clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

repro: .venv/ready  ## run every stage of the pipeline that has changed
	@crosswiki check
	@crosswiki warm dvc repro

quick: .venv/ready  ## the same with small limits (quick.yaml), in minutes: sketch/report.html
	@crosswiki quick

ui: .venv/ready  ## open MLflow on the runs that are there: http://127.0.0.1:5000 (or PORT=…)
	@echo "the runs: http://127.0.0.1:$(PORT)/#/experiments/1/runs (sort by validation_macro_f1 under Columns)"
	@mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT)

team: .venv/ready-team  ## install what a team shares its runs and results with: docs/team.md

test: .venv/ready-dev  ## unit tests, and the real pipeline on a tiny trio
	@pytest -q -n 3 --dist loadfile --no-loadscope-reorder

test-fast: .venv/ready-dev  ## unit tests alone, in a minute or so
	@pytest -q -n 2 -m "not pipeline and not services"

test-services: .venv/ready-dev .venv/ready-team  ## docs/team.md with real servers: PostgreSQL, MLflow, SSH
	@pytest -q -m services

check: .venv/ready-dev  ## style, types, and which part may import which
	@ruff check -q .
	@ruff format -q --check .
	@mypy --no-error-summary crosswiki stages benchmarks
	@lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }

drill: .venv/ready-dev  ## kill -9 the pipeline at 100 random moments: the same dvc.lock in the end
	@python -m tests.drill

bench: .venv/ready-dev  ## how fast skip-gram is, beside gensim
	@python -m benchmarks.skipgram

ablation: .venv/ready  ## what each part is worth, over three seeds: many hours; then docs/results.md
	@python -m benchmarks.ablation queue
	@dvc exp run --run-all
	@python -m benchmarks.ablation write

readme: .venv/ready  ## write the evaluation table into README.md
	@python -m benchmarks.readme

requirements: .venv/ready-dev  ## pin the newest versions anew
	@$(PYTHON) -m venv --clear .venv/pin
	@.venv/pin/bin/pip install -q -r requirements.in
	@(echo "# Pinned by \`make requirements\` from requirements.in."; \
	  .venv/pin/bin/pip freeze | sed 's/^\(torch==[0-9.]*\).*/\1/') > requirements.txt
	@.venv/pin/bin/pip install -q distributed -c requirements.txt
	@(echo "# Pinned by \`make requirements\`: the optional extra \`dask\`, which requirements.txt has not."; \
	  .venv/pin/bin/pip freeze | sed 's/^\(torch==[0-9.]*\).*/\1/' | grep -vxFf requirements.txt) > requirements-dask.txt
	@for kind in dev team; do \
	  .venv/pin/bin/pip install -q -r requirements-$$kind.in -c requirements.txt && \
	  (echo "# Pinned by \`make requirements\` from requirements-$$kind.in: what requirements.txt has not."; \
	  .venv/pin/bin/pip freeze | sed 's/^\(torch==[0-9.]*\).*/\1/' | grep -vxFf requirements.txt) > requirements-$$kind.txt && \
	  .venv/pin/bin/pip uninstall -q -y -r requirements-$$kind.txt || exit 1; done
	@rm -r .venv/pin

clean:  ## remove the environment, but no data and no results
	rm -rf .venv

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "installing the pinned versions into .venv (a minute)"
	@python -m pip install -q --disable-pip-version-check --no-compile -r requirements.txt
	@python -m pip install -q --disable-pip-version-check --no-compile --no-deps -e .
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready
	@echo "installing what checks and tests need"
	@python -m pip install -q --disable-pip-version-check --no-compile -r requirements-dev.txt
	@touch $@

.venv/ready-team: requirements-team.txt .venv/ready
	@python -m pip install -q --disable-pip-version-check --no-compile -r requirements-team.txt
	@touch $@
