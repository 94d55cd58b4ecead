import pytest

from sdkd_tf.errors import UserError
from tools.render_benchmark import catalogue, models

TEXT = """# a comment
name=Some catalogue
name#3=Cup
model#3=/kitchen/cup/cup.obj
creator#3=Somebody
width#3=12.0
depth#3=10
height#3=6.5
modelRotation#3=1 0 0 0 0 1 0 -1 0
name#4=Nothing to see
"""


def test_entries_have_meters_and_a_rotation():
    entries = catalogue.parse_properties(TEXT, "Some")
    assert list(entries) == [3]
    assert entries[3].name == "Cup" and entries[3].creator == "Somebody"
    assert entries[3].path == "kitchen/cup/cup.obj"
    assert entries[3].size == pytest.approx((0.12, 0.10, 0.065))
    assert entries[3].rotation == (1, 0, 0, 0, 0, 1, 0, -1, 0)


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "ARCHIVES", tmp_path)
    catalogue.open_archive.cache_clear()
    with pytest.raises(UserError, match="apt-get install sweethome3d-furniture"):
        catalogue.open_archive("Nowhere")


def test_forty_objects_none_of_them_a_distractor():
    assert len(models.OBJECTS) == 40
    assert len({*models.OBJECTS.values(), *models.DISTRACTORS.values()}) == 40 + len(models.DISTRACTORS)
    assert set(models.OCCLUDERS) <= set(models.DISTRACTORS)
    assert all(place.split("#")[0] in catalogue.LICENSES for place in models.OBJECTS.values())
