# `make` alone lists what there is.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
export FIGURES_DIR ?= $(CURDIR)/build/figures
# OpenBLAS's and NumPy's kernels for AVX2, so that runs on any x86-64 of today agree to the last bit.
ALIKE := OPENBLAS_CORETYPE=Haswell NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

report: .venv/ready ## train all four experiments; HTML, PDF and an index page in build/
	$(BIN)/python data/prepare.py
	$(BIN)/python notebooks/build.py

test: unit ## the unit tests, then every notebook re-executed by nbval
	$(BIN)/pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 -W default $(NOTEBOOKS)

unit: .venv/ready lint ## ruff and the unit tests alone
	$(BIN)/python data/prepare.py
	$(BIN)/pytest tests jupyter-fa/tests --ignore=jupyter-fa/tests/test_browser.py

words: .venv/ready ## train again: the committed report says what this run says, numbers aside
	$(BIN)/python data/prepare.py --require-real
	$(ALIKE) TQDM_DISABLE=1 $(BIN)/pytest --nbval --nbval-current-env --nbval-cell-timeout=600 -W default \
	  --nbval-sanitize-with=tests/words.cfg $(NOTEBOOKS)

test-browser: .venv/ready ## the exports and JupyterLab in a real Chromium and Firefox
	$(BIN)/pytest jupyter-fa/tests/test_browser.py tests/browser.py

lab: .venv/ready ## open the first notebook in JupyterLab
	$(BIN)/python data/prepare.py
	FIGURES_DIR= $(BIN)/jupyter lab notebooks/01_activations.ipynb

lint: .venv/ready ## ruff: format and rules, modules and notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

notebooks: .venv/ready ## execute the notebooks in place, redraw figures/, renew the README's numbers
	@test "$${FIRST_SEED:-0}" = 0 || { echo "FIRST_SEED=$$FIRST_SEED is for make report; the committed notebooks have 0" >&2; exit 1; }
	$(BIN)/python data/prepare.py --require-real
	$(ALIKE) FIGURES_DIR= $(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False $(NOTEBOOKS)
	$(BIN)/python notebooks/readme.py

oracle: .venv-bench/ready ## PyTorch's gradients and optimizers, and a Dask cluster, agree with ours
	.venv-bench/bin/python -m pytest tests/oracle_torch.py tests/oracle_dask.py

# Linux, because it keeps itself to one core (os.sched_getaffinity).
bench: .venv-bench/ready ## an epoch of training beside PyTorch, JAX and scikit-learn; needs Linux
	.venv-bench/bin/python data/prepare.py
	.venv-bench/bin/python benchmarks/bench.py
	.venv-bench/bin/python benchmarks/growth.py
	.venv-bench/bin/python benchmarks/studies.py

mutate: .venv-bench/ready ## change the core in hundreds of small ways; the unit tests must notice
	.venv-bench/bin/python tests/mutate.py

clean: ## remove what was built; the environment and the data stay
	rm -rf build .hypothesis .pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -exec rm -rf {} +

# An environment whose Python or pip is gone, as after an upgrade of the system, is made again.
works = $(1)/bin/python -c 'import pip' 2>/dev/null
environment = $(call works,$(1)) || $(PYTHON) -m venv --clear $(1)
$(shell for e in .venv .venv-bench; do $(call works,$$e) || rm -f $$e/ready; done)

.venv/ready: requirements.txt $(shell find jupyter-fa -name '*.py' -o -name '*.toml' -o -name '*.j2' -o -name '*.css' -o -name '*.js*')
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed and this is " + sys.version.split()[0] + "; choose one with: make PYTHON=python3.12")'
	$(call environment,.venv)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv-bench/ready: benchmarks/requirements.txt
	$(call environment,.venv-bench)
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	touch $@

.PHONY: help report test unit words test-browser lab lint notebooks oracle bench mutate clean
.DEFAULT_GOAL := help
