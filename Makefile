# Everything below sets up what it needs in .venv; nothing has to be installed before but Python >= 3.10 and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO := .venv/.demo
# The other roads' packages stay out of .venv: what they bring along would change what the tests run on.
BENCH := .venv-bench/.ready
# Without .pyc every process that the tests start compiles the product anew, and every pytest all tests: a third of the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-pythons slow walks lost-events soak fault-matrix mutants storms fuzz audit lint format bench dist clean help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

$(DEMO): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "bucketrelay needs Python 3.10 or newer: make PYTHON=/path/to/python3.12")'
	@echo "installing what the demo needs into .venv, once: some 35 packages, 160 MB"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "bucketrelay needs Python 3.10 or newer: make PYTHON=/path/to/python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(if $(wildcard $(READY)),,$(DEMO))  ## the main job between local stand-ins of three clouds, to be watched
	@$(BIN)/python -m bucketrelay demo

test: $(READY)  ## all tests but the slow ones; some two minutes on two cores (tests/order.py: how many processes)
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-pythons:  ## the same tests on each Python that is here, 3.10 to 3.14; each sets up a .venv of its own
	$(PYTHON) tests/pythons.py

slow: $(READY)  ## the proofs that take minutes: 10 GiB through 128 MiB, all directions of the memory bound
	$(BIN)/python -m pytest -m slow --timeout 3600 -n auto --dist loadgroup
	$(BIN)/python -m pytest -m 'hypothesis and not slow and not deep' --hypothesis-profile thorough --timeout 900 -n auto --dist loadgroup

walks: $(READY)  ## the walks that nobody has seen the end of: for a machine that has the night
	$(BIN)/python -m pytest -m deep -s tests/faults

fault-matrix: $(READY)  ## every fault at every request of every store; writes docs/fault-matrix.md and docs/wire-faults.md
	PYTHONPATH=tests $(BIN)/python -m faults.matrix $(CLOUDS)
	PYTHONPATH=tests $(BIN)/python -m faults.wire

lost-events: $(READY)  ## 5 % of the events lost, 1 % of the requests failing, of so many objects: make lost-events COUNT=100000
	BUCKETRELAY_LOST_EVENTS=$(or $(COUNT),100000) $(BIN)/python -m pytest -m slow tests/reconcile/test_lost_events.py -s

soak: $(READY)  ## random worlds for as long as asked: make soak SECONDS=600
	PYTHONPATH=tests $(BIN)/python -m faults.soak $(or $(SECONDS),120)

mutants: $(READY)  ## every mistake of a list is made in a copy of the package, and some test must notice: make mutants NAMES="no-second-look"
	PYTHONPATH=tests $(BIN)/python -m mutants $(NAMES)

storms: $(READY)  ## random storms over HTTP through the real functions, compared by rclone: make storms STORMS=10000 SEED=1, or ONLY=--meeting for those over routes that meet
	PYTHONPATH=tests $(BIN)/python -m storms --storms $(or $(STORMS),1000) --seed $(or $(SEED),1) $(ONLY)

fuzz: $(READY)  ## every parser fed with what nobody would send: make fuzz SECONDS=600
	PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(or $(SECONDS),120)

audit: $(READY)  ## known vulnerabilities of what constraints.txt pins; needs PyPI itself, as mirrors do not tell
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[audit]'
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r constraints.txt

lint: $(READY)  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy deploy/*.py
	$(BIN)/lint-imports --no-cache  # a cache of files as they were would let a violation pass

format: $(READY)  ## mend what a machine can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BENCH): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "bucketrelay needs Python 3.10 or newer: make PYTHON=/path/to/python3.12")'
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $@

bench: $(BENCH)  ## all figures beside other roads, in half an hour, into benchmarks/results.md; some five minutes of it: make bench QUICK=1
	.venv-bench/bin/python benchmarks/bench.py $(if $(QUICK),--quick)

dist: $(READY)  ## a release of the last commit in dist/: source archive, wheel, the functions' archives, SHA256SUMS
	$(BIN)/python deploy/release.py

clean:  ## forget all that was built
	rm -rf .venv .venv-bench dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache shared/*.egg-info
