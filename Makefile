# Two commands do everything: `make demo` and `make test`. Both set themselves up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PEER := .venv-peer

.PHONY: help demo test check lint lint-plays lint-roles lint-code molecule test-hosts-api test-harden rounds docs bench wheel clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(STAMP) ## Play the main job on the lab and leave it up to look at; `make demo DOWN=1` ends it
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/demo.py

test: $(STAMP) lint ## Everything: linters, types, contracts, and all levels of tests
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/demo.py --end
	@$(BIN)/pytest -n $${BASTIDE_TEST_WORKERS:-3} --dist loadgroup

check: $(STAMP) lint ## What needs no lab: linters, types, contracts, unit and contract tests; under 3 minutes
	@$(BIN)/pytest -n $${BASTIDE_TEST_WORKERS:-2} --dist loadgroup tests/unit tests/contract

lint: $(STAMP) ## ruff, mypy --strict, the import contracts, ansible-lint, and documents that are generated
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-plays lint-roles lint-code

lint-code: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/reference.py --check

lint-roles: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint -q roles

lint-plays: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint -q --exclude roles

molecule: $(STAMP) ## Try the roles on booted hosts and in a virtual machine; needs root
	@$(BIN)/python tools/molecule.py

rounds: $(STAMP) ## Bring the lab of real hosts up and down ten times, and ten times kill it on the way
	@BASTIDE_LAB_ROUNDS=10 $(BIN)/pytest tests/hosts/test_hosts_rounds.py

test-hosts-api: $(STAMP) ## The tests of the API again, every lab of them on real hosts; needs root
	@$(BIN)/pytest --real-hosts -n $${BASTIDE_TEST_WORKERS:-2} --dist loadfile tests/integration tests/contract \
	    tests/lab --ignore tests/lab/platform

test-harden: $(STAMP) ## Harden every host of the lab at level high: what worked works after, and again changes nothing
	@BASTIDE_TEST_HARDENED='*' $(BIN)/pytest tests/hosts/test_hosts_harden.py

docs: $(STAMP) ## Write the generated documents again
	@$(BIN)/python tools/reference.py

bench: $(STAMP) $(if $(BASTIDE_BENCH_PEER),,$(PEER)/.ready) ## Measure against a floor and a peer in the same run; prints JSON
	@$(BIN)/python -m bench

$(PEER)/.ready:
	@{ $(PYTHON) -m venv $(PEER) && \
	    $(PEER)/bin/python -m pip install --quiet --disable-pip-version-check 'ansible==12.*' requests && touch $@; } || \
	    echo "bench: the peer could not be installed: its ratio will be missing" >&2

wheel: $(STAMP) ## Build the wheel
	@$(BIN)/python -m build --wheel

clean: ## Remove what was made here: the environment, the lab, caches
	@if [ -x $(BIN)/bastide ]; then $(BIN)/bastide lab down || true; fi
	@rm -rf $(VENV) $(PEER) .lab dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml
	@PYTHON=$(PYTHON) VENV=$(VENV) sh tools/setup.sh
	@touch $@
