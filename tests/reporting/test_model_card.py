from sdkd_tf.config import make_config
from sdkd_tf.files import write_json
from sdkd_tf.reporting.model_card import model_card
from tests.reporting.test_tables import finished


def test_only_options_that_differ_from_the_defaults_are_listed(tmp_path):
    run = finished(tmp_path / "run", 60)
    write_json(run.directory / "config.json", make_config().completed(True))
    assert model_card(run)["options"] == []
    changed = make_config(strategy="replay", first_task_epochs=5, memory_images=9, data_dir="/home/somebody/photos")
    write_json(run.directory / "config.json", changed.completed(True))
    del run.config  # read again
    card = model_card(run)
    assert card["options"] == ["--first_task_epochs is 5, not 8", "--memory_images is 9, not 200"]
    assert card["strategy"] == "replay" and card["data"] == "photos" and len(card["use"]) == 3


def test_names_of_folders_above_the_data_are_left_out(tmp_path):
    run = finished(tmp_path / "run", 60)
    assert str(tmp_path) not in str(model_card(run))
