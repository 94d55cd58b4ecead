"""The table of the parts of a task, from made-up times."""

from benchmarks.task_time import Stopwatch, table


def test_the_table_by_hand():
    rounds = [
        {"MobileNetV2": 9.0, "steps": 20.0},
        {"MobileNetV2": 4.0, "steps": 6.0},
        {"MobileNetV2": 2.0, "steps": 6.0},
    ]
    assert table(rounds).splitlines()[2:] == [
        "| MobileNetV2 | 3.00 s | 1.00 | 6.0 s |",
        "| steps | 6.00 s | 2.00 | 14.0 s |",
    ]


def test_times_of_a_round_are_added_up(monkeypatch):
    times = iter([10.0, 11.0, 20.0, 22.5])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    watch = Stopwatch()
    watch.rounds.append({})
    double = watch.wrapped("double", lambda x: 2 * x)
    assert double(3) == 6 and double(4) == 8
    assert watch.rounds == [{"double": 3.5}]
