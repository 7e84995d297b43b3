# Two commands that matter: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-all
EXTRAS := web-data,documents,train,dev
PEERS ?= .venv-peers
PEER_GROUPS := $(patsubst benchmarks/peers/%.txt,%,$(wildcard benchmarks/peers/*.txt))

.PHONY: help setup demo test search check format peers bench clean

help:
	@echo "make demo    set up and run the main job on this machine's own Python"
	@echo "make test    set up and run all tests and checks (under 10 minutes on 2 cores)"
	@echo "make search  the property tests on new random examples"
	@echo "make check   format, lint, types, layers"
	@echo "make bench   the figures we claim, measured here beside the peers"

# CPU builds of torch are enough and much smaller; a CUDA build already installed is kept.
TORCH_INDEX ?=

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH_INDEX) -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[$(EXTRAS)]"
	$(BIN)/corpusmith doctor --warm
	touch $(STAMP)

setup: $(STAMP)

demo: $(STAMP)
	$(BIN)/corpusmith demo

check: $(STAMP)
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP) check
	$(BIN)/python -m pytest

search: $(STAMP)
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest tests/property

# What we compare ourselves with, each group in an environment of its own: their pins conflict.
$(PEERS)/%/.installed: benchmarks/peers/%.txt
	$(PYTHON) -m venv $(PEERS)/$*
	$(PEERS)/$*/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/$*/bin/python -m pip install --quiet -r $<
	touch $@

peers: $(PEER_GROUPS:%=$(PEERS)/%/.installed)

bench: $(STAMP) peers
	$(BIN)/python -m benchmarks

format: $(STAMP)
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

clean:
	rm -rf $(VENV) $(PEERS) corpora .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
