"""The numbers of one run as text."""

from sdkd_tf.reporting.tables import memory_line


def test_memory_is_reported_with_its_growth_after_the_third_task():
    assert memory_line([800.0, 900.0, 1000.0, 1010.0, 1050.0], ["a", "b", "c", "d", "e"]) == (
        "peak memory 1050 MB, 5.0% more than until c"
    )
    assert memory_line([800.0, 900.0], ["a", "b"]) == "peak memory 900 MB"
