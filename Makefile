# The front door. Every target is thin: what it does lives in offline/ and lab/.
.DEFAULT_GOAL := help
.PHONY: help up down etl test fast check serve screenshots images bundle unbundle bench-etl bench-prefect chaos-etl contrast lock clean
.DELETE_ON_ERROR:

PYTHON ?= python3
BUNDLE ?= dist/beyond-cron-bundle.tar
BIN := .venv/bin
export PYTHON
export NO_MKDOCS_2_WARNING = 1 # Material's advertisement for its successor

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

up: .venv/lab.stamp ## the course at http://localhost:8000, the lessons ready to start (LAB_PORT=8001 for another port)
	@$(BIN)/lab up

down: .venv/lab.stamp ## stop the course
	@$(BIN)/lab down

etl: ## the pipeline of lesson 03 without Docker, from end to end (SCALE=0.05: more rows)
	@$(MAKE) --no-print-directory -C 03-prefect etl

test: .venv/test.stamp ## everything: installs what the tests need, then check, then every test
	@offline/for-tests.sh
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest

fast: .venv/test.stamp ## the tests that need neither Docker nor a browser, nor wait for a clock
	$(BIN)/pytest -m "not stack and not browser and not clock"

check: .venv/test.stamp ## format, lint, types, and both builds of the site, strict
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict --quiet --site-dir .cache/site
	$(BIN)/zensical build --strict --clean

serve: .venv/lab.stamp ## the course from .venv in the foreground, pages reload as you edit them
	@$(BIN)/python -m mkdocs serve --livereload --dev-addr 127.0.0.1:$${LAB_PORT:-8000}

screenshots: .venv/test.stamp ## take the pictures of lesson 03 again, from Prefect's pages on a stack of its own
	@$(BIN)/python docs/screenshots.py

images: ## pull or build every image of the course
	@$(PYTHON) -m offline.images

bundle: .venv/lab.stamp ## the whole course in one tar, for machines without network (BUNDLE=path/to/it.tar)
	@$(BIN)/python -m offline.bundle make "$(BUNDLE)"

unbundle: ## check and load such a tar (BUNDLE=path/to/it.tar)
	@$(PYTHON) -m offline.bundle load "$(BUNDLE)"

bench-etl: ## rows a second from PostgreSQL to ClickHouse, by many routes (ROWS="2000000 20000000" REPEAT=3)
	@$(PYTHON) -m bench.etl

bench-prefect: ## what Prefect costs: starts, tasks, runs a minute, idle memory (REPEAT=3 RUNS=30)
	@$(PYTHON) -m bench.prefect

chaos-etl: ## kill every part of lesson 03 at work, then compare every row (KILLS=100 SECONDS=1800 SEED=1, or NAIVE=1)
	@$(PYTHON) -m bench.chaos --kills $(or $(KILLS),100) --seconds $(or $(SECONDS),inf) $(if $(SEED),--seed $(SEED)) $(if $(NAIVE),--naive)

contrast: ## plain cron, hardened cron and Prefect under the same faults (FAULT=slow-run for one, REPEAT=5, LANES=folder)
	@$(PYTHON) -m contrast $(FAULT) $(if $(LANES),--lanes $(LANES))

lock: ## resolve requirements/*.txt again from pyproject.toml
	@offline/lock.sh

clean: ## stop the course, remove .venv, caches, the built site and the bundle
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab down; fi
	rm -rf .venv .cache site dist .mypy_cache .ruff_cache .pytest_cache

# Installed again only when a requirement has changed.
.venv/%.stamp: requirements/%.txt pyproject.toml offline/venv.sh
	@offline/venv.sh $<
	@touch $@
