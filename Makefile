PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin

# Where exports are tested; those but the first are heavy, and only the slow tier makes them.
ENVIRONMENTS := exports model-garden
SETUPS := $(ENVIRONMENTS:%=setup-%)

.PHONY: help setup $(SETUPS) demo test test-all test-exports fuzz lint format bench page-timings screenshots results object-sizes chaos hosts schema lock clean

help:
	@echo "make setup     creates .venv from the lock file (the other targets call it)"
	@echo "make setup-exports  creates .venv-exports, where exports are tested (the tests call it)"
	@echo "make setup-model-garden  creates .venv-model-garden, likewise (the slow tests call it)"
	@echo "make demo      runs a search campaign on this machine, with its dashboard"
	@echo "make test      runs the tests that every change must pass"
	@echo "make test-all  runs all tests, including slow ones"
	@echo "make test-exports  runs the tests of exports, each in the environment of its framework"
	@echo "make fuzz      sends hundreds of generated requests to every route"
	@echo "make lint      checks format, lint, types and import contracts"
	@echo "make bench     runs one round of most benchmarks"
	@echo "make page-timings  measures the dashboard with 5,000 and 100,000 trials in Chromium"
	@echo "make screenshots   writes docs/images/ from a search that it runs at the first time"
	@echo "make results   searches with 5,000 trials and writes docs/results.md; it can be interrupted and run again"
	@echo "make object-sizes  searches on small and on large objects and writes docs/object-sizes.md, likewise"
	@echo "make chaos     injects faults into a running campaign: make chaos ARGS='--database postgresql'"
	@echo "make hosts     multi-host failure test: the compose file's service on four hosts, two of which fail (needs root)"
	@echo "make schema    writes docs/block-specification.schema.json"
	@echo "make lock      resolves and pins the dependencies"
	@echo "make clean     removes .venv, .venv-* and caches, but no campaigns"

setup:
	@$(PYTHON) tools/setup_environment.py

$(SETUPS): setup-%:
	@$(PYTHON) tools/setup_environment.py $*

demo: setup
	@exec $(BIN)/effspine demo --with-parent $(ARGS)

# Tests start hundreds of processes, which would each compile the project's modules again.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = EFFSPINE_REQUIRE_EXPORTS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: setup setup-exports
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: setup $(SETUPS)
	@$(PYTEST) $(ARGS)

test-exports: setup $(SETUPS)
	@$(PYTEST) tests/exporters $(ARGS)

fuzz: setup
	@EFFSPINE_FUZZ_EXAMPLES=$${EFFSPINE_FUZZ_EXAMPLES:-100} $(BIN)/python -m pytest tests/api/http/test_openapi.py --timeout 7200 $(ARGS)

lint: setup
	@$(BIN)/ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

bench: setup
	@$(BIN)/effspine bench engine --repeats 1
	@$(BIN)/effspine bench profile
	@$(BIN)/effspine bench settings --rounds 1
	@$(BIN)/effspine bench memory
	@$(BIN)/effspine bench evaluation
	@$(BIN)/effspine bench control-plane --trials 1000

page-timings: setup
	@exec $(BIN)/python -m tools.pages.timings $(ARGS)

screenshots: setup
	@exec $(BIN)/python -m tools.pages.screenshots $(ARGS)

results: setup
	@exec $(BIN)/python -m tools.studies.results $(ARGS)

object-sizes: setup
	@exec $(BIN)/python -m tools.studies.object_sizes $(ARGS)

chaos: setup
	@$(BIN)/python -m tests.chaos $(ARGS)

hosts: setup
	@$(BIN)/python deploy/multi_host_failures.py $(ARGS)

SCHEMA := docs/block-specification.schema.json

schema: setup
	@$(BIN)/python -c 'import json; from search_space.document_schema import block_specification_schema as schema; \
	  print(json.dumps(schema(), indent=2))' > $(SCHEMA).new && mv $(SCHEMA).new $(SCHEMA) || { rm -f $(SCHEMA).new; exit 1; }

LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command "make lock" --quiet

lock: setup
	@$(LOCK) pyproject.toml --extra dev --output-file requirements.lock
	@$(LOCK) deploy/locks/build.in --constraint requirements.lock --output-file deploy/locks/build.lock
	@$(LOCK) deploy/locks/launcher.in --output-file deploy/locks/launcher.lock
	@$(LOCK) pyproject.toml --extra postgres --extra mlflow --constraint requirements.lock --output-file deploy/locks/cpu.lock
	@$(LOCK) pyproject.toml --extra postgres --extra mlflow --extra gpu --constraint requirements.lock --output-file deploy/locks/gpu.lock

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
