# Two commands: `make demo` shows the whole chain, `make dev` serves it. Everything lives in .venv, .dagster and .local-aws.
PYTHON ?= python3
BIN := .venv/bin
REQUIREMENTS := requirements/dev.txt
MUTATED := $(addprefix secrets_pipeline/,engine values references spec stacks access) definitions/sensors \
	$(addprefix secrets_pipeline/reconcilers/,marks.py value_writer.py commit.py secret_writes.py 'rotat*')

.DEFAULT_GOAL := help
.PHONY: help venv demo dev test mutate lint format requirements clean

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/.stamp ## Make .venv from the pinned requirements

# The list is complete: nothing is left to resolve.
.venv/.stamp: $(REQUIREMENTS) pyproject.toml
	@echo "Making .venv from $(REQUIREMENTS) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(REQUIREMENTS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: venv ## Embedded AWS, examples/, the whole chain and every check; leaves nothing running
	@$(BIN)/secrets-pipeline demo

dev: venv ## Embedded AWS, partitions and `dg dev` until Ctrl-C
	@$(BIN)/secrets-pipeline dev

test: venv ## The whole test suite
	$(BIN)/python -m pytest

mutate: venv ## Random mutants of the packages that decide: which does no test notice? (ARGS='--count 300 -j 2')
	$(BIN)/python benchmarks/mutate.py $(MUTATED) $(ARGS)

lint: venv ## ruff and mypy --strict over everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: venv ## Format and fix what can be
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: venv ## Resolve the pins again
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-header --quiet -o requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --extra local --extra dev --universal --python-version 3.11 --no-emit-index-url --no-header --quiet -o requirements/dev.txt

clean: ## Remove what the targets made, .venv included
	rm -rf .venv .dagster .local-aws .mypy_cache .pytest_cache .ruff_cache
