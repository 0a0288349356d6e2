# Every target sets up all that it needs; `make help` explains them.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Each process would else compile a thousand modules anew, where the environment forbids to keep them.
export PYTHONDONTWRITEBYTECODE :=

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/ready ## a local control plane, the sandbox API and the operator; the examples on their way to Ready (ARGS=--exit ends it)
	@$(BIN)/managed-databases demo $(ARGS)

gitops-tools: $(VENV)/ready ## Flux's and Argo CD's libraries as a program for the tests; minutes the first time
	@command -v go > /dev/null || echo "no go here: Flux and Argo CD's own libraries are not tried"
	@! command -v go > /dev/null || $(BIN)/python tests/gitops/tools.py > /dev/null || echo "not built: the tests that need it will fail"

test: $(VENV)/ready gitops-tools ## every test (ARGS='-k name' for some)
	@$(BIN)/python -m managed_databases.controlplane
	@$(if $(ARGS),,PYTHONPATH=deploy python3 -m image --if-at-hand)
	@$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

mutants: $(VENV)/ready ## break each rule that guards money, data and access, and see that a fast test notices (ARGS=word for some)
	@PYTHONPATH=tests $(BIN)/python -m mutants $(ARGS)

e2e: $(VENV)/ready ## the operator's image, by the chart, on real nodes: kind's, or local ones (root; ARGS='-k name' for some)
	@PYTHONPATH=tests $(BIN)/python -m e2e $(ARGS)

chaos: $(VENV)/ready ## kill the operator at every boundary of every scenario, try every fault; takes an hour or more
	@$(BIN)/python -m managed_databases.controlplane
	@$(BIN)/pytest -n 2 --dist worksteal -m chaos -o faulthandler_timeout=2400 tests/stories/chaos tests/stories/test_kills.py tests/virtual $(ARGS)

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

base-digest: ## look up the newest digest of the image's base, and write it into the Dockerfile
	@PYTHONPATH=deploy python3 -m image.base_digest

audit: $(VENV)/ready ## ask advisory databases about requirements.lock (it fails when something is known, or nobody could be asked)
	@PYTHONPATH=deploy $(BIN)/python -m audit

lock: $(VENV)/ready ## resolve the dependencies anew into requirements.lock, and make audit's own
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header --group pyproject.toml:dev pyproject.toml -p 3.11 -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header deploy/audit/requirements.txt -p 3.11 -o deploy/audit/requirements.lock

clean: ## remove the environment and the caches
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The lock holds every version and hash, uv's as well: pip installs that one, and uv the others.
$(VENV)/ready: pyproject.toml requirements.lock
	@echo "setting up $(VENV) from requirements.lock"
	@python3 -m venv $(VENV)
	@PYTHONPATH=deploy python3 -m image.lock uv > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r $(VENV)/uv.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --no-deps --only-binary :all: -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-index --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: help demo gitops-tools test e2e mutants chaos bench check fix image base-digest audit lock clean
