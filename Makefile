# Every target installs what it needs, once. Prerequisites: Python 3.11 or newer, make, and a package index.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(or $(shell command -v uv),.uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
SETUP := .venv/.synced
# Of the infrastructure: STAGE=prod takes the switches of stages.toml, ARGS="-c name=value" goes before them.
CDK_ARGS = $(if $(STAGE),-c stage=$(STAGE)) $(ARGS)
SAM_CLI := .local/sam-cli/.synced
HELM := .local/helm/.synced
OPENAPI_CLIENT := .local/openapi-client/.synced
IMAGE ?= strands-sessions
# Images of Python often forbid bytecode; then each of the hundreds of processes here would compile Strands for itself.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: bench bench-cold bench-library bench-runs bench-server bench-sessions bench-streaming bench-streams bench-turns bootstrap chaos check \
	compatibility demo deploy deploy-role destroy diff doctor fuzz help image last-release local memory openapi picture \
	reference round-trips sam sam-down setup shapes smoke soak soak-streams soak-waiters synth test test-console \
	test-examples test-helm test-image test-model test-sam unit vendor

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

.uv/bin/uv:
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(SETUP): pyproject.toml uv.lock | $(UV)
	@echo "Setting up .venv from uv.lock, once: about a minute" >&2
	@$(UV) sync --frozen --quiet && touch $@

# SAM CLI pins old libraries, so it has an environment and a lock file of its own.
$(SAM_CLI): local/sam/requirements.txt | $(UV)
	@$(UV) venv --quiet --clear .local/sam-cli
	@$(UV) pip sync --quiet --python .local/sam-cli/bin/python $< && touch $@

$(HELM): tests/deployment/requirements.txt | $(UV)
	@$(UV) venv --quiet --clear .local/helm
	@$(UV) pip install --quiet --python .local/helm/bin/python -r $< && touch $@

$(OPENAPI_CLIENT): tests/e2e/generated_clients/requirements.txt | $(UV)
	@$(UV) venv --quiet --clear .local/openapi-client
	@$(UV) pip install --quiet --python .local/openapi-client/bin/python -r $< && touch $@

setup: $(SETUP)  ## install the locked dependencies into .venv

# Run it on this machine

demo: $(SETUP)  ## start everything, hold the demo conversation, stop everything; API_URL=… uses a running API
	@$(RUN) python -m local.session_demo $(if $(API_URL),--url $(API_URL))

local: $(SETUP)  ## serve the API on http://127.0.0.1:8000 until Ctrl-C
	@$(RUN) python -m local.stack

sam: $(SETUP) $(SAM_CLI)  ## serve the API in Lambda's containers on http://127.0.0.1:3000 until Ctrl-C; needs Docker
	@$(RUN) python -m local.sam

sam-down: $(SETUP)  ## stop what `make sam` started elsewhere; ARGS=--volumes deletes its database too
	@$(RUN) python -m local.sam down $(ARGS)

# Check it

test: $(SETUP)  ## check and unit, side by side: what must hold before anything is committed
	@$(MAKE) --no-print-directory -j 2 check unit

check: $(SETUP)  ## format, lint, types, import directions, workflows
	@$(RUN) ruff format --check --quiet .
	@$(RUN) ruff check --quiet .
	@$(RUN) pyright
	@$(RUN) lint-imports --no-logo
	@$(RUN) check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(RUN) zizmor --offline --quiet --no-progress .github

# In the order of the folders: unit tests are last and short, so that neither core waits for the other's long file.
unit: $(SETUP)  ## every test except those with a target of their own, on two cores
	@$(RUN) pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not docker and not helm and not chromium and not weights and not examples and not history"

test-console: $(SETUP)  ## the console in Chromium, by mouse, by keyboard and on a phone (two minutes)
	@$(RUN) pytest -q -n 2 --dist loadfile -m chromium tests/e2e/console

test-model: $(SETUP)  ## the small local model with its real weights, and the demo with it (two minutes)
	@$(RUN) pytest -q -m weights tests/integration tests/e2e/test_session_demo.py

last-release: $(SETUP)  ## the last release's own suites on today's schema: both run during a deployment (two minutes)
	@$(RUN) pytest -q -m history tests/reliability

shapes: $(SETUP)  ## the infrastructure's templates for every pair of its switches, of which unit takes a sample
	@SHAPES=all $(RUN) pytest -q -n 2 tests/infra/test_shapes.py

test-sam: $(SETUP) $(SAM_CLI)  ## the demo and every route in Lambda's containers; needs Docker
	@docker version >/dev/null || { echo "make test-sam: no Docker engine answers" >&2; exit 2; }
	@$(RUN) pytest -q -s -m docker tests/e2e

test-image: $(SETUP) image  ## the demo's turns, the session backend and the migrations in containers of the image; needs Docker
	@$(RUN) pytest -q -m docker tests/deployment

test-helm: $(SETUP) $(HELM)  ## lint the Helm chart, and validate what it renders for six sets of values
	@$(RUN) pytest -q -m helm tests/deployment

test-examples: $(SETUP) $(OPENAPI_CLIENT)  ## the pages of examples/ in Chromium, generated clients, CopilotKit's runtime (two minutes)
	@$(RUN) pytest -q -m examples tests/e2e

compatibility: $(SETUP)  ## the package with the oldest libraries that it asks for, then with the newest (two minutes)
	@RESOLUTION=lowest-direct PACKAGE='*.whl' $(RUN) pytest -q tests/reliability/test_wheel.py
	@RESOLUTION=highest PACKAGE='*.tar.gz' $(RUN) pytest -q tests/reliability/test_wheel.py

fuzz: $(SETUP)  ## send 100,000 generated requests to the HTTP API; CASES=n sends another number
	@FUZZ_EXAMPLES=$$(( ($(or $(CASES),100000) + 37) / 38 )) $(RUN) pytest -q -n 2 --timeout=0 tests/integration/test_fuzz_http.py

soak: $(SETUP)  ## 10,000 runs under kills and restarts, then check their history (four minutes); ARGS="--runs 80000"
	@$(RUN) python -m tests.reliability.soak $(ARGS)

soak-streams: $(SETUP)  ## 300 streams, watched and rejoined under kills, cuts and restarts (six minutes); ARGS="--pooled"
	@$(RUN) python -m tests.reliability.watched_streams $(ARGS)

soak-waiters: $(SETUP)  ## 32 processes that wait for one session, some of them killed: each is served in its turn (a minute)
	@$(RUN) python -m tests.reliability.waiters $(ARGS)

chaos: $(SETUP)  ## hold turns over a network that fails in every way for two minutes; ARGS="--seconds 3600 --seed 7"
	@$(RUN) python -m tests.reliability.soak --chaos --seconds 120 $(ARGS)

# Measure it

memory: $(SETUP)  ## the most memory that functions take for 80 messages of 4.8 MB (a minute)
	@MEMORY_MESSAGES=80 $(RUN) pytest -q -s tests/reliability/test_memory.py

round-trips: $(SETUP)  ## count a turn's round trips to the database, on the wire
	@$(RUN) python -m tests.reliability.round_trips

bench: $(SETUP)  ## compare this project with its peers; FULL=1 adds long histories and a million sessions
	@PATH="$(abspath .uv/bin):$$PATH" $(RUN) python -m tests.benchmarks

bench-streaming: $(SETUP)  ## the part of bench that measures the time to a stream's first word (a minute)
	@$(RUN) python -m tests.benchmarks.streaming

bench-streams: $(SETUP)  ## how late tokens of up to 200 streams at once come through the local gateway, and its memory
	@$(RUN) python -m tests.benchmarks.streams

bench-cold: $(SETUP)  ## the first answer of functions under their share of a core, with and without TLS, token and tracing; needs root
	@PATH="$(abspath .uv/bin):$$PATH" $(RUN) python -m tests.benchmarks.cold

bench-turns: $(SETUP)  ## a turn's CPU and wall time beside the floor's, memory and WAL (three minutes); ARGS="long" for 10,000 turns
	@$(RUN) python -m tests.benchmarks.turns $(ARGS)

bench-server: $(SETUP)  ## turns a second and memory of one server process at 1, 8 and 64 turns at once
	@$(RUN) python -m tests.benchmarks.server

bench-runs: $(SETUP)  ## PostgreSQL's CPU for stored events, watchers and admission, and the time to a first word
	@$(RUN) python -m tests.benchmarks.runs

bench-sessions: $(SETUP)  ## forks, search in a million sessions, PostgreSQL's CPU and growth of a plain turn; ARGS="turns" for one part
	@$(RUN) python -m tests.benchmarks.sessions $(ARGS)

bench-library: $(SETUP)  ## the part of bench that measures imports, snapshots and an event loop under a locked table (a minute)
	@PATH="$(abspath .uv/bin):$$PATH" $(RUN) python -m tests.benchmarks.library

# Deploy it

image:  ## build the container image; PLATFORMS=linux/amd64,linux/arm64 IMAGE=… pushes one for both, with an SBOM
	@docker version >/dev/null || { echo "make image: no Docker engine answers" >&2; exit 2; }
	@docker $(if $(PLATFORMS),buildx build --platform $(PLATFORMS) --sbom=true --provenance=mode=max --push,build) \
		--file deployment/Dockerfile --tag $(IMAGE) $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) $(ARGS) .

synth: $(SETUP)  ## write the CloudFormation template to cdk.out, offline; ARGS="-c proxy=false" changes settings
	@$(RUN) python -m infra_cdk.node cdk synth --quiet $(CDK_ARGS)
	@$(RUN) python -m infra_cdk.node cdk list --long --app cdk.out

bootstrap: $(SETUP)  ## prepare an AWS account and region for deployments, once
	@$(RUN) python -m infra_cdk.node cdk bootstrap $(CDK_ARGS)

deploy-role: $(SETUP)  ## make the roles with which GitHub Actions deploys, once: REPOSITORY=owner/name (or owner@id/name@id)
	@test -n "$(REPOSITORY)" || { echo "make deploy-role: set REPOSITORY=owner/name" >&2; exit 2; }
	@$(RUN) python -m infra_cdk.node cdk deploy --output .local/deploy-role --app ".venv/bin/python -m infra_cdk.deploy_role" \
	  -c repository=$(REPOSITORY) $(ARGS)

diff: $(SETUP)  ## what a deployment would change, against the deployed template; ARGS as for synth
	@$(RUN) python -m infra_cdk.node cdk diff --method template $(CDK_ARGS)

doctor: $(SETUP)  ## what in the AWS account would stop a deployment, and the remedy; ARGS as for synth
	@$(RUN) python -m infra_cdk.doctor $(CDK_ARGS)

deploy: $(SETUP)  ## make doctor, then deploy to the AWS account of the environment's credentials; ARGS as for synth
	@$(RUN) python -m infra_cdk.deployment $(CDK_ARGS)

smoke: $(SETUP)  ## hold the demo conversation with a deployed API: API_URL=https://…
	@test -n "$(API_URL)" || { echo "make smoke: set API_URL=https://…" >&2; exit 2; }
	@$(RUN) python -m local.session_demo --url $(API_URL)

destroy: $(SETUP)  ## delete a deployment; ARGS as for deploy
	@$(RUN) python -m infra_cdk.node cdk destroy $(CDK_ARGS)

# Regenerate committed files

openapi: $(SETUP)  ## regenerate the OpenAPI document from the operations
	@$(RUN) python -m api.openapi

reference: $(SETUP)  ## regenerate docs/library.md from the docstrings of session_store
	@$(RUN) python -m tests.support.reference

picture: $(SETUP)  ## retake docs/console.png, and eight states of the console in .local/console to look at; needs Chromium
	@CONSOLE_PICTURE=docs/console.png CONSOLE_STATES=.local/console $(RUN) pytest -q tests/e2e/console/test_console_picture.py

vendor: $(SETUP)  ## update the console's npm packages: MARKED=18.2.1 DOMPURIFY=3.4.18 HIGHLIGHT=11.12.0
	@test -n "$(MARKED)" -a -n "$(DOMPURIFY)" -a -n "$(HIGHLIGHT)" || \
	  { echo "make vendor: set MARKED=x.y.z DOMPURIFY=x.y.z HIGHLIGHT=x.y.z" >&2; exit 2; }
	@$(RUN) python -m local.vendor marked@$(MARKED) dompurify@$(DOMPURIFY) @highlightjs/cdn-assets@$(HIGHLIGHT)
