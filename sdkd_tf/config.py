"""The configuration of a run: its options, as flags of train.py and as JSON in the run directory.

Every option is declared once, as a field of a frozen dataclass with its type, default, range and help text. This module
has those of the run and of training. The others are declared next to what they configure: `data.selection.DataOptions`,
the options of each network in `model.ARCHITECTURES`, and `Options` of each strategy in `strategies.STRATEGIES`.
"""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from absl import flags
from msgspec import Meta

from sdkd_tf.data.selection import DataOptions
from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.options import about, declared_options, define_option, make_options
from sdkd_tf.strategies import STRATEGIES


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Where and how a run is computed. Only `continue_from` and `taught` affect what is learned."""

    run_dir: Annotated[str, about("Directory to write the run to.", path=True)] = ""
    continue_from: Annotated[str | None, about("A finished run whose network to train further.", path=True)] = None
    taught: Annotated[str | None, about("A device's head.json, for --continue_from.", path=True, research=True)] = None
    overwrite: Annotated[bool, about("Replace the run in --run_dir instead of resuming it.")] = False
    keep_checkpoints: Annotated[
        Annotated[int, Meta(ge=0)] | None, about("Number of last tasks whose weights are kept; by default all.")
    ] = None
    report: Annotated[bool, about("Write report.html and plots.", research=True)] = True
    distribute: Annotated[
        Literal["none", "mirrored", "multi_worker"],
        about("mirrored: all GPUs; multi_worker: the machines in TF_CONFIG."),
    ] = "none"


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How each task is trained."""

    epochs: Annotated[int, about("Epochs per task.", ge=0)] = 4
    first_task_epochs: Annotated[
        Annotated[int, Meta(ge=0)] | None, about("Epochs of the first task; by default 2 * --epochs.")
    ] = None
    min_steps: Annotated[
        int, about("Smallest number of steps per epoch; few images are repeated.", ge=1, research=True)
    ] = 25
    batch_size: Annotated[int, about("Images per batch, over all replicas together.", ge=1)] = 16
    learning_rate: Annotated[float, about("Initial learning rate for each task.", ge=0)] = 3e-4
    augmentation: Annotated[
        Literal["none", "light", "hard"], about("light: crop, flip, color, blur; hard: also smaller, covered, darker.")
    ] = "hard"
    seed: Annotated[int, about("Seed of initialization, shuffling, augmentation.", ge=0, le=2**32 - 1)] = 0
    deterministic: Annotated[bool, about("Bit-identical results for the same options and machine.")] = False


@dataclasses.dataclass(frozen=True)
class Config:
    """All options of a run.

    Attributes:
      run, data, training: options of the run, the data set and training.
      architecture: a key of `model.ARCHITECTURES`; `network` holds its options.
      strategy: a key of `strategies.STRATEGIES`; `options` holds its options.
    """

    run: RunOptions = RunOptions()
    data: DataOptions = DataOptions()
    training: TrainingOptions = TrainingOptions()
    architecture: str = "sdkd"
    network: Any = ARCHITECTURES["sdkd"][0]()
    strategy: str = "sdkd"
    options: Any = STRATEGIES["sdkd"].Options()

    def check(self) -> None:
        """Raises UserError if `run_dir` is missing or options cannot be combined."""
        kind = STRATEGIES[self.strategy]
        if not self.run.run_dir:
            raise UserError("--run_dir is missing; expected a directory to write to")
        run_dir, data_dir = (pathlib.Path(path).resolve() for path in (self.run.run_dir, self.data.data_dir))
        if self.data.data_dir != "rendered" and run_dir.is_relative_to(data_dir):
            raise UserError(f"run_dir {self.run.run_dir}: is in the data folder; expected a directory outside of it")
        if self.run.taught and not self.run.continue_from:
            raise UserError("--taught works only with --continue_from, the run that the file was converted from")
        if self.run.continue_from:
            if not kind.continuable:
                able = ", ".join(name for name in STRATEGIES if STRATEGIES[name].continuable)
                raise UserError(
                    f"--strategy={self.strategy} does not work with --continue_from, as a run keeps only its network;"
                    f" expected one of {able}"
                )
            if pathlib.Path(self.run.run_dir).resolve() == pathlib.Path(self.run.continue_from).resolve():
                raise UserError(f"run_dir {self.run.run_dir}: is also --continue_from; expected another directory")
        if getattr(self.options, "rehearsal", False) and self.training.batch_size == 1:
            raise UserError(
                "--batch_size=1: expected 2 or more with --rehearsal, which shows half of each batch as harder"
            )
        if self.run.distribute != "none":
            # The result must not depend on the number of replicas.
            given = f"does not work with --distribute={self.run.distribute}"
            if not kind.distributable:
                able = ", ".join(name for name in STRATEGIES if STRATEGIES[name].distributable)
                raise UserError(f"--strategy={self.strategy} {given}; expected one of {able}")

    def completed(self, supervised: bool) -> "Config":
        """Returns the options with all defaults filled in that depend on other options or on the data.

        Args:
          supervised: whether object masks or boxes supervise the saliency map in the first task.
        """
        network, training = self.network, self.training
        if getattr(network, "detach_map", False) is None:
            network = dataclasses.replace(network, detach_map=supervised or self.marks_objects)
        if training.first_task_epochs is None:
            training = dataclasses.replace(training, first_task_epochs=2 * training.epochs)
        return dataclasses.replace(self, network=network, training=training)

    @property
    def marks_objects(self) -> bool:
        """Whether the network starts with a saliency map that marks objects."""
        return getattr(self.network, "marks_objects", False)

    def differences(self, other: "Config") -> list[str]:
        """Lists the options that differ and affect what is learned, one line each: `--epochs is 4, not 2`.

        Options are compared by value. The locations of the data and of the run are ignored; changes in the data are
        detected by their fingerprint.
        """
        lines = []
        own, theirs = dict(self._learned()), dict(other._learned())
        for name in dict.fromkeys([*own, *theirs]):
            if own.get(name) != theirs.get(name):
                lines.append(f"--{name} is {_shown(own.get(name))}, not {_shown(theirs.get(name))}")
        return lines

    def _learned(self) -> Iterator[tuple[str, Any]]:
        yield from (("architecture", self.architecture), ("strategy", self.strategy))
        for part in (self.data, self.training, self.network, self.options):
            for field in dataclasses.fields(part):
                if field.name not in ("data_dir", "skip_bad_images"):
                    yield field.name, getattr(part, field.name)

    def flagfile(self) -> str:
        """The options as a flagfile that repeats the run, one per line, without `run_dir` and `overwrite`."""
        lines = [f"--architecture={self.architecture}", f"--strategy={self.strategy}"]
        as_list = flags.CsvListSerializer(",")  # with quotes around a name that holds a comma
        for part in (self.run, self.data, self.training, self.network, self.options):
            for field in dataclasses.fields(part):
                value = getattr(part, field.name)
                if value is None or field.name in ("run_dir", "overwrite"):
                    continue
                if isinstance(value, bool):
                    lines.append(f"--{'' if value else 'no'}{field.name}")
                else:
                    text = as_list.serialize([str(v) for v in value]) if isinstance(value, tuple) else str(value)
                    lines.append(f"--{field.name}={text}")
        return "".join(f"{line}\n" for line in lines)


def _shown(value: Any) -> str:
    return "unset" if value in (None, ()) else ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclasses.dataclass(frozen=True)
class _Stored:
    """A Config as stored in JSON: the types of `network` and `options` depend on `architecture` and `strategy`."""

    run: RunOptions
    data: DataOptions
    training: TrainingOptions
    architecture: str
    network: dict[str, Any]
    strategy: str
    options: dict[str, Any]


def read_config(path: PathLike) -> Config:
    """Reads the Config stored by a run. Raises UserError if it does not fit this version."""
    stored = read_json(path, _Stored, "train.py")
    try:
        return _from_stored(stored)
    except ValueError as error:
        raise UserError(f"{path}: {error}; expected a file written by train.py") from error


def config_from_builtins(stored: dict[str, Any]) -> Config:
    """The inverse of `msgspec.to_builtins` for a Config. Raises ValueError if it does not fit this version."""
    return _from_stored(msgspec.convert(stored, _Stored))


def _from_stored(stored: _Stored) -> Config:
    _check_known(stored.architecture, stored.strategy)
    network = _from_dict("network", stored.network, ARCHITECTURES[stored.architecture][0])
    options = _from_dict("options", stored.options, STRATEGIES[stored.strategy].Options)
    return Config(stored.run, stored.data, stored.training, stored.architecture, network, stored.strategy, options)


def _check_known(architecture: str, strategy: str) -> None:
    for kind, name, known in (("architecture", architecture, ARCHITECTURES), ("strategy", strategy, STRATEGIES)):
        if name not in known:
            raise UserError(f"{kind} is {name!r}; expected one of {', '.join(known)}")


def _from_dict(part: str, values: dict[str, Any], kind: Any) -> Any:
    unknown = set(values) - {field.name for field in dataclasses.fields(kind)}
    if unknown:
        raise ValueError(f"{part} has the unknown option {min(unknown)}")
    return msgspec.convert(values, kind)


def option_classes() -> list[type]:
    """All option classes, those of the run first."""
    networks = [options for options, _ in ARCHITECTURES.values()]
    strategies = [strategy.Options for strategy in STRATEGIES.values()]
    return [RunOptions, DataOptions, TrainingOptions, *networks, *strategies]


def define_flags(flag_values: flags.FlagValues = flags.FLAGS, main_module: str = "") -> None:
    """Defines a flag for every option.

    Args:
      flag_values: where to define the flags.
      main_module: module whose `--help` lists the flags that are not for research; `--helpfull` lists all.
    """
    choices = {
        "strategy": (list(STRATEGIES), "Method against forgetting (docs/strategies.md); joint: upper bound."),
        "architecture": (list(ARCHITECTURES), "mobilenet_v2: without saliency; vgg16: the paper's baseline."),
    }
    for name, (values, text) in choices.items():
        flags.DEFINE_enum(name, "sdkd", values, text, flag_values)
        if main_module:
            flag_values.register_key_flag_for_module(main_module, flag_values[name])
    for kind in option_classes():
        for option in declared_options(kind):
            if option.name not in flag_values:
                define_option(option, flag_values, kind.__module__)
                if main_module and not option.extra.get("research"):
                    flag_values.register_key_flag_for_module(main_module, flag_values[option.name])


def config_from_flags(flag_values: flags.FlagValues = flags.FLAGS) -> Config:
    """The Config given by the flags, with defaults for the others. Raises UserError for a value out of range."""
    names = {option.name for kind in option_classes() for option in declared_options(kind)}
    given = {name: flag_values[name].value for name in names if flag_values[name].present}
    return make_config(flag_values["architecture"].value, flag_values["strategy"].value, **given)


def make_config(architecture: str = "sdkd", strategy: str = "sdkd", **given: Any) -> Config:
    """Makes a Config from some options, named like their flags.

    Args:
      architecture: a key of `model.ARCHITECTURES`.
      strategy: a key of `strategies.STRATEGIES`.
      **given: values of options; options of other networks and strategies are ignored.

    Raises:
      UserError: an unknown architecture or strategy, or a value out of range.
    """
    _check_known(architecture, strategy)
    kinds = (RunOptions, DataOptions, TrainingOptions, ARCHITECTURES[architecture][0], STRATEGIES[strategy].Options)
    run, data, training, network, options = (make_options(kind, given) for kind in kinds)
    return Config(run, data, training, architecture, network, strategy, options)
