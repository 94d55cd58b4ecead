"""The estimate of the time that is left, and the learning rate of every epoch."""

import numpy as np
import tf_keras as keras

from sdkd_tf.callbacks import Schedule, TimeEstimate
from sdkd_tf.strategies import Strategy


def test_the_time_that_is_left_is_estimated_from_the_median_step(monkeypatch, capsys):
    times = iter([0, 2, 4, 6, 8, 10, 110, 112, 114, 116, 118, 120])  # one step lasted 100 s
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    estimate = TimeEstimate(12 + 90)
    for batch in range(14):
        assert capsys.readouterr().out == ""
        estimate.on_train_batch_end(batch)
        if batch == 11:
            assert capsys.readouterr().out.startswith("\nabout 3 min of training")


def test_learning_rate_falls_in_a_task():
    model = Strategy(keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]))
    model.compile(keras.optimizers.Adam())
    falling = Schedule(4, 0.1)
    falling.set_model(model)
    rates = []
    for epoch in range(4):
        falling.on_epoch_begin(epoch)
        rates.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(rates, [0.1, 0.05 + 0.1 * 0.125**0.5, 0.05, 0.05 - 0.1 * 0.125**0.5], rtol=1e-5)
