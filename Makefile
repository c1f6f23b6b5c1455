# Everything one does with a checkout. Needs Python 3.11 or newer, make and git; nothing else.
#
#   make run        the portal on this machine, with demo data        (PORT=8001 make run: on another port)
#   make test       every test, browser tests included                (make test ARGS="tests/core -x": some of them)
#   make check      formatting, types, architecture, templates, migrations, translations
#   make mutants    take one guard away after the other, and see whether a test misses it
#   make bench      each page beside its floor
#   make chaos      nothing is lost, whatever is killed           (make chaos KILLS=50 ARGS=--small: as `make test` does)
#   make screenshots  the README's pictures, anew from a demo park
#   make messages   translations: find new strings, compile
#   make format     let ruff and djlint put the code in order
#   make clean      forget this checkout's data, services and tools

# Of several Pythons the fastest; whoever wants another says so: make PYTHON=python3.12 run
PYTHON ?= $(shell sh park_portal/choose_python.sh)
# Some environments forbid Python to keep what it compiled: then every process that starts would compile the portal and
# its libraries anew, which takes three times as long as starting.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=
KILLS ?= 1000

.DEFAULT_GOAL := run
.PHONY: run test check mutants bench chaos screenshots messages format browser clean setup

setup: $(STAMP)

$(STAMP): requirements.txt
	$(eval PYTHON := $(PYTHON))
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module is needed; none was found. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "▸ Installing the portal's packages into .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --no-compile -r requirements.txt
	@touch $(STAMP)

run: $(STAMP)
	@$(BIN)/python -m park_portal.run

# Three at once, also on two cores: a test that waits for a browser or a process leaves one idle.
test: $(STAMP) browser
	@$(BIN)/python -m park_portal.translations build --quiet
	@$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

# The browser tests use the system's Chromium; it is installed where it is missing and we may.
browser:
	@tests/install_browser.sh

check: $(STAMP)
	@$(BIN)/python -m park_portal.check $(ARGS)

mutants: $(STAMP)
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m tests.bench $(ARGS)

chaos: $(STAMP)
	@$(BIN)/python -m tests.chaos --kills $(KILLS) $(ARGS)

screenshots: $(STAMP) browser
	@$(BIN)/python -m pytest -q tests/e2e/screenshots.py

messages: $(STAMP)
	@$(BIN)/python -m park_portal.translations build
	@$(BIN)/python -m park_portal.translations check

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	@test ! -x $(BIN)/python || $(BIN)/python -m park_portal.local stop
	rm -rf .local .venv staticfiles
