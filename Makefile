# make quickstart: trains SDKD over 12 tasks, converts to int8 TFLite, labels a few test images, reports
# make test:       lint and all tests but those of
# make test-long: those that take minutes
# make test-device: what MediaPipe, Arm's Vela and a browser make of the converted files; needs chromium and npm
PYTHON ?= python3
BIN = .venv/bin
RUN = runs/quickstart
BENCHMARK = "$$($(BIN)/python -c 'from sdkd_tf.data.rendered import rendered_benchmark; print(rendered_benchmark())')"
IMAGES = $(BENCHMARK)/test/task[159]/*_01/000.jpg

.PHONY: quickstart test test-long test-device

quickstart: .venv/installed
	$(BIN)/python train.py --flagfile=configs/quickstart.flags --overwrite
	$(BIN)/python convert.py --run_dir=$(RUN)
	$(BIN)/python -m sdkd_tf.predict --model=$(RUN)/tflite/sdkd_int8.tflite $(IMAGES) --overlay_dir=$(RUN)/plots/predictions
	$(BIN)/python -m sdkd_tf.report $(RUN)

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --durations=10

test-long: .venv/installed
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --durations=10 -m long

test-device: .venv/installed
	$(BIN)/python -m pip install -q --no-deps -r requirements-device.lock
	npm install --silent --no-package-lock --prefix examples/web
	$(BIN)/python -m pytest -q tests/device

.venv/installed: requirements.lock setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps -e .
	touch $@
