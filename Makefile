# Sarsen's commands. `make` alone lists them; every target makes its environment first.
#
#   make run PORT=8001 HOST=127.0.0.1       make test ARGS="-k chat -x"       make <any> PYTHON=/path/to/python3.13

.DEFAULT_GOAL := help
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
export PYTHON

# Found at each call: the first Python that starts runs the bootstrap, which looks for the best one itself.
BOOTSTRAP = for p in "$$PYTHON" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if [ -n "$$p" ] && "$$p" -c "" 2>/dev/null; then exec "$$p" scripts/bootstrap.py; fi; done; \
	echo "make: no Python found: install Python 3.11 or newer, or name one with PYTHON=/path/to/python" >&2; exit 1
PY = .venv/bin/python
WITH_SERVERS = $(PY) -m infrastructure.embedded exec --

.PHONY: help env run test check fmt shell migrate manage lock upgrade clean

help: ## this list
	@echo "Sarsen"; echo; \
	sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

env: ## create or refresh .venv from the hash-pinned lock
	@$(BOOTSTRAP)

# The recipe is one plain command, so that make starts it without a shell between and Ctrl-C reaches it once.
run: env ## start everything on http://HOST:PORT with demo data; Ctrl-C stops it, data stays
	@$(PY) -m infrastructure.embedded run --host $(HOST) --port $(PORT)

test: env ## the whole suite on throwaway servers, parallel, with coverage (ARGS="-k word" picks, without the bar)
	@$(PY) scripts/test.py $(ARGS)

check: env ## lint, format, types, import contracts, migrations, production settings, locks; reports all of them
	@$(PY) scripts/check.py $(ARGS)

fmt: env ## format and mend what can be mended by itself
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format --quiet .

shell: env ## a Python shell with the models loaded, on the running stack's database or its own start of it
	@$(WITH_SERVERS) $(PY) manage.py shell $(ARGS)

migrate: env ## bring the database in step with the migrations
	@$(WITH_SERVERS) $(PY) manage.py migrate $(ARGS)

manage: env ## any command of Django: make manage ARGS="zones list"
	@$(WITH_SERVERS) $(PY) manage.py $(ARGS)

lock: env ## write the lock files anew from requirements/*.in, keeping pins that still fit
	@$(PY) scripts/lock.py

upgrade: env ## the same, with the newest release of everything
	@$(PY) scripts/lock.py --upgrade

clean: env ## remove this checkout's data (databases, mails, uploads), caches and .venv; asks first, YES=1 does not
	@$(PY) -m infrastructure.embedded clean $(if $(YES),--yes)
	@rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
