# One vocabulary for people, hooks and CI. Recipes are one call into the CLI or a tool.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
MODEL ?= credit_default
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install install-spark run world test test-slow test-spark check generate bench bench-features bench-training bench-scoring bench-reference ui stop clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

install: ## make .venv from the lock (the other targets do it when needed)
	@$(PYTHON) platform/install.py

install-spark: install ## the Spark feature engine beside it (needs Java 17)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/spark.txt

run: install ## train, judge and register a model: make run MODEL=credit_default
	@$(BIN)/loanwright run $(MODEL)

world: install ## the synthetic pay-later lender's tables (loanwright world --help: other sizes)
	@$(BIN)/loanwright world

test: install ## the fast tests
	@$(BIN)/pytest

test-slow: install ## the tests that run whole pipelines
	@$(BIN)/pytest -m "slow and not spark"

test-spark: install-spark ## the tests that hold Spark to DuckDB's bytes
	@$(BIN)/pytest -m spark

check: install ## format, lint, types, layers, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/loanwright generate --check
	@$(BIN)/loanwright check

generate: install ## write every generated file anew
	@$(BIN)/loanwright generate

bench: install ## the pipeline against the same calls in one plain script
	@$(BIN)/python tests/benchmarks/pipeline_tax.py

bench-features: install ## features over events against hand-written code and feature stores (an hour and a half)
	@$(BIN)/python tests/benchmarks/point_in_time.py

bench-scoring: install ## many rows scored against LightGBM's own call on a matrix in memory (half an hour)
	@$(BIN)/python tests/benchmarks/batch_scoring.py

bench-training: install ## training by several processes against the usual ways (half an hour)
	@$(BIN)/python tests/benchmarks/training_speed.py

bench-reference: install ## five-fold results beside published figures
	@$(BIN)/python tests/benchmarks/reference.py

ui: install ## the MLflow UI
	@$(BIN)/loanwright ui

stop: install ## stop the embedded S3 server
	@$(BIN)/loanwright stop

clean: ## remove .venv and the state folder
	@test ! -x $(BIN)/loanwright || $(BIN)/loanwright stop
	@rm -rf .venv .loanwright
