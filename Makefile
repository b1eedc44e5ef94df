PYTHON ?= python3
PORT ?= 8501
WORKERS ?= 2
RUN = .venv/bin/

.PHONY: app test lint format check

app: .venv/app
	$(RUN)streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT)

# One thread to each worker: two pools of threads on the same processors only wait for each other.
test: .venv/development
	OMP_NUM_THREADS=1 $(RUN)pytest -n $(WORKERS) --dist worksteal

lint: .venv/development node_modules/.package-lock.json
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	npm run --silent lint

format: .venv/development node_modules/.package-lock.json
	$(RUN)ruff check --fix-only .
	$(RUN)ruff format .
	npm run --silent format

check: lint test

.venv/app: requirements.txt
	test -x $(RUN)python || $(PYTHON) -m venv .venv
	$(RUN)pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/development: requirements.txt requirements-cluster.txt requirements-fast.txt requirements-dev.txt
	test -x $(RUN)python || $(PYTHON) -m venv .venv
	$(RUN)pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/app

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	touch $@
