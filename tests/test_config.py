"""Options: declared once, given as flags, stored as JSON, compared by value."""

import dataclasses
import pathlib
import subprocess
import sys

import msgspec
import pytest
from absl import flags

from sdkd_tf.config import (
    Config,
    config_from_builtins,
    config_from_flags,
    define_flags,
    make_config,
    option_classes,
    read_config,
)
from sdkd_tf.errors import UserError
from sdkd_tf.files import write_json
from sdkd_tf.model.translator import FACTOR_WIDTH
from sdkd_tf.options import declared_options, read_flagfiles

ROOT = pathlib.Path(__file__).parents[1]


def parsed(*arguments):
    values = flags.FlagValues()
    define_flags(values)
    flags.DEFINE_string("flagfile", "", "", values)
    values(["train.py", *values.read_flags_from_files(list(arguments))])
    return config_from_flags(values)


def test_without_flags_every_option_has_its_default():
    assert parsed() == Config() == make_config()


def test_the_defaults_are_the_best_preset():
    assert make_config(run_dir="r").differences(parsed("--flagfile=configs/sdkd.flags").completed(True)) == [
        "--first_task_epochs is unset, not 8",
        "--detach_map is unset, not True",
    ]
    assert not parsed().completed(True).differences(parsed("--flagfile=configs/sdkd.flags"))


def test_flags_of_every_type():
    config = parsed(
        "--levels=3,1", "--tasks=b,a", "--nodetach_map", "--learning_rate=1e-2", "--max_tasks=2", "--run_dir=~/x", "--seed=7"
    )  # fmt: skip
    assert config.data.levels == (1, 3) and config.data.tasks == ("b", "a") and config.data.max_tasks == 2
    assert config.network.detach_map is False and config.training.learning_rate == 0.01 and config.training.seed == 7
    assert config.run.run_dir == str(pathlib.Path.home() / "x")


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--input_size=65", "--input_size=65: expected int that's a multiple of 32"),
        ("--input_size=32", "--input_size=32: expected int >= 64"),
        ("--learning_rate=nan", "--learning_rate=nan: expected float >= 0"),
        ("--teacher_share=1.5", "--teacher_share=1.5: expected float <= 1"),
        ("--epochs=-1", "--epochs=-1: expected int >= 0"),
        ("--seed=-1", "--seed=-1: expected int >= 0"),
    ],
)
def test_values_out_of_range(flag, message):
    with pytest.raises(UserError) as error:
        parsed(flag)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_options_of_another_strategy_or_network_are_ignored():
    assert not parsed("--strategy=finetune", "--lambda2=9", "--ewc_lambda=9").differences(parsed("--strategy=finetune"))
    vgg = parsed("--architecture=vgg16", "--pooling=mean", "--input_size=48")
    assert vgg.network == type(vgg.network)(input_size=48)


def test_equality_is_of_values():
    a = parsed(
        "--learning_rate=0.0003", "--levels=1,2", "--strategy=sdkd", "--data_dir=/a", "--run_dir=/b", "--lambda1=1"
    )
    b = parsed("--lambda1=1.0", "--data_dir=/c", "--levels=2,1", "--learning_rate=3e-4", "--overwrite")
    assert not a.differences(b)
    assert a.differences(parsed("--levels=1,2", "--epochs=3", "--strategy=lwf")) == [
        "--strategy is sdkd, not lwf", "--epochs is 4, not 3", "--fc is closed_form, not trained", "--lambda1 is 1.0, not unset",
        "--teacher_share is 0.5, not unset", "--rehearsal is True, not unset",
    ]  # fmt: skip


def test_what_is_stored_comes_back(tmp_path):
    for config in (Config(), parsed("--strategy=ewc", "--levels=1"), parsed("--architecture=vgg16", "--strategy=gem")):
        write_json(tmp_path / "config.json", config)
        assert read_config(tmp_path / "config.json") == config
        assert config_from_builtins(msgspec.to_builtins(config)) == config


def test_the_flagfile_repeats_the_run(tmp_path):
    config = parsed(
        "--strategy=replay", "--memory_images=9", "--tasks=a,b", "--run_dir=x", "--nodetach_map", "--overwrite"
    )
    (tmp_path / "flags.flags").write_text(config.flagfile())
    again = parsed(f"--flagfile={tmp_path / 'flags.flags'}", "--run_dir=x")
    assert again == dataclasses.replace(config, run=dataclasses.replace(config.run, overwrite=False))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"strategy": "magic"}, "strategy is 'magic'; expected one of sdkd, finetune"),
        ({"options": {"magic": 1}}, "options has the unknown option magic"),
        ({"options": {"lambda1": "x"}}, "Expected `float`, got `str`"),
        ({"network": {"input_size": 3}}, "Expected `int`"),
        ({"training": 3}, "Expected `object`, got `int`"),
    ],
)
def test_a_config_of_another_version(tmp_path, change, message):
    write_json(tmp_path / "config.json", {**msgspec.to_builtins(Config()), **change})
    with pytest.raises(UserError) as error:
        read_config(tmp_path / "config.json")
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_name_means_one_option():
    kinds: dict = {}
    for kind in option_classes():
        for option in declared_options(kind):
            assert option.help.endswith(".") and len(option.help) < 100, option
            known = kinds.setdefault(option.name, option.kind)
            assert type(known) is type(option.kind), option.name


def test_help_shows_few_flags_and_helpfull_all():
    def shown(flag):
        done = subprocess.run([sys.executable, "train.py", flag], cwd=ROOT, capture_output=True, text=True)
        return {
            line.split(":")[0].split("]")[-1].strip("- ")
            for line in done.stdout.splitlines()
            if line.startswith("  --")
        }

    short, full = shown("--help"), shown("--helpfull")
    names = {option.name for kind in option_classes() for option in declared_options(kind)}
    assert len(short) <= 35 and {"run_dir", "data_dir", "lambda2"} <= short and short < full
    assert {*names, "strategy", "architecture"} <= full


def test_flagfiles():
    for path in sorted((ROOT / "configs").glob("*.flags")):
        assert path.read_text().startswith(f"# python train.py --flagfile=configs/{path.name}\n")
        assert parsed(f"--flagfile={path}").run.run_dir == f"runs/{path.stem}"


def test_the_paper_is_to_the_letter():
    paper = parsed("--flagfile=configs/paper.flags")
    assert (paper.options.lambda2, paper.options.temperature, paper.options.teacher_share) == (1.0, 20.0, 0.0)
    assert paper.options.lambda1 == (224 // 16) ** 2 * FACTOR_WIDTH  # equation 1 is a sum
    assert paper.options.saliency_weight == 0 and paper.network.detach_map is False


def test_names_with_commas_and_quotes_come_back_from_a_flagfile(tmp_path):
    config = make_config(tasks=("a,b", 'q"x', "plain"), objects=("cup, red", "mug"))
    (tmp_path / "run.flags").write_text(config.flagfile(), encoding="utf-8")
    values = flags.FlagValues()
    define_flags(values)
    values(["", *read_flagfiles([f"--flagfile={tmp_path}/run.flags"])])
    assert config_from_flags(values).data == config.data
