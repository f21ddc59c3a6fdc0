# `make` alone lists the targets. Recipes of more than three lines live in scripts/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PORT ?= 8080
export PORT
PY := .venv/bin/python
PYTEST := .venv/bin/pytest
MYPY_PATHS := libs/kernel/src libs/chassis/src libs/stack/src identity-svc/src agenda-svc/src billing-svc/src payment-gateway-svc/src payment-gateway-svc/simulator/src gateway/src tests scripts

.PHONY: help setup run up down demo test unit contract integration e2e cov check lint fmt types imports proto proto-check release-descriptor bench lock doctor

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | expand -t 20

setup: ## make .venv from requirements.lock, with every member in it
	@scripts/setup.sh

run: setup ## set everything up and start the platform (PORT=8080); Ctrl-C stops it
	@exec .venv/bin/preau up --port $(PORT)

up: setup ## start the platform in the background
	@.venv/bin/preau up --port $(PORT) --detach

down: setup ## stop the platform
	@.venv/bin/preau down

demo: setup ## load the demo towns into the running platform
	@.venv/bin/preau demo

doctor: setup ## say what this machine lacks
	@.venv/bin/preau doctor

test: setup browser promtool ## set everything up, run every test, and see that they reach the rules (pyproject.toml says how much of them)
	@$(PYTEST) --cov

unit: setup ## quick tests, no sockets
	@$(PYTEST) tests/unit

contract: setup promtool ## contract tests
	@$(PYTEST) tests/contract

integration: setup ## tests on a real PostgreSQL and NATS
	@$(PYTEST) tests/integration

e2e: setup browser promtool ## journeys in a real browser on the whole platform
	@$(PYTEST) tests/e2e

cov: setup ## what of the rules and use cases no test reaches, in two minutes
	@scripts/coverage.sh

.PHONY: images charts chart-e2e kind-e2e
images: ## build the images of all services (podman, docker or buildah), with sizes and SBOMs in out/sbom
	@scripts/images.sh

charts: setup ## write the charts' schemas and README, lint them, pack them in out/charts
	@$(PY) scripts/charts_generate.py && scripts/charts.sh && for chart in identity-svc agenda-svc billing-svc payment-gateway-svc gateway preau; do .venv/bin/helm lint --strict --quiet out/charts/$$chart; done

.PHONY: dashboards
dashboards: setup ## write charts/preau/dashboards from scripts/boards
	@$(PY) scripts/dashboards.py

chart-e2e: setup ## the one-node profile as containers: main job in a browser, each service replaced under load
	@scripts/chart-e2e.sh

kind-e2e: setup ## the same on a real cluster, with kind
	@scripts/kind-e2e.sh

.PHONY: matrix
matrix: setup ## the last release and this code as one platform, at every step of an upgrade
	@$(PYTEST) tests/e2e/matrix tests/contract/repo/test_expansion.py

.PHONY: browser promtool
browser:
	@scripts/browser.sh

promtool:
	@scripts/promtool.sh

check: lint types imports proto-check test ## everything CI runs

lint: setup ## ruff, and the house's own linters
	@scripts/lint.sh

fmt: setup ## format and fix what can be
	@.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format --quiet .

types: setup ## mypy --strict
	@.venv/bin/mypy $(MYPY_PATHS)

imports: setup ## the layers, as import-linter checks them
	@.venv/bin/lint-imports --no-cache

proto: setup ## regenerate the code of every proto
	@$(PY) proto/generate.py

proto-check: setup ## protos: lint, no break since the last release, generated code up to date
	@scripts/proto-check.sh

release-descriptor: setup ## remember today's protos as the release that may not be broken
	@scripts/proto-check.sh --release

bench: setup ## figures of speed beside PostgreSQL's own (not a test)
	@$(PY) tests/load/bench.py

.PHONY: load
LOAD_RUNS := opening_day cutoff_hour month_end
load: setup ## opening day, cut-off hour and month end as trials; LOAD=opening_day runs one in full, ARGS="--quick" or others go to it
	@if [ -n "$(LOAD)" ]; then exec $(PY) tests/load/$(LOAD).py $(ARGS); fi; worst=0; for name in $(LOAD_RUNS); do printf '\n== %s --quick\n' $$name; $(PY) tests/load/$$name.py --quick || worst=1; done; exit $$worst

lock: setup ## rewrite requirements.lock
	@scripts/lock.sh
