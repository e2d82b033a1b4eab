# Every target sets up what it needs, once. Needs: Python 3.11 or newer, make, and the package index.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(or $(shell command -v uv),.uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
SETUP := .venv/.synced
SAM_CLI := .local/sam-cli/.synced

.PHONY: bench bench-streaming bootstrap help setup demo local synth deploy destroy smoke test check unit round-trips soak picture vendor

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.uv/bin/uv:
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(SETUP): pyproject.toml uv.lock | $(UV)
	@echo "Setting up .venv from uv.lock, once: about a minute" >&2
	@$(UV) sync --frozen --quiet && touch $@

# It pins old libraries, so it has an environment and a lock of its own.
$(SAM_CLI): local/sam/requirements.txt | $(UV)
	@$(UV) venv --quiet --clear .local/sam-cli
	@$(UV) pip sync --quiet --python .local/sam-cli/bin/python $< && touch $@

setup: $(SETUP)

demo: $(SETUP)  ## start everything, hold the demo conversation, stop everything
	@$(RUN) python -m local.session_demo $(if $(API_URL),--url $(API_URL))

local: $(SETUP)  ## the API on http://127.0.0.1:8000 until Ctrl-C
	@$(RUN) python -m local.stack

picture: $(SETUP)  ## take docs/console.png, the picture of the console, anew; needs Chromium
	@CONSOLE_PICTURE=docs/console.png $(RUN) pytest -q tests/e2e/console/test_console_picture.py

vendor: $(SETUP)  ## take the console's packages from npm anew: MARKED=18.2.1 DOMPURIFY=3.4.18
	@test -n "$(MARKED)" -a -n "$(DOMPURIFY)" || { echo "make vendor MARKED=x.y.z DOMPURIFY=x.y.z" >&2; exit 2; }
	@$(RUN) python -m local.vendor marked@$(MARKED) dompurify@$(DOMPURIFY)

.PHONY: sam sam-down test-sam
sam: $(SETUP) $(SAM_CLI)  ## the API in Lambda's containers on http://127.0.0.1:3000 until Ctrl-C; needs Docker
	@$(RUN) python -m local.sam

sam-down: $(SETUP)  ## end what `make sam` started elsewhere; ARGS=--volumes deletes its database too
	@$(RUN) python -m local.sam down $(ARGS)

test-sam: $(SETUP) $(SAM_CLI)  ## the demo and every route in Lambda's containers; needs Docker
	@docker version >/dev/null || { echo "make test-sam: no Docker engine answers" >&2; exit 2; }
	@$(RUN) pytest -q -s -m docker tests/e2e

synth: $(SETUP)  ## the CloudFormation template in cdk.out, offline; ARGS="-c proxy=false" sets switches
	@$(RUN) python -m infra_cdk.node cdk synth --quiet $(ARGS)
	@$(RUN) python -m infra_cdk.node cdk list --long --app cdk.out

bootstrap: $(SETUP)  ## prepare an AWS account and region for deployments, once
	@$(RUN) python -m infra_cdk.node cdk bootstrap $(ARGS)

deploy: $(SETUP)  ## deploy to the AWS account of the environment's credentials; ARGS as for synth
	@$(RUN) python -m infra_cdk.node cdk deploy $(ARGS)

destroy: $(SETUP)  ## take a deployment down; ARGS as for deploy
	@$(RUN) python -m infra_cdk.node cdk destroy $(ARGS)

smoke: $(SETUP)  ## the demo conversation against a deployed API: API_URL=https://…
	@test -n "$(API_URL)" || { echo "make smoke API_URL=https://… : which API?" >&2; exit 2; }
	@$(RUN) python -m local.session_demo --url $(API_URL)

check: $(SETUP)  ## format, lint, types, import directions
	@$(RUN) ruff format --check --quiet .
	@$(RUN) ruff check --quiet .
	@$(RUN) pyright
	@$(RUN) lint-imports --no-logo

round-trips: $(SETUP)  ## how often a turn waits for the database, counted on the wire
	@$(RUN) python -m tests.reliability.round_trips

soak: $(SETUP)  ## 10,000 runs under kills and restarts, then their history checked (about a minute)
	@$(RUN) python -m tests.reliability.soak $(ARGS)

unit: $(SETUP)  ## the tests alone, on two cores
	@$(RUN) pytest -q -n 2 --dist loadfile -m "not docker"

fuzz: $(SETUP)  ## 100,000 generated requests against the HTTP API; CASES=n for another number
	@FUZZ_EXAMPLES=$$(( ($(or $(CASES),100000) + 37) / 38 )) $(RUN) pytest -q -n 2 --timeout=0 tests/integration/test_fuzz_http.py

test: check unit  ## everything that must hold: check, then every test

bench: $(SETUP)  ## measure this project beside its peers (FULL=1 for long histories and a million sessions)
	@PATH="$(abspath .uv/bin):$$PATH" $(RUN) python -m tests.benchmarks

bench-streaming: $(SETUP)  ## of that, how soon a stream's first word comes (a minute)
	@$(RUN) python -m tests.benchmarks.streaming
