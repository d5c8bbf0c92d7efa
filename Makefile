# The project's commands. `make` alone lists them; every target makes its environment first.
#
#   make run PORT=8001 HOST=127.0.0.1       make test ARGS="-k chat -x"       make <any> PYTHON=/path/to/python3.13

.DEFAULT_GOAL := help
HOST ?= 127.0.0.1
PORT ?= 8000
DEBUG_PORT ?= 5678
ARGS ?=
export PYTHON

# The first Python that starts runs the bootstrap, which looks for the best one itself where .venv has to be built.
BOOTSTRAP = for p in "$$PYTHON" .venv/bin/python python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if [ -n "$$p" ] && "$$p" -c "" 2>/dev/null; then exec "$$p" scripts/bootstrap.py; fi; done; \
	echo "make: no Python found: install Python 3.11 or newer, or name one with PYTHON=/path/to/python" >&2; exit 1
PY = .venv/bin/python
# Commands that read code and write files need no servers: these addresses are never called.
OFFLINE = DJANGO_SETTINGS_MODULE=config.settings.development DATABASE_URL=postgres://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0

.PHONY: help venv run debug test test-all removal-test check fmt shell migrate manage slice field remove-slice variables lock upgrade audit sbom kubernetes-check docs clients-tools clients console-client \
	browser-test clients-test contract-test fuzz chaos identity-campaign doctor env deploy rollback backup restore backup-verify compose-test clean

help: ## this list
	@sed -n 's/^name = "\(.*\)"/\1/p' product.toml; echo; \
	sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-25s %s\n", $$1, $$2 }'

venv: ## create or refresh .venv from the hash-pinned lock
	@$(BOOTSTRAP)

# The recipe is one plain command, so that make starts it without a shell between and Ctrl-C reaches it once.
run: venv ## start everything on http://HOST:PORT, reload on change (RELOAD=0 does not); SERVER=foreground for breakpoint()
	@$(PY) -m infrastructure.embedded run --host $(HOST) --port $(PORT) $(if $(filter 0,$(RELOAD)),--no-reload) $(if $(filter foreground,$(SERVER)),--foreground)

debug: venv ## the same with debugpy: attach to 127.0.0.1:5678 (server), 5679 (beat), 5680 (worker); no reload
	@$(PY) -m infrastructure.embedded run --host $(HOST) --port $(PORT) --no-reload --debug-port $(DEBUG_PORT)

test: venv ## the suite without campaigns, with coverage (CHANGED=1: what a change touches; ARGS="-k word" picks)
	@$(PY) scripts/test.py $(if $(CHANGED),--changed,$(ARGS))

test-all: venv ## the whole suite on throwaway servers, parallel, with coverage
	@$(PY) scripts/test.py --all

check: venv ## lint, format, types, import contracts, migrations, production settings, schemas, locks; reports all of them
	@$(PY) scripts/check.py $(ARGS)

fmt: venv ## format and mend what can be mended by itself
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format --quiet .

shell: venv ## a Python shell with the models loaded, on the running stack's database or its own start of it
	@$(PY) manage.py shell $(ARGS)

migrate: venv ## bring the database in step with the migrations
	@$(PY) manage.py migrate $(ARGS)

manage: venv ## any command of Django: make manage ARGS="zones list"
	@$(PY) manage.py $(ARGS)

slice: venv ## add a slice: NAME=orders FIELDS="customer:str total:decimal due:date? owner:user status:choice(open,paid)"
	@$(OFFLINE) $(PY) -m scripts.new_slice "$(NAME)" "$(FIELDS)" $(if $(ZONES),--zones "$(ZONES)") $(if $(MODEL),--model "$(MODEL)") $(if $(WITH),--with "$(WITH)")

field: venv ## add a field to such a slice: SLICE=orders FIELD="note:text?"
	@$(OFFLINE) $(PY) -m scripts.new_slice.add_field "$(SLICE)" "$(FIELD)" $(if $(MODEL),--model "$(MODEL)")

variables: venv ## write the tables of environment variables into docs/configuration.md, .env.example and docker-compose.yml
	@$(OFFLINE) $(PY) scripts/variables.py --write

remove-slice: venv ## take a slice out: NAME=orders (KEEP_TABLES=1 keeps its tables, YES=1 does not ask)
	@$(PY) scripts/remove_slice.py "$(NAME)" $(if $(KEEP_TABLES),--keep-tables) $(if $(filter 0,$(MIGRATION)),--no-migration) \
		$(if $(DIRTY),--dirty) $(if $(YES),--yes)

lock: venv ## write the lock files anew from requirements/*.in, keeping pins that still fit
	@$(PY) scripts/lock.py

upgrade: venv ## the same, with the newest release of everything
	@$(PY) scripts/lock.py --upgrade

audit: venv ## known vulnerabilities in what the locks pin, where an advisory source can be reached
	@$(PY) scripts/supply.py audit

update: venv ## bring the changes of the template's later releases into this product (VERSION= picks one)
	@$(PY) scripts/update.py $(VERSION)

sbom: venv ## the bill of materials of the production image: sbom.cdx.json (CycloneDX)
	@$(PY) scripts/supply.py sbom

docs: venv ## the documentation as a site that needs no network, in site/; checks every link
	@$(OFFLINE) $(PY) scripts/site.py

kubernetes-check: venv ## the manifests of deploy/kubernetes, rendered and validated (ARGS=production prints them)
	@$(PY) scripts/kubernetes.py $(ARGS)

clients-tools: venv ## install what generates clients, into .tools/ (a Node of its own among it)
	@$(PY) scripts/client_tools.py

clients: clients-tools ## TypeScript and Python packages of every zone, into clients/ (ARGS="--zone private --sync DIR")
	@$(OFFLINE) $(PY) manage.py zones clients $(ARGS)

# What of it is committed: the module that the console runs on.
CONSOLE = --language browser --zone public --zone private --sync apps/console/static/console/client
console-client: clients-tools ## the console's client, generated anew (ARGS=--check only compares)
	@$(OFFLINE) $(PY) manage.py zones clients $(CONSOLE) $(ARGS)

browser-test: venv ## the pages of every slice in headless Chromium: two users, a killed server, accessibility (needs chromium, chromedriver)
	@$(PY) -m apps.common.tests.browser.journey $(ARGS)

clients-test: clients-tools ## generated clients against a live server, in Node, Python and a browser (needs chromium, chromedriver)
	@$(PY) -m apps.api.tests.clients.journey

contract-test: venv ## thousands of calls made up from the zones' schemas, on a live server (ARGS="--zone private --seed 2")
	@$(PY) -m config.tests.contracts.campaign $(ARGS)

fuzz: venv ## 12,000 hostile requests against every endpoint, on a live server; about two minutes (ARGS="--all")
	@$(PY) -m apps.api.tests.hostile.campaign $(ARGS)

chaos: venv ## kill, freeze and empty what the product runs on, under traffic, and reconcile (ARGS="--runs 5", ARGS=--short)
	@$(PY) -m config.tests.chaos.campaign $(ARGS)

removal-test: venv ## what is left without slices: every combination is checked, collected and started (ARGS="--suite chat")
	@$(PY) scripts/removal_test.py $(ARGS)

identity-campaign: venv ## 2,000 runs of the state machine of sign-ins, and families of tokens over restarts (RUNS=200)
	@IDENTITY_RUNS=$(if $(RUNS),$(RUNS),2000) $(PY) scripts/test.py apps/users/tests/test_machine.py -q
	@$(PY) -m apps.users.tests.families

# These need Docker and any Python, or not even that: nothing is installed for them.
ANY_PYTHON = for p in "$$PYTHON" python3 python; do \
	if [ -n "$$p" ] && "$$p" -c "import sys; sys.exit(sys.version_info < (3, 9))" 2>/dev/null; then exec "$$p"
NO_PYTHON = echo "make: no Python 3.9 or newer found" >&2; exit 1

doctor: ## what is wrong with this checkout or its installation, each with its remedy (ARGS=--json)
	@$(ANY_PYTHON) scripts/doctor.py $(ARGS); fi; done; $(NO_PYTHON)

env: ## write .env with strong secrets for docker compose; of an existing one only add what it lacks
	@$(ANY_PYTHON) scripts/dotenv.py; fi; done; \
	echo "make: no Python 3.9 or newer found; without one: docker run --rm -i python:3.13-slim python - --print < scripts/dotenv.py > .env" >&2; exit 1

deploy: ## build, check and apply migrations, back up, replace containers one by one (ARGS="--dry-run")
	@$(ANY_PYTHON) -m deploy.release deploy $(ARGS); fi; done; $(NO_PYTHON)

rollback: ## the images of before the last deploy, in the same way
	@$(ANY_PYTHON) -m deploy.release rollback $(ARGS); fi; done; $(NO_PYTHON)

backup: ## database and uploads of the installation into one encrypted file in backups/
	@$(ANY_PYTHON) -m deploy.backup create $(ARGS); fi; done; $(NO_PYTHON)

restore: ## such a file into an empty installation: FILE=backups/… (ARGS="--replace" drops what is there)
	@$(ANY_PYTHON) -m deploy.backup restore $(ARGS) "$(FILE)"; fi; done; $(NO_PYTHON)

backup-verify: ## restore the newest backup, or FILE, into a throwaway stack and compare
	@$(ANY_PYTHON) -m deploy.backup verify $(ARGS) $(FILE); fi; done; $(NO_PYTHON)

.PHONY: logs
logs: ## the log of the installation, readable (ARGS="--level warning --service worker --request ID")
	@$(ANY_PYTHON) -m deploy.logs $(ARGS); fi; done; $(NO_PYTHON)

compose-test: ## the production shape in Docker, from build to down, with replicas killed in the middle
	@$(ANY_PYTHON) -m deploy.journey $(ARGS); fi; done; $(NO_PYTHON)

-include template/Makefile

clean: venv ## remove this checkout's data (databases, mails, uploads), caches and .venv; asks first, YES=1 does not
	@$(PY) -m infrastructure.embedded clean $(if $(YES),--yes)
	@rm -rf .venv .venv.lock .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
