# Two commands: `make demo` shows the whole chain, `make dev` serves it. Everything lives in .venv, .dagster and .local-aws.
PYTHON ?= python3
# Another Python has an environment beside it: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements/dev.txt
VENDORED := secrets_pipeline/rotation/vendored
# Else every process that a test starts compiles the whole library, and every worker of a test run all tests.
unexport PYTHONDONTWRITEBYTECODE
# Files of tests are dealt to a process for each core, those with the most tests first; another one would cost the
# imports and the collection once more.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
# Temporary files are kept in memory where it has room: many disks take milliseconds to delete a file, and to sync one.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000' | grep -q . \
	&& ! grep -q ' /dev/shm .*noexec' /proc/mounts && echo 'TMPDIR=$${TMPDIR:-/dev/shm}')
PYTEST := $(MEMORY) $(BIN)/python -m pytest -n auto --dist loadfile
# What runs the product as users do, as processes beside each other or as roles with the least rights, has a target of its own.
STARTED := tests/deploy/started tests/e2e/leases tests/e2e/least_rights tests/e2e/started tests/docs/started tests/cli/demo \
	tests/cli/dev/test_command.py tests/cli/test_wheel.py
UNSTARTED := $(addprefix --ignore=,$(STARTED))
# The pure parts, by path: naming them saves each process the collection of the rest.
FAST := engine values aws references desired stacks golang access/evaluator access/granting access/trust rotation simulation

# AWS emulators that nobody here wrote, as they are published; each has an environment of its own.
BACKENDS := moto ministack

# A link that leads nowhere fails it. Material's note about its successor is no warning of these pages.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.DEFAULT_GOAL := help
.PHONY: help venv demo dev test test-fast test-thorough deploy-test test-backends newest-botocore oldest-dagster newest-dagster mutants fuzz pictures lint docs format requirements vendored clean

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.stamp ## Make .venv from the pinned requirements

# The list is complete: nothing is left to resolve, and nothing is installed whose hash is not in it, hatchling included.
$(VENV)/.stamp: $(REQUIREMENTS) pyproject.toml
	@echo "Making $(VENV) from $(REQUIREMENTS) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(REQUIREMENTS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: venv ## Embedded AWS, examples/, the whole chain and every check; leaves nothing running
	@$(BIN)/secrets-pipeline demo

dev: venv ## Embedded AWS, partitions and `dg dev` until Ctrl-C
	@$(BIN)/secrets-pipeline dev

test: venv ## Every test, sweeps by the turn of the day; ARGS="-k rotation" and the like are passed on
	$(PYTEST) --hypothesis-profile ci $(UNSTARTED) $(ARGS)

test-fast: venv ## The tests of the pure parts, while you work
	$(PYTEST) $(addprefix tests/,$(FAST)) $(ARGS)

test-thorough: venv ## Every test, every sweep whole
	SWEEP=all $(PYTEST) --hypothesis-profile thorough $(UNSTARTED) $(ARGS)

deploy-test: venv ## The product as processes (demo, dev, wheel, UI, console blocks of docs, daemon, deploy/ on PostgreSQL, ECS, two hosts), and under the least rights
	$(MEMORY) $(BIN)/python -m pytest tests/deploy $(filter-out tests/deploy/% tests/docs/%,$(STARTED)) $(ARGS)
	@# Two pages at a time; with ARGS, none may be meant.
	$(MEMORY) $(BIN)/python -m pytest -n 2 tests/docs/started $(ARGS) $(if $(ARGS),|| [ $$? = 5 ])

.venv-%/.stamp: requirements/backends-%.txt
	@echo "Making .venv-$* from $< …"
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

test-backends: venv $(BACKENDS:%=.venv-%/.stamp) ## The chain on plain moto and on ministack: what works, and what cannot with the reason
	$(MEMORY) PYTHONPATH=. $(BIN)/python benchmarks/backend_run.py $(ARGS)

newest-botocore: venv ## What did AWS add? The newest botocore against the classes of tests/aws/models; a workflow runs it weekly, and it blocks nothing
	@rm -rf .newest
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .newest botocore
	PYTHONPATH=.newest $(BIN)/python -m pytest tests/aws/models $(ARGS)

oldest-dagster: venv ## tests/orchestration, and the project of somebody else, on the oldest Dagster that pyproject.toml allows
	$(call test-on-dagster,lowest-direct)

newest-dagster: venv ## The same on the newest Dagster that pyproject.toml allows
	$(call test-on-dagster,highest)

# Only Dagster's packages differ from the environment's; they lie in a folder that comes before it.
define test-on-dagster
	@rm -rf .$@ && mkdir .$@
	@grep -oE '"dagster[a-z0-9-]*>=[^"]+' pyproject.toml | tr -d '"' | sort -u \
	  | $(BIN)/uv pip compile --system-certs - --python $(BIN)/python --resolution $(1) --no-header --no-annotate --quiet \
	  | grep '^dagster' > .$@/versions.txt
	@cat .$@/versions.txt
	@$(BIN)/uv pip install --system-certs --quiet --no-deps --python $(BIN)/python --target .$@ -r .$@/versions.txt
	$(MEMORY) PYTHONPATH=$(CURDIR)/.$@ $(BIN)/python -m pytest -n auto --dist loadfile tests/orchestration tests/e2e/started/test_guest.py $(ARGS)
endef

mutants: venv ## Judge the 400 mutants of benchmarks/mutation/mutants.jsonl: does a test still notice each? (ARGS="--only 17 -j 2")
	$(BIN)/python benchmarks/mutants.py judge $(ARGS)

fuzz: venv ## Read repositories with random mistakes: only errors of ours may come of one (ARGS="--seconds 3600 --seed 7")
	$(BIN)/python -m tests.desired.fuzz $(ARGS)

pictures: venv ## Make docs/images/ anew: the recording from the real program, the screenshots by the test that presses the UI's buttons
	PYTHONPATH=. $(BIN)/python benchmarks/recording.py
	$(MEMORY) SECRETS_PIPELINE_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/e2e/started/test_buttons.py

lint: venv ## ruff, mypy --strict and the contracts of imports, over everything; docs/ as a site; schemas and zizmor over .github/ and docs/ci/
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(SITE)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/ci/github/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci docs/ci/gitlab/*.yml
	$(BIN)/zizmor --offline --no-progress --quiet --persona pedantic .github/workflows/*.yml docs/ci/github/*.yml
	$(BIN)/shellcheck --external-sources docs/ci/*.sh .ci/run .ci/slow
	$(BIN)/python -m tests.ci_files | $(BIN)/shellcheck --shell bash -

docs: venv ## Write the generated pages of docs/ anew, and build all of docs/ as a site in .site
	$(BIN)/python -m docs_build
	$(SITE)

format: venv ## Format and fix what can be
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: venv ## Resolve the pins again
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes --quiet -o requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --extra deploy --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes --quiet -o requirements/deploy.txt
	$(BIN)/uv pip compile pyproject.toml --extra local --extra deploy --extra dev --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes --quiet -o requirements/dev.txt
	printf 'moto[server]\n' | $(BIN)/uv pip compile - --constraint requirements/dev.txt --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes --quiet -o requirements/backends-moto.txt
	printf 'ministack>=1.5.33\n' | $(BIN)/uv pip compile - --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes --quiet -o requirements/backends-ministack.txt
	printf 'hatchling\n' | $(BIN)/uv pip compile - --constraint requirements/dev.txt --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes --quiet -o requirements/build.txt

vendored: venv ## Fetch what the rotation function brings along again, in the versions of requirements/runtime.txt
	rm -f $(VENDORED)/*.whl
	printf 'pg8000\npymysql\n' | $(BIN)/uv pip compile - --constraint requirements/runtime.txt --python-version 3.13 --no-emit-index-url --no-header --no-annotate --generate-hashes --quiet -o $(VENDORED)/requirements.txt
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --dest $(VENDORED) -r $(VENDORED)/requirements.txt

clean: ## Remove what the targets made, .venv included
	rm -rf .venv .venv-* .dagster .local-aws .mypy_cache .newest .newest-dagster .oldest-dagster .pytest_cache .ruff_cache .site
