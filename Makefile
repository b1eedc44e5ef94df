PYTHON ?= python3
PORT ?= 8501
RUN = .venv/bin/

.PHONY: app test check

app: .venv/app
	$(RUN)streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT)

test: .venv/development
	$(RUN)pytest

check: .venv/development
	$(RUN)ruff format .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)pytest

.venv/app: requirements.txt
	test -x $(RUN)python || $(PYTHON) -m venv .venv
	$(RUN)pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/development: requirements.txt requirements-dev.txt
	test -x $(RUN)python || $(PYTHON) -m venv .venv
	$(RUN)pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/app
