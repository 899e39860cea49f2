# Needs Python 3.11, make and git; everything else is set up by the target that needs it. `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SCALE ?= reduced
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SNAKEMAKE := $(BIN)/snakemake --cores $(JOBS)
# A tracking server shows its runs itself.
SERVE := case "$${MLFLOW_TRACKING_URI}" in http*) echo "The runs are at $${MLFLOW_TRACKING_URI}"; wait;; \
  *) $(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" \
  --host 127.0.0.1 --port 5000 --workers 1;; esac
# DVC writes a line for every single file that it could not move: how many, and the first reason, say enough. Fetched and
# then checked out, not `dvc pull`, which deletes the rest of a folder that the remote does not give it whole.
define NAMED
@$(BIN)/dvc stage list --name-only | grep -q '^$(SCALE)_' \
  || { echo "make: SCALE=$(SCALE): DVC has no stage of it; scales are those of params.yaml"; exit 1; }
endef
define MOVE
$(NAMED)
@said="$$($(BIN)/dvc $(1) $$($(BIN)/dvc stage list --name-only | grep '^$(SCALE)_') 2>&1)"; failed=$$?; \
  lost="$$(echo "$$said" | grep -c -e '^md5: ' -e 'failed to transfer')"; \
  test $$failed = 0 -a "$$lost" = 0 || { echo "make: dvc $(1): $$lost files not moved, nothing here has changed:" \
  "$$(echo "$$said" | grep -m 1 '^ERROR' || echo where they should come from they are not, or the remote cannot be reached);" \
  "remotes: $$($(BIN)/dvc remote list | tr -s '\t\n' ' ')"; exit 1; }
endef
define ADOPT
$(NAMED)
@said="$$($(BIN)/dvc checkout --allow-missing $$($(BIN)/dvc stage list --name-only | grep '^$(SCALE)_') 2>&1)" \
  || { echo "make: dvc checkout: nothing is lost; do not force it, move away the files that it names:" \
  "$$(echo "$$said" | grep -m 1 -A 1 '^ERROR' | tr '\n' ' ')"; exit 1; }
@plan="$$($(BIN)/dvc repro --allow-missing --dry --glob '$(SCALE)_*')" && ! echo "$$plan" | grep '^Running stage' \
  || { echo "make: the files of these stages differ from dvc.lock; see: dvc status"; exit 1; }
@$(BIN)/supernet verify --scale $(SCALE)
@echo "Marking every file as up to date, a tenth of a second each (some minutes) ..."
@$(SNAKEMAKE) --touch --forceall --quiet all -- $(SCALE)
endef
REPORT_RULES := measure summary figures ledger

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-system docs bench tables report repro keep adopt push pull verify track ui live lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## the environment in .venv, once

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: needs Python 3.11, found '$(PYTHON)'; name one with: make PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements.lock into $(VENV) (some minutes, once) ..."
	@$(BIN)/pip install --quiet --progress-bar on -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the whole path on images made from scikit-learn's digits: no download, 2 cores
	@$(SNAKEMAKE) demo
	@cat results/demo/report/demo/table.md
	@echo
	@echo "Tables and figures: results/demo/report/demo    numbers: results/demo/metrics/demo.parquet    logs: logs/"

test: $(READY) ## linter and all quick tests; what is skipped says why
	@$(BIN)/ruff check .
	@$(BIN)/pytest -m "not system" -rs --numprocesses 2 --dist loadgroup

test-system: $(READY) ## slow tests against real SLURM, DVC and MLflow; what cannot run says why
	@$(BIN)/pytest -m system -rs

docs: $(READY) ## these pages and the reference as a site: docs/_build/index.html; a warning or a dead link is an error
	@rm -rf docs/_build docs/api
	@$(BIN)/sphinx-build -q -W --keep-going docs docs/_build
	@echo "docs/_build/index.html"

bench: $(READY) ## time training and scoring against this machine's limit: results/bench; some minutes, one idle core
	@$(BIN)/supernet bench

tables: $(READY) ## metrics, tables and figures of SCALE again from its scores; no training, no weights
	@$(SNAKEMAKE) $(SCALE) --allowed-rules $(SCALE) $(REPORT_RULES) --forcerun measure

report: $(READY) ## one page of all studies of SCALE from the files in git: results/site/SCALE.html; seconds
	@$(SNAKEMAKE) $(SCALE)_site --quiet all

repro: $(READY) ## bring every stage that DVC keeps up to date; full scale is frozen, absent weights are no reason to train
	@$(BIN)/python workflow/scripts/stages.py
	@$(BIN)/dvc repro --allow-missing

keep: $(READY) ## after new runs: have DVC vouch for what lies here of SCALE; absent weights stay as they were recorded
	@$(BIN)/python workflow/scripts/stages.py
	@$(BIN)/supernet verify --scale $(SCALE)
	@$(BIN)/python workflow/scripts/keep.py $(SCALE)

adopt: $(READY) ## after a clone, checkout or pull: take the files that DVC vouches for as Snakemake's own
	$(ADOPT)

push: $(READY) ## weights, images and tables of SCALE to DVC's remote
	$(call MOVE,push)

pull: $(READY) ## weights, images and tables of SCALE from DVC's remote, for Snakemake's own
	$(call MOVE,fetch)
	$(ADOPT)

verify: $(READY) ## are the files of SCALE those that params.yaml asks for, each made from the ones beside it?
	@$(BIN)/supernet verify --scale $(SCALE)

track: $(READY) ## mirror all runs into MLflow's store, or into the server that MLFLOW_TRACKING_URI names
	@$(SNAKEMAKE) --nolock track

ui: track ## the runs in a browser, at 127.0.0.1:5000
	@$(SERVE)

live: track ## the same, and as they train: mirrored again every 30 seconds
	@$(BIN)/python workflow/scripts/track.py --watch 30 & trap "kill $$!" EXIT INT TERM; $(SERVE)

lock: $(READY) ## requirements.lock from what is installed
	@{ head -n 1 requirements.lock; $(BIN)/pip freeze --all --exclude-editable \
	  | grep -v '^pip==' | sed 's/^\(torch==[^+]*\)+.*/\1/' | LC_ALL=C sort -f; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
