# make quickstart: trains SDKD over 12 tasks, converts to int8 TFLite, labels a few test images, reports
# make test:       lint and all tests
PYTHON ?= python3
BIN = .venv/bin
RUN = runs/quickstart
IMAGES = $(wildcard sdkd_tf/data/rendered/test/task[159]/*_01/000.jpg)

.PHONY: quickstart test

quickstart: .venv/installed
	$(BIN)/python train.py --flagfile=configs/quickstart.flags --overwrite
	$(BIN)/python convert.py --run_dir=$(RUN)
	$(BIN)/python -m sdkd_tf.predict --model=$(RUN)/tflite/sdkd_int8.tflite $(IMAGES) --overlay_dir=$(RUN)/plots/predictions
	$(BIN)/python -m sdkd_tf.report $(RUN)

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q --durations=10

.venv/installed: requirements.lock setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps -e .
	touch $@
