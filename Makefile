# The front door. Every target is thin: what it does lives in offline/ and lab/.
.DEFAULT_GOAL := help
.PHONY: help up down etl incidents test prove real fast check serve facts outputs playground screenshots images bundle unbundle bench-etl bench-prefect bench-migration chaos-etl bench-incidents chaos-incidents bench-queues chaos-queues vectors conform outages contrast lock prefect clean
.DELETE_ON_ERROR:

PYTHON ?= python3
BUNDLE ?= dist/beyond-cron-bundle.tar
BIN := .venv/bin
SIDE_BY_SIDE := --numprocesses $(or $(JOBS),4) --dist loadscope --no-loadscope-reorder # most tests wait for a clock
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

incidents: ## the collectors of lesson 04 without Docker, from end to end (RUNS=5: more of them)
	@$(MAKE) --no-print-directory -C 04-incidents incidents

test: .venv/test.stamp ## installs what the tests need, then check, then every test but what is recorded (GROUP=cron, SINCE=main: fewer)
	@$(MAKE) --no-print-directory check
	@offline/for-tests.sh
	@REQUIRE=$${REQUIRE-$$(docker version >/dev/null 2>&1 && echo engine,browser)} \
	  $(BIN)/pytest $(SIDE_BY_SIDE) $(if $(GROUP),--group $(GROUP),--records) $(if $(SINCE),--since $(SINCE))

prove: .venv/test.stamp ## the same, and no record counts: what a committed result says is run again, the fast clocks by themselves
	@$(MAKE) --no-print-directory check
	@offline/for-tests.sh
	@export PROVE=1 REQUIRE=engine,browser; \
	  $(BIN)/pytest $(SIDE_BY_SIDE) -m "not time_lapse"; side_by_side=$$?; $(BIN)/pytest -m time_lapse && exit $$side_by_side

real: .venv/test.stamp ## what runs in containers, and the pages, on official images only: it refuses a stand-in
	@$(BIN)/python -m engine.images official
	@REQUIRE=engine $(BIN)/pytest $(SIDE_BY_SIDE) -m "stack and not browser"

fast: .venv/test.stamp ## the tests that need neither Docker nor a browser, wait for no clock and are not slow
	$(BIN)/pytest -m "not stack and not browser and not clock and not slow" -n 2

check: .venv/test.stamp ## format, lint, spelling, types, shell scripts, and both builds of the site, strict
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/shellcheck offline/*.sh offline/*/*.sh lab/faults/*.sh 04-incidents/policies/*.sh 05-migration/*.sh 05-migration/legacy/*.sh .ci/run
	$(BIN)/mkdocs build --strict --quiet --site-dir .cache/site
	$(BIN)/zensical build --strict --clean

serve: .venv/lab.stamp ## the course from .venv in the foreground, pages reload as you edit them
	@$(BIN)/python -m mkdocs serve --livereload --dev-addr 127.0.0.1:$${LAB_PORT:-8000}

facts: .venv/test.stamp ## measure the figures of the pages again, one by one (an idle machine, five minutes)
	rm -rf 03-prefect/.venv
	$(BIN)/pytest tests/test_03_prefect.py tests/test_03_host.py tests/test_05_migration.py -k "first_run_completes or make_etl_twice or takes_less"
	@$(BIN)/python -m docs.facts --measured

outputs: ## keep what the commands of the pages printed in the last run of the tests, for their readers
	@offline/python.sh -m docs.outputs

playground: .venv/lab.stamp ## what the page "Try a crontab" runs in a browser, beside the site: Python from npm, once, and lab cron
	@$(BIN)/python -m docs.playground

screenshots: .venv/test.stamp ## take the pictures of lessons 03, 04 and 05 again, from Prefect's pages on a stack of its own
	@$(BIN)/python docs/screenshots.py

images: ## pull or build every image of the course; where one is a stand-in, ask the registry again
	@offline/python.sh -m engine.images again

bundle: .venv/lab.stamp ## the whole course in one tar, for machines without network and with this processor (BUNDLE=path/to/it.tar)
	@$(BIN)/python -m docs.playground || true # without it the page names the commands
	@$(BIN)/python -m engine.bundle make "$(BUNDLE)"

unbundle: ## check and load such a tar (BUNDLE=path/to/it.tar)
	@offline/python.sh -m engine.bundle load "$(BUNDLE)"

bench-etl: ## rows a second from PostgreSQL to ClickHouse, by many routes (ROWS="2000000 20000000" REPEAT=3)
	@offline/python.sh -m bench.etl

bench-prefect: ## what Prefect costs: starts, tasks, runs a minute, idle memory (REPEAT=3 RUNS=30)
	@offline/python.sh -m bench.overhead

bench-migration: ## MariaDB to the warehouse beside a dump by hand, killed ten times, and on Dask (WORDS="load kills dask" ROWS=... REPEAT=3)
	@offline/python.sh -m bench.migration $(WORDS)

chaos-etl: ## kill every part of lesson 03 at work, then compare every row (KILLS=100 SECONDS=1800 SEED=1, or NAIVE=1)
	@offline/python.sh -m bench.chaos --kills $(or $(KILLS),100) --seconds $(or $(SECONDS),inf) $(if $(SEED),--seed $(SEED)) $(if $(NAIVE),--naive)

bench-incidents: ## what a collection of lesson 04 costs, by Prefect and by cron (POPS="10 100 1000" REPEAT=3)
	@offline/python.sh -m bench.incidents

chaos-incidents: ## both collectors of lesson 04 under faults and kill -9, then every row compared (RUNS=200 SEED=1)
	@offline/python.sh -m bench.incidents chaos

bench-queues: ## consumers of lesson 05 by number, beside one without Prefect, and other patterns (BURST=3000 REPEAT=3 PARTS=scale)
	@offline/python.sh -m bench.queues

chaos-queues: ## both brokers of lesson 05 under kill -9, then every order counted (MESSAGES=20000 KILLS=20 SEED=1 BROKERS=sqs)
	@offline/python.sh -m bench.queue_chaos

vectors: ## what real cron does with hundreds of schedules, made twice, in bench/vectors.json
	@offline/python.sh -m bench.vectors

conform: ## how many of these vectors cronsim, croniter, APScheduler and Prefect have right
	@offline/python.sh -m bench.conform

outages: ## what cron and Prefect do after two hundred outages each, in bench/outages.json
	@offline/python.sh -m bench.outages

contrast: ## plain cron, hardened cron and Prefect under the same faults (FAULT=slow-run for one, REPEAT=5, LANES=folder)
	@offline/python.sh -m contrast $(FAULT) $(if $(LANES),--lanes $(LANES))

lock: ## resolve requirements/*.txt again from pyproject.toml
	@offline/lock.sh

prefect: ## another version of Prefect: pin it, then run again all that the course says about it (VERSION=3.9.2)
	@test -n "$(VERSION)" || { echo "which version? make prefect VERSION=3.9.2" >&2; exit 2; }
	@offline/prefect.sh $(VERSION)

clean: ## stop the course, remove .venv, caches, the built site and the bundle
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab down; fi
	rm -rf .venv .cache site dist .mypy_cache .ruff_cache .pytest_cache

# Installed again only when a requirement has changed.
.venv/%.stamp: requirements/%.txt pyproject.toml offline/venv.sh
	@offline/venv.sh $<
	@touch $@
