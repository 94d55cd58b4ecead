# make quickstart:  trains SDKD over 12 tasks, converts to int8 TFLite, labels a few test images, reports
# make test:        linter, type checker and the fast tests
# make test-long:   the tests that take minutes
# make test-device: MediaPipe, Arm's Vela, a browser, the Android app and a 64-bit Arm processor on the converted files;
#                   needs Debian 12, chromium, npm and Java 17
# make test-pythons: the fast tests on every supported Python that is installed
# make docs:        the generated tables in README and docs
PYTHON ?= python3
BIN = .venv/bin
RUN = runs/quickstart
BENCHMARK = "$$($(BIN)/python -c 'from sdkd_tf.data.rendered import rendered_benchmark; print(rendered_benchmark())')"
IMAGES = $(BENCHMARK)/test/task[159]/*_01/000.jpg
PYTEST = python -m pytest -q -n 2 --dist loadfile --durations=10

.PHONY: quickstart test test-long test-device test-pythons docs

quickstart: .venv/installed
	$(BIN)/python train.py --flagfile=configs/quickstart.flags --overwrite
	$(BIN)/python convert.py --run_dir=$(RUN)
	$(BIN)/sdkd predict --model=$(RUN)/tflite/sdkd_int8.tflite $(IMAGES) --out_dir=$(RUN)/plots/predictions
	$(BIN)/sdkd report $(RUN)

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/$(PYTEST)

test-long: .venv/installed
	$(BIN)/$(PYTEST) -m long

test-device: .venv/installed .arm64/installed
	$(BIN)/python -m pip install -q --no-deps -r requirements-device.lock
	npm install --silent --no-package-lock --prefix examples/web
	$(BIN)/python -m pytest -q tests/device

.arm64/installed: benchmarks/arm64/install.sh | .venv/installed
	rm -rf .arm64
	sh benchmarks/arm64/install.sh .arm64 $(BIN)/python

test-pythons:
	for version in 3.11 3.12 3.13; do \
	  python$$version -c "" 2> /dev/null || continue; \
	  $(MAKE) .venv-$$version/installed VENV=.venv-$$version PYTHON=python$$version && \
	  .venv-$$version/bin/$(PYTEST) || exit 1; \
	done

docs: .venv/installed
	$(BIN)/python -m tools.docs

VENV = .venv
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q -r requirements.lock
	$(VENV)/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@
