# Everything that a developer or continuous integration does. Each target sets up what it needs.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
STORE ?= sqlite:///demo.db
PYTEST_ARGS ?=
SEEDS ?= 10000
FIRST ?= 0
FUZZ_SECONDS ?= 600
MUTANTS ?= 400
BENCH_SECONDS ?= 20
BENCH_ARGS ?=
ONLY ?=
PORT ?= 8080
LOAD_HOST ?=
LOAD_USERS ?= 20
LOAD_SECONDS ?= 30
SEED ?= 1
# More than a small machine has cores, since many tests wait for processes and for time to pass. One emulator serves all.
PYTEST_WORKERS ?= 4

# The tests start hundreds of Pythons, which should not compile the package each.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
STAMP := .venv/.stamp
# Where the suites of other projects are run.
PEERS := tests/peers tests/integration/adapters/test_langgraph.py
DEMO := .venvs/demo
BENCH := .venvs/bench
MUTATING := .venvs/mutants
APART := .venvs/apart
LINTING_INFRA := .venvs/lint-infra
SHIPPED := .venvs/shipped
AUDITING := .venvs/audit
LICENCES := MIT;BSD;Apache;Mozilla;MPL-2.0;PSF
SERVICE := .venvs/service
PINNING := .venvs/pins
LOADING := .venvs/load
SCHEMATHESIS := .venvs/schemathesis
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), tai_state needs 3.11 or newer: make PYTHON=..." >&2; exit 1; }
PIP_INSTALL := pip install --quiet --quiet --disable-pip-version-check

.PHONY: help venv install generate lint site lint-infra licences sbom audit format clients test test-more peers peers-apart test-all demo service service-requirements load torture simulate coverage fuzz mutants bench clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Built anew whenever pyproject.toml changes, and whenever the last attempt did not finish.
$(STAMP): pyproject.toml
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear .venv
	$(BIN)/$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

venv: $(STAMP) ## Make .venv with the package and its tools (PYTHON=python3.12 chooses another)

install: venv ## Set up all that the tests need: .venv, the Firestore emulator, redis-server and strace
	bash emulator/ensure.sh
	bash .ci/ensure.sh strace redis-server

generate: venv ## Write the sync twins of the async folders, and what pages tell of the code
	$(BIN)/python .ci/generate_sync.py
	$(BIN)/python .ci/generate_errors.py
	$(BIN)/python .ci/generate_findings.py
	$(BIN)/python .ci/generate_evening.py
	$(BIN)/python .ci/generate_indexes.py
	$(BIN)/python .ci/generate_openapi.py

lint: venv site ## Run every check that changes nothing: style, types, twins, security, the site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/python .ci/generate_sync.py --check
	$(BIN)/python .ci/generate_errors.py --check
	$(BIN)/python .ci/generate_findings.py --check
	$(BIN)/python .ci/generate_evening.py --check
	$(BIN)/python .ci/generate_indexes.py --check
	$(BIN)/python .ci/generate_openapi.py --check
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml tai_state .ci infra/service
	$(BIN)/hadolint infra/service/Dockerfile
	git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/detect-secrets-hook --no-verify --exclude-files '^tests/data/'

site: venv ## Build the documentation, build/site/docs/index.html, offline; a warning fails
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --doctree-dir build/doctrees -c docs . build/site

$(LINTING_INFRA)/.stamp: infra/lint-requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(LINTING_INFRA)
	$(LINTING_INFRA)/bin/$(PIP_INSTALL) --requirement infra/lint-requirements.txt
	@touch $@

lint-infra: $(LINTING_INFRA)/.stamp ## Check the Terraform and the shell scripts, by policies that work offline
	$(LINTING_INFRA)/bin/checkov --directory infra/terraform --framework terraform --compact --quiet --skip-download
	$(LINTING_INFRA)/bin/shellcheck emulator/*.sh infra/*.sh .ci/*.sh .ci/run
	if command -v terraform >/dev/null; then terraform fmt -check -recursive -diff infra/terraform; fi

# What the image of the example service holds, to the byte, and nothing of those who build it.
$(SHIPPED)/.stamp: pyproject.toml infra/service/requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(SHIPPED)
	$(SHIPPED)/bin/$(PIP_INSTALL) --require-hashes --no-deps --requirement infra/service/requirements.txt
	$(SHIPPED)/bin/$(PIP_INSTALL) --no-deps .
	@touch $@

$(AUDITING)/.stamp: infra/audit-requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(AUDITING)
	$(AUDITING)/bin/$(PIP_INSTALL) --requirement infra/audit-requirements.txt
	@touch $@

licences: $(SHIPPED)/.stamp $(AUDITING)/.stamp ## List the licences of all that is shipped; one that is not allowed fails
	$(AUDITING)/bin/pip-licenses --python $(SHIPPED)/bin/python --from=mixed --order=license \
		--partial-match --allow-only='$(LICENCES)'

sbom: $(SHIPPED)/.stamp $(AUDITING)/.stamp ## Write the bill of materials of all that is shipped, build/sbom.json (CycloneDX)
	@mkdir -p build
	$(AUDITING)/bin/cyclonedx-py environment $(SHIPPED)/bin/python --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file build/sbom.json

audit: $(SHIPPED)/.stamp $(AUDITING)/.stamp ## Ask for known vulnerabilities of all that is shipped (over the network)
	$(AUDITING)/bin/pip-audit --path "$$($(SHIPPED)/bin/python -c 'import site; print(site.getsitepackages()[0])')"

format: venv ## Format the code and repair what ruff can, then write the twins
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/python .ci/generate_sync.py

test: install ## Run the tests, emulator included (PYTEST_ARGS="-k locks" passes on)
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal --durations=20 $(PYTEST_ARGS)

# What sends the server all that its description allows, and the languages of its clients: tests/integration/server.
$(SCHEMATHESIS)/.stamp: tests/fuzz/schemathesis-requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(SCHEMATHESIS)
	$(SCHEMATHESIS)/bin/$(PIP_INSTALL) --requirement tests/fuzz/schemathesis-requirements.txt
	@touch $@

clients: $(SCHEMATHESIS)/.stamp ## Set up what the tests of the server's clients need: Node, npm, Ruby, schemathesis
	bash .ci/ensure.sh ruby npm

test-more: install lint-infra licences sbom clients ## Run the full size of what `make test` does small: at most half an hour
	bash .ci/ensure.sh chromium chromedriver=chromium-driver
	$(BIN)/$(PIP_INSTALL) --editable '.[browser]'
	PYTEST_DEBUG_TEMPROOT=$${TMPDIR:-/tmp} JDK_JAVA_OPTIONS= \
		$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal -m 'more and not torture' --durations=20 $(PYTEST_ARGS)

peers: install ## Run the suites of other projects whole, pointed at this package: counts by suite and engine
	PYTEST_DEBUG_TEMPROOT=$${TMPDIR:-/tmp} JDK_JAVA_OPTIONS= \
		$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal -p tests.peers.counts $(PEERS) -m '' --timeout=600 --durations=10 $(PYTEST_ARGS)
	$(MAKE) peers-apart

test-all: install ## Run the tests on every Python from 3.11 up that this machine has
	bash .ci/test_all.sh -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

# The package alone, in an environment of its own: who only looks need not wait for the tools of those who build.
$(DEMO)/.stamp: pyproject.toml
	@$(CHECK_PYTHON)
	@printf 'installing the package into %s: ' '$(DEMO)' >&2
	@(while sleep 1; do printf . >&2; done) & dots=$$!; trap 'kill $$dots' EXIT; \
		$(PYTHON) -m venv --clear $(DEMO) && $(DEMO)/bin/$(PIP_INSTALL) --editable .
	@echo ' done' >&2
	@touch $@

demo: $(DEMO)/.stamp ## Show the main job end to end: run, kill -9, recover, verify (STORE=firestore:// for the emulator)
	@$(DEMO)/bin/tai-state --store '$(STORE)' demo

# Exactly what the image holds, by hash.
$(SERVICE)/.stamp: pyproject.toml infra/service/requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(SERVICE)
	$(SERVICE)/bin/$(PIP_INSTALL) --require-hashes --no-deps --requirement infra/service/requirements.txt
	$(SERVICE)/bin/$(PIP_INSTALL) --no-deps --editable .
	@touch $@

service: $(SERVICE)/.stamp ## Start the example service on the emulator, and print what to try (PORT=8080)
	bash emulator/ensure.sh
	@PORT=$(PORT) $(SERVICE)/bin/python infra/service/local.py

service-requirements: ## Pin anew what the service's image holds, with the hash of every file
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(PINNING)
	$(PINNING)/bin/$(PIP_INSTALL) pip-tools
	CUSTOM_COMPILE_COMMAND='make service-requirements' $(PINNING)/bin/pip-compile --quiet --upgrade --strip-extras \
		--generate-hashes --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--extra fastapi --extra flask --extra service --output-file infra/service/requirements.txt pyproject.toml

$(LOADING)/.stamp: infra/load/requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(LOADING)
	$(LOADING)/bin/$(PIP_INSTALL) --requirement infra/load/requirements.txt
	@touch $@

# Without LOAD_HOST the service is started here, and ends with this.
load: $(LOADING)/.stamp $(SERVICE)/.stamp ## Drive the service with LOAD_USERS=20 for LOAD_SECONDS=30 (LOAD_HOST=https://... drives yours)
	@host='$(LOAD_HOST)'; if [ -z "$$host" ]; then \
		bash emulator/ensure.sh; host=http://localhost:$(PORT); mkdir -p build; \
		if curl --silent --output /dev/null "$$host"; then echo "port $(PORT) is taken: make load PORT=..." >&2; exit 1; fi; \
		PORT=$(PORT) $(SERVICE)/bin/python infra/service/local.py >build/service.log 2>&1 & service=$$!; \
		trap 'kill $$service' EXIT; \
		curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "$$host/health/ready" || \
			{ cat build/service.log >&2; exit 1; }; \
	fi; \
	$(LOADING)/bin/locust --locustfile infra/load/locustfile.py --headless --only-summary --host "$$host" \
		--users $(LOAD_USERS) --spawn-rate 10 --run-time $(LOAD_SECONDS)s --stop-timeout 30

torture: install ## Kill, cut off and restart for minutes, then prove that nothing was lost
	bash .ci/ensure.sh spin gcc
	PYTEST_DEBUG_TEMPROOT=$${TMPDIR:-/tmp} JDK_JAVA_OPTIONS= \
		$(BIN)/pytest tests/torture -m torture --timeout=0 $(PYTEST_ARGS)

simulate: venv ## Run many seeds of the simulation in two processes (SEEDS=10000, FIRST=0)
	$(BIN)/python -m tests.simulation.many --seeds $(SEEDS) --first $(FIRST)

coverage: install ## Run the tests and print the branch coverage of the package (at least 95 %)
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal --cov --cov-report=term --cov-fail-under=95 $(PYTEST_ARGS)

fuzz: venv ## Feed rubbish to all that reads, FUZZ_SECONDS=600 a target: nothing untyped may come out
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

# What plants the bugs stands in an environment of its own; the tests run in .venv, as always.
$(MUTATING)/.stamp: pyproject.toml
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(MUTATING)
	$(MUTATING)/bin/$(PIP_INSTALL) --editable '.[mutants]'
	@touch $@

mutants: install $(MUTATING)/.stamp ## Plant MUTANTS=400 small bugs in rules and protocols: at least 90 % must be found
	$(MUTATING)/bin/python .ci/mutants.py --sample $(MUTANTS) --seed $(SEED)

# Other projects that want older releases of what the other tests stand on.
$(APART)/.stamp: pyproject.toml tests/peers/apart/requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(APART)
	$(APART)/bin/$(PIP_INSTALL) --editable '.[dev]' --requirement tests/peers/apart/requirements.txt
	@touch $@

peers-apart: install $(APART)/.stamp ## Run what other projects ask, in an environment of its own where they want older releases
	$(APART)/bin/pytest -n $(PYTEST_WORKERS) -m peers tests/peers/apart $(PYTEST_ARGS)

# The peers stand in an environment of their own: the package needs none of them.
$(BENCH)/.stamp: pyproject.toml tests/benchmarks/requirements.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(BENCH)
	$(BENCH)/bin/$(PIP_INSTALL) --editable ".[server]" --requirement tests/benchmarks/requirements.txt
	@touch $@

bench: $(BENCH)/.stamp ## Measure beside floors and peers, BENCH_SECONDS=20 a workload (ONLY=w1-sqlite measures one)
	bash emulator/ensure.sh
	bash .ci/ensure.sh redis-server || true
	BENCH_SECONDS=$(BENCH_SECONDS) $(BENCH)/bin/python -m tests.benchmarks $(BENCH_ARGS) $(ONLY)

clean: ## Remove what make and its tools made, the virtual environments too
	rm -rf .venv .venvs build dist htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f demo.db demo.db-* .coverage .coverage.* coverage.xml
	find tai_state tests .ci emulator -name __pycache__ -type d -prune -exec rm -rf {} +
