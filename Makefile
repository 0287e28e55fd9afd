# What there is to run; `make help` lists it. Everything needs Python 3.11+ and make, no more.

ARGS ?=
PYTEST := .venv/bin/python -m pytest

# Many processes start from the same sources: each would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

##@ Use it

.PHONY: setup
setup: ## make .venv with the `mailquay` command in it
	@tools/setup runtime

.PHONY: run
run: ## start the platform with a demo domain; ARGS go to `mailquay standalone`
	@tools/setup runtime web
	@exec .venv/bin/mailquay standalone $(ARGS)

##@ Test it

.PHONY: dev
dev: ## set up what the tests and checks need
	@tools/setup dev web

.PHONY: test
test: dev ## pass the tests; ARGS go to pytest
	$(PYTEST) -m "not peers and not browser and not cluster and not prometheus" $(ARGS)

.PHONY: test-peers
test-peers: dev ## pass the tests with other people's mail clients (mbsync, neomutt, imapflow, ...)
	@tools/setup peers
	$(PYTEST) -m peers $(ARGS)

.PHONY: test-browser
test-browser: dev ## pass the webmail's tests in Chromium
	$(PYTEST) -m browser $(ARGS)

.PHONY: test-prometheus
test-prometheus: dev ## pass the tests of alerts and dashboards with Debian's Prometheus
	$(PYTEST) -m prometheus $(ARGS)

.PHONY: test-cluster
test-cluster: dev ## pass the tests in a real Kubernetes cluster (needs root, Go and Debian packages)
	@python3 -m tools.images --archive .cache/images
	.venv/bin/python -m tools.cluster run .venv/bin/python -m pytest -m cluster $(ARGS)

.PHONY: bench
bench: dev ## measure throughput and latency beside other servers; ARGS go to bench
	.venv/bin/python -m bench $(ARGS)

##@ Ship it

.PHONY: images
images: ## build the container images; ARGS go to tools.images (--tag, --archive FOLDER, names)
	@python3 -m tools.images $(ARGS)

.PHONY: cluster
cluster: dev ## a shell in a real Kubernetes cluster, which ends with it
	.venv/bin/python -m tools.cluster shell

##@ Write it

.PHONY: fmt
fmt: dev ## format the Python code
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

.PHONY: lint
lint: dev ## check style, format and who imports whom
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

.PHONY: types
types: dev ## check the types, strictly
	.venv/bin/mypy $(wildcard */src services/*/src) bench tools/*.py tools/cluster tools/dashboards tools/images conftest.py

.PHONY: web
web: ## check the web application and run its tests, then build it
	@tools/setup test-web web

.PHONY: docs
docs: setup ## write the pages that are made from the code
	.venv/bin/python -m mailquay.runtime.reference docs/configuration.md
	.venv/bin/python -m mailquay.cli.reference docs/cli.md
	.venv/bin/python -m mailquay.declared.reference docs/config-as-code.md docs/config-as-code.schema.json
	.venv/bin/python -m tools.rfc_index
	.venv/bin/python -m tools.dashboards
	.venv/bin/python -m tools.chart_reference

.PHONY: pictures
pictures: dev ## take the pictures of the webmail anew, in Chromium
	.venv/bin/python -m tools.screenshots

.PHONY: lock
lock: ## resolve the lock files (needs uv); ARGS=--upgrade takes newer versions
	@tools/lock $(ARGS)

.PHONY: ci
ci: ## everything that is checked before a change lands
	@.ci/run

##@ Clean up

.PHONY: clean
clean: ## remove what was built and installed; .data with the mail in it stays
	rm -rf .venv .cache services/webmail-api/web/node_modules services/webmail-api/web/dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help
help: ## list all of this
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
