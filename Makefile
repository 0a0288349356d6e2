# Every target sets up all that it needs; `make help` explains them.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
ENGINES ?=
# What the examples need, and what the tests that every `make test` runs need.
DEMO_ENGINES := postgresql-16 pgbouncer redis-server kafka-3.6
TEST_ENGINES := postgresql-16 pgbouncer redis-server
ALL_ENGINES := $(TEST_ENGINES) mariadb-server-core kafka-3.6
# Each process would else compile a thousand modules anew, where the environment forbids to keep them.
export PYTHONDONTWRITEBYTECODE :=
# uv trusts what the machine trusts, also the certificate of a company's proxy.
export UV_SYSTEM_CERTS := 1

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/ready ## a local control plane, the sandbox API and the operator; the examples on their way to Ready (ARGS=--exit ends it, ENGINES=1: with real servers)
	@$(if $(ENGINES),$(BIN)/python -m managed_databases.sandbox.servers.fetching $(DEMO_ENGINES))
	@$(BIN)/managed-databases demo $(if $(ENGINES),--engines) $(ARGS)

engines: $(VENV)/ready ## servers for the sandbox and the demo (ARGS='postgresql-16 pgbouncer'); without ARGS, what there is
	@$(BIN)/python -m managed_databases.sandbox.servers.fetching $(ARGS)

gitops-tools: $(VENV)/ready ## Flux's and Argo CD's libraries as a program for the tests; minutes the first time
	@command -v go > /dev/null || echo "no go here: Flux and Argo CD's own libraries are not tried"
	@! command -v go > /dev/null || PYTHONPATH=tests $(BIN)/python -m gitops.tools > /dev/null || echo "not built: the tests that need it will fail"

promtool: $(VENV)/ready ## Prometheus' own program, which then checks the metrics and tries the alerts in the tests; minutes the first time
	@PYTHONPATH=tests $(BIN)/python -m monitoring.promtool

test: $(VENV)/ready gitops-tools ## every test (ARGS='-k name' for some)
	@$(BIN)/python -m managed_databases.controlplane
	@$(if $(ARGS),,PYTHONPATH=deploy python3 -m image --if-at-hand)
	-@$(BIN)/python -m managed_databases.sandbox.servers.fetching $(TEST_ENGINES)
	@$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

quick: $(VENV)/ready ## the tests for work in between: rules, decisions and the API client, without a server (ARGS='-k name' for some)
	@$(BIN)/pytest -q -n 2 --dist worksteal -m "not story and not chaos" tests/api tests/kinds tests/test_parts_of_a_kind.py tests/reconcile tests/gitops $(ARGS)

engines-test: $(VENV)/ready ## the tests with real servers that take long, or need much (fetches what they need)
	@$(BIN)/python -m managed_databases.controlplane
	@$(BIN)/python -m managed_databases.sandbox.servers.fetching $(ALL_ENGINES)
	@$(BIN)/pytest -n 2 --dist worksteal -m engines tests/engines tests/stories $(ARGS)

consumers: $(VENV)/ready ## frameworks of five languages log in with the presets of Secrets (Java, Maven, Go, node, Ruby; tells what is missing)
	@$(BIN)/python -m managed_databases.controlplane
	@$(BIN)/python -m managed_databases.sandbox.servers.fetching $(ALL_ENGINES)
	@$(BIN)/pytest -n 1 -m consumers tests/stories/test_engine_consumers.py $(ARGS)

mutants: $(VENV)/ready ## break each rule that guards money, data and access, and see that a fast test notices (ARGS=word for some)
	@PYTHONPATH=tests $(BIN)/python -m mutants $(ARGS)

e2e: $(VENV)/ready ## the operator's image, by the chart, on real nodes: kind's, or local ones (root; ARGS='-k name' for some)
	@PYTHONPATH=tests $(BIN)/python -m e2e $(ARGS)

chaos: $(VENV)/ready ## kill the operator at every boundary of every scenario, try every fault; takes an hour or more
	@$(BIN)/python -m managed_databases.controlplane
	-@$(BIN)/python -m managed_databases.sandbox.servers.fetching $(TEST_ENGINES)
	@$(BIN)/pytest -n 2 --dist worksteal -m chaos -o faulthandler_timeout=2400 tests/stories/chaos tests/stories/test_kills.py tests/stories/test_engine_kills.py tests/stories/test_engine_two_users.py tests/virtual $(ARGS)

bench: $(VENV)/ready ## every benchmark, and benchmarks/report.md (ARGS='--scale 0.1 first_reaction' for some, without a report)
	@$(BIN)/python -m managed_databases.controlplane
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(or $(ARGS),--report)

check: $(VENV)/ready ## linters, types, import direction, generated files; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/managed-databases crds --check
	@$(BIN)/managed-databases docs --check

fix: $(VENV)/ready ## repair what the linters can repair, make the generated files anew
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/managed-databases crds
	@$(BIN)/managed-databases docs

image: ## the operator's image, with docker, podman or buildah, and as an archive in .cache/image (ENGINE=podman: with that)
	@PYTHONPATH=deploy python3 -m image

version: ## write a version into all places that tell it, and into the changelog (VERSION=1.2.3)
	@PYTHONPATH=deploy python3 -m release.versions "$(VERSION)"

release: $(VENV)/ready ## all that a release publishes, built of the last commit and checked, in dist/VERSION (VERSION=1.2.3; ARGS=--help)
	@PYTHONPATH=deploy $(BIN)/python -m release $(ARGS) $(if $(VERSION),"$(VERSION)")

base-digest: ## look up the newest digest of the image's base, and write it into the Dockerfile
	@PYTHONPATH=deploy python3 -m image.base_digest

audit: $(VENV)/ready ## ask advisory databases about requirements.lock (it fails when something is known, or nobody could be asked)
	@PYTHONPATH=deploy $(BIN)/python -m audit

docs: $(VENV)/ready ## the documentation as a site on localhost (ARGS=build: as files, in .cache/site; ARGS='publish FOLDER': beside other versions)
	@PYTHONPATH=deploy $(BIN)/python -m pages $(ARGS)

lock: $(VENV)/ready ## resolve the dependencies anew into requirements.lock, and those of make audit and make docs
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header --extra operator --group pyproject.toml:dev pyproject.toml -p 3.11 -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header deploy/audit/requirements.txt -p 3.11 -o deploy/audit/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header deploy/pages/requirements.txt -p 3.11 -o deploy/pages/requirements.lock

clean: ## remove the environment and the caches
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The lock holds every version and hash, uv's as well: pip installs that one, and uv the others.
$(VENV)/ready: pyproject.toml requirements.lock
	@python3 -c 'import sys; sys.version_info >= (3, 11) or sys.exit("python3 is Python %d.%d, and 3.11 or newer is needed: put one first in PATH" % sys.version_info[:2])'
	@echo "setting up $(VENV): Python's environment and uv (1 of 3)"
	@python3 -m venv --clear $(VENV)
	@PYTHONPATH=deploy python3 -m image.lock uv > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r $(VENV)/uv.lock
	@echo "setting up $(VENV): $$(grep -c '^[a-z]' requirements.lock) packages of requirements.lock, which takes a minute or two (2 of 3)"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --no-deps --only-binary :all: -r requirements.lock
	@echo "setting up $(VENV): this program (3 of 3)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-index --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: help demo engines engines-test consumers gitops-tools promtool test quick e2e mutants chaos bench check fix image version release base-digest audit docs lock clean
