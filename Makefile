# Every target does its own set-up: a virtual environment in .venv, from requirements.lock, made again only when
# the lock or pyproject.toml changes. Needs Python 3.11 or newer and make, nothing else.
#
#   make demo ARGS=--exit     passes options on; so do `make test ARGS='-k settings'` and `make check`

.DEFAULT_GOAL := help
.PHONY: help demo test chaos chaos-mutants bench profile check compiled plain format lock clean
ARGS ?=
# Tests that run at the same time, each with a broker of its own; 0 for one after the other in one process.
JOBS ?= 3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What the bench compares with, away from what streakline needs.
BENCH_VENV := .bench-venv
LOCK_TOOLS := .lock-tools
# The lock must not name an index or a folder: whoever installs brings their own.
COMPILE := $(LOCK_TOOLS)/bin/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## run streakline on this machine: Kafka, sample traffic, unlocks, the dashboard (ARGS=--exit ends by itself)
	@$(BIN)/streakline demo $(ARGS)

test: $(STAMP) ## run all tests (ARGS='-k settings' for some)
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

chaos: $(STAMP) ## run the chaos suite in full, half an hour (ARGS='1 2-after-fold --seed 7' for some faults)
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: $(STAMP) $(BENCH_VENV)/.installed ## measure streakline beside Kafka Streams, Bytewax, Quix Streams and Faust (ARGS=--quick: minutes)
	@$(BIN)/python -m tests.bench $(ARGS)

profile: $(STAMP) $(BENCH_VENV)/.installed ## sample a worker at full load: where a microsecond goes (ARGS='--out docs' writes it there)
	@$(BIN)/python -m tests.bench.profile $(ARGS)

chaos-mutants: $(STAMP) ## take out one safeguard after the other: each must turn the suite red (ten minutes)
	@$(BIN)/python -m tests.chaos.mutants $(ARGS)

check: $(STAMP) ## lint, formatting, types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

compiled: $(STAMP) plain ## compile the hot path in place: the same source, several times as fast; needs a C compiler
	@if $${CC:-cc} --version >/dev/null 2>&1; then \
		STREAKLINE_COMPILE=1 $(INSTALL) --no-deps --no-build-isolation --editable .; \
	else echo "streakline: no C compiler ($${CC:-cc}), so the hot path stays plain Python: install gcc" >&2; fi

plain: ## remove what `make compiled` made: plain Python again
	@rm -rf build
	@find . -name '*.so' -not -path './.*' -delete

format: $(STAMP) ## format, and fix what the linter can fix
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

lock: $(LOCK_TOOLS)/.installed ## write the three requirements locks anew (ARGS=--upgrade for newer versions)
	@CUSTOM_COMPILE_COMMAND='make lock' $(COMPILE) $(ARGS) --all-extras --output-file requirements.lock pyproject.toml
	@CUSTOM_COMPILE_COMMAND='make lock' $(COMPILE) $(ARGS) --constraint requirements.lock \
		--output-file requirements.prod.lock pyproject.toml
	@CUSTOM_COMPILE_COMMAND='make lock' $(COMPILE) $(ARGS) --output-file requirements.bench.lock tests/bench/requirements.in

clean: plain ## remove what the other targets made; data of the local Kafka stays
	@rm -rf $(VENV) $(BENCH_VENV) $(LOCK_TOOLS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that is new enough and can make a virtual environment, or one line that says what is missing.
define FIND_PYTHON
python=; older=; bare=; \
for candidate in python3.11 python3 python; do \
	command -v $$candidate >/dev/null 2>&1 || continue; \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { older=$$candidate; continue; }; \
	$$candidate -c 'import ensurepip, venv' 2>/dev/null || { bare=$$candidate; continue; }; \
	python=$$candidate; break; \
done; \
if [ -z "$$python" ]; then \
	if [ -n "$$bare" ]; then echo "streakline: $$bare cannot make virtual environments: install its venv package (Debian and Ubuntu: apt-get install python3-venv)" >&2; \
	elif [ -n "$$older" ]; then echo "streakline: needs Python 3.11 or newer, but $$older is older or does not run: install python3.11" >&2; \
	else echo "streakline: needs Python 3.11 or newer: no python3.11 or python3 on the PATH" >&2; fi; \
	exit 1; \
fi
endef

$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(FIND_PYTHON); \
		echo "making $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV); }
	@echo "installing the locked packages into $(VENV) (about a minute when nothing is cached)"
	@$(MAKE) --no-print-directory plain
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_VENV)/.installed: requirements.bench.lock
	@$(FIND_PYTHON); $$python -m venv --clear $(BENCH_VENV)
	@echo "installing Bytewax and Quix Streams into $(BENCH_VENV)"
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.bench.lock
	@touch $@

$(LOCK_TOOLS)/.installed: Makefile
	@$(FIND_PYTHON); $$python -m venv --clear $(LOCK_TOOLS)
	@$(LOCK_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-tools==7.6.2'
	@touch $@
