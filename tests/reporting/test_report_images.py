import dataclasses

import numpy as np

from sdkd_tf.reporting.report_images import confused_pairs, image_counts, samples


def test_the_most_frequent_mistakes_come_first():
    counts = np.array([[5, 1, 0], [3, 2, 0], [0, 1, 9]])
    assert [tuple(pair.values()) for pair in confused_pairs(counts, ["a", "b", "c"])] == [
        ("b", "a", 3, 5),
        ("a", "b", 1, 6),
        ("c", "b", 1, 10),
    ]
    assert confused_pairs(np.diag([4, 4]), ["a", "b"]) == []


def test_images_are_counted_by_class_task_and_split(tiny_run):
    counts = image_counts(tiny_run.tasks())
    assert counts["per_class"] == [(f"thing_0{label}", [4, 4]) for label in range(3)]
    assert counts["per_task"] == {f"task{n}": {"train": 12, "validation": 15, "test": 15} for n in (1, 2)}


def test_samples_are_of_each_class_and_of_one_task_after_another(tiny_run):
    shown = [(sample["label"], sample["task"]) for sample in samples(tiny_run.tasks())]
    assert shown == [("thing_00", "task1"), ("thing_01", "task2"), ("thing_02", "task1")]


def test_samples_of_classes_that_some_or_all_tasks_lack(tiny_run):
    sequence = tiny_run.tasks()
    first, second = sequence.tasks
    second = dataclasses.replace(second, train=tuple(e for e in second.train if e.label != 1))
    sequence = dataclasses.replace(sequence, classes=(*sequence.classes, "old"), tasks=(first, second))
    shown = [(sample["label"], sample["task"]) for sample in samples(sequence)]
    assert shown == [("thing_00", "task1"), ("thing_01", "task1"), ("thing_02", "task1")]
    assert image_counts(sequence)["per_class"][1:] == [("thing_01", [4, 0]), ("thing_02", [4, 4]), ("old", [0, 0])]
