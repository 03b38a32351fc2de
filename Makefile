# meterbench: make install, run, test, sweep, check, bench. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
# Errors are shown, pip's remarks about itself and its index are not.
PIP_INSTALL := -m pip --disable-pip-version-check install -qq --no-input -c constraints.txt

# $(call step,what is done,command): says what it does, does it, and says how long it took.
step = @printf '== %s\n' '$(1)'; start=$$SECONDS; $(2); printf '   done in %d s\n' "$$((SECONDS - start))"

# $(call venv,folder): a virtual environment, or one sentence that says why there is none.
define venv
@if ! command -v "$(PYTHON)" > /dev/null; then \
    echo 'make: there is no $(PYTHON); install Python 3.11 or later, or name one: make install PYTHON=python3.12' >&2; exit 2; \
fi; \
if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
    echo "make: meterbench needs Python 3.11 or later, and $(PYTHON) is $$("$(PYTHON)" -c 'import platform; print(platform.python_version())'); name another one: make install PYTHON=python3.12" >&2; exit 2; \
fi; \
if ! "$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null; then \
    echo 'make: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 2; \
fi; \
if ! [ -x $(1)/bin/python ]; then "$(PYTHON)" -m venv $(1); fi; \
echo '*' > $(1)/.gitignore
endef

.PHONY: help install run test sweep check bench images clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## create .venv and install the command there

run: $(VENV)/.installed ## verify four meters on the virtual station and write the report (ARGS="--seed 7": more options)
	@$(BIN)/meterbench run initial-verification $(ARGS)

test: $(VENV)/.installed-test ## run the whole test suite on all cores (ARGS="-k journal": a part of it)
	@echo '== tests'; $(BIN)/pytest -n auto --dist worksteal $(ARGS)

sweep: $(VENV)/.installed-test ## the long tests too, and random examples that nobody has seen yet (an hour)
	@echo '== tests, long'; $(BIN)/pytest -n auto --dist worksteal -m 'not hardware' --hypothesis-profile hunt $(ARGS)

check: $(VENV)/.installed-test ## format, lint, types, layer contracts, links in the documentation
	$(call step,format: ruff format --check,$(BIN)/ruff format --quiet --check . || { echo 'make: run ruff format on the files above' >&2; exit 1; })
	$(call step,lint: ruff check,$(BIN)/ruff check --quiet .)
	$(call step,types: mypy --strict,$(BIN)/mypy --no-error-summary)
	$(call step,layer contracts: lint-imports,kept=$$($(BIN)/lint-imports --no-logo 2>&1) || { printf '%s\n' "$$kept" >&2; exit 1; })
	$(call step,documentation: links; keys; options,$(BIN)/pytest -q tests/docs/test_pages.py)

bench: $(BENCH_VENV)/.installed ## measure speed, next to OpenHTF where that applies
	@for file in benchmarks/*.py; do \
	    echo "== $$file"; start=$$SECONDS; $(BENCH_VENV)/bin/python "$$file"; echo "   done in $$((SECONDS - start)) s"; \
	done

images: $(VENV)/.installed ## make the pictures of README.md again (needs chromium)
	$(call step,pictures in docs/images,docs/images/make.sh)

clean: ## remove what the targets above made; runs/ stays
	rm -rf $(VENV) $(BENCH_VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	    .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call venv,$(VENV))
	$(call step,install meterbench into $(VENV) (the first time it takes a minute or two),$(BIN)/python $(PIP_INSTALL) -e .)
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(call step,install what tests and checks need into $(VENV),$(BIN)/python $(PIP_INSTALL) -e '.[test]')
	@touch $@

# OpenHTF brings dependencies of its own: it lives apart, so that it cannot disturb ours.
$(BENCH_VENV)/.installed: pyproject.toml constraints.txt
	$(call venv,$(BENCH_VENV))
	$(call step,install meterbench and OpenHTF into $(BENCH_VENV) (a minute or two),$(BENCH_VENV)/bin/python $(PIP_INSTALL) -e '.[bench]')
	@touch $@
