"""Loads a user's experiment from `FILE.py[:CLASS]` or `PACKAGE.MODULE:CLASS`, with its settings.

The code is imported and run. A process that only reads a recording must not call this.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from ..errors import BadInput
from ..files.paths import path_text, user_path
from ..stream.experiment_info import ExperimentInfo, Value
from .experiment import Experiment
from .user_code import function_place, shown_path, user_code


@dataclasses.dataclass(frozen=True, kw_only=True)
class UserExperiment:
    """A user's experiment, all its settings by name, and its description. Its metrics are known after an evaluation."""

    experiment: Experiment
    settings: dict[str, Value]
    info: ExperimentInfo


def load_experiment(target: str, settings: Mapping[str, Any]) -> UserExperiment:
    """Import a user's experiment and make it with these settings, as text or as values. Raises BadInput."""
    found = load_class(target)
    file = Path(inspect.getfile(found)).absolute()
    values = _converted(found, settings)
    with user_code(file.parent):
        experiment = found(**values)
    return UserExperiment(
        experiment=experiment,
        settings={name: getattr(experiment, name) for name in _kinds(found)},
        info=ExperimentInfo(
            name=found.__name__,
            examples=found.examples,
            metrics=found.metrics,
            file=path_text(file),
            checksum=file_checksum(file),
        ),
    )


def load_class(target: str) -> type[Experiment]:
    """Import the class of a user's experiment. Raises BadInput."""
    where, _, name = target.rpartition(":") if target.rpartition(":")[2].isidentifier() else (target, "", "")
    if where.endswith(".py"):
        return _class_of(_run_file(user_path(where)), name, where)
    if not where:
        raise BadInput(f"experiment {target!r}: write FILE.py, FILE.py:CLASS or PACKAGE.MODULE:CLASS")
    return _class_of(_import_module(where), name, where)


def file_checksum(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run_file(path: Path) -> ModuleType:
    """Run a file as a module. As with `python mine.py`, it can import the modules beside it."""
    file = path.absolute()
    if not file.is_file():
        raise BadInput(f"experiment {path}: no such file")
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    # Under a name of its own, since the file may be called like a module that is imported already.
    spec = importlib.util.spec_from_file_location(f"clipwatch_experiment_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks up its module.
    sys.modules[module.__name__] = module
    with user_code(file.parent):
        spec.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module that is installed or, as with `python -m`, lies in the current folder."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    with user_code(Path.cwd()):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise BadInput(f"experiment {name}: no such module or file") from None
            raise


def _class_of(module: ModuleType, name: str, where: str) -> type[Experiment]:
    own = {
        each.__name__: each
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, Experiment) and each.__module__ == module.__name__
    }
    own = {key: each for key, each in own.items() if not key.startswith("_")}
    found = getattr(module, name, None) if name else next(iter(own.values()), None)
    if name and not (inspect.isclass(found) and issubclass(found, Experiment)):
        raise BadInput(f"experiment {where}: no clipwatch.Experiment called {name!r}{_nearest(name, own)}")
    if found is None:
        raise BadInput(f"experiment {where}: it defines no class that inherits from clipwatch.Experiment")
    if not name and len(own) > 1:
        raise BadInput(f"experiment {where}: several classes; write one of {', '.join(f'{where}:{key}' for key in own)}")
    if not dataclasses.is_dataclass(found) or found.__annotations__ and "__dataclass_fields__" not in vars(found):
        raise BadInput(f"{function_place(found)}: write @dataclass(frozen=True) above class {found.__name__}")
    return found


def _kinds(experiment: type[Experiment]) -> dict[str, Any]:
    """The type of each setting by name."""
    with user_code(Path(inspect.getfile(experiment)).absolute().parent):
        kinds = typing.get_type_hints(experiment)
    return {field.name: kinds[field.name] for field in dataclasses.fields(experiment) if field.init}  # type: ignore[arg-type]


def _converted(experiment: type[Experiment], settings: Mapping[str, Any]) -> dict[str, Any]:
    kinds, values = _kinds(experiment), dict[str, Any]()
    for name, value in settings.items():
        if name not in kinds:
            raise BadInput(f"{experiment.__name__} has no setting {name!r}{_nearest(name, kinds)}")
        try:
            values[name] = msgspec.convert(value, kinds[name], strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            raise BadInput(f"setting {name} {value!r}: {str(error).replace('`', '')}") from None
    return values


def _nearest(word: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, tuple(choices), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
