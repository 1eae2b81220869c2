"""Loads a user's experiment from `FILE.py[:CLASS]` or `PACKAGE.MODULE:CLASS`.

The code is imported and run. A process that only reads a recording must not call this.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from ..errors import BadInput
from ..files.paths import path_text, user_path
from ..runs.own_code import file_checksum
from ..stream.builtin_experiments import BUILT_IN
from ..stream.experiment_info import ExperimentInfo
from ..stream.experiment_names import is_file, split_name
from ..stream.experiment_settings import nearest
from .experiment import Experiment
from .user_code import UserCodeError, definition_place, user_code
from .user_settings import convert_settings, setting_infos


def load_experiment(target: str, settings: Mapping[str, Any]) -> Experiment:
    """Import a user's experiment and make it with these settings, as text or as values. Raises BadInput."""
    found = load_class(target)
    values: dict[str, Any] = dict(convert_settings(found, settings))
    with user_code(found):
        return found(**values)


def load_class(target: str) -> type[Experiment]:
    """Import the class of a user's experiment. Raises BadInput."""
    where, name = split_name(target)
    if is_file(where):
        return _class_of(_run_file(user_path(where)), name, where)
    if not name:
        raise BadInput(f"experiment {target!r}: write FILE.py, FILE.py:CLASS or PACKAGE.MODULE:CLASS")
    return _class_of(_import_module(where), name, where)


def experiment_info(experiment: type[Experiment]) -> ExperimentInfo:
    """An experiment's name and file. Its metrics are known after an evaluation. Raises BadInput."""
    file = Path(inspect.getfile(experiment)).absolute()
    info = ExperimentInfo(
        name=experiment.__name__,
        examples=experiment.examples,
        metrics=experiment.metrics,
        file=path_text(file),
        checksum=file_checksum(file),
        own_optimizer=experiment.make_optimizer is not Experiment.make_optimizer,
        defaults=tuple(f"{setting.name}={setting.default}" for setting in setting_infos(experiment)),
    )
    try:
        return msgspec.convert(msgspec.to_builtins(info), ExperimentInfo)
    except (msgspec.ValidationError, TypeError) as error:
        raise BadInput(f"{definition_place(experiment)}: {str(error).replace('`', '')}") from None


def _run_file(path: Path) -> ModuleType:
    """Run a file as a module. As with `python mine.py`, it can import the modules beside it."""
    file = path.absolute()
    if not file.is_file():
        raise BadInput(f"experiment {path_text(path)}: no such file")
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    # Under a name of its own, since the file may be called like a module that is imported already.
    spec = importlib.util.spec_from_file_location(f"clipwatch_experiment_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks up its module.
    sys.modules[module.__name__] = module
    with user_code(file):
        spec.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module that is installed or, as with `python -m`, lies in the current folder."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        with user_code(Path(name)):
            return importlib.import_module(name)
    except UserCodeError as error:
        missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            raise BadInput(f"experiment {name}: no such module or file") from None
        raise


def _class_of(module: ModuleType, name: str, where: str) -> type[Experiment]:
    classes = {key: each for key, each in vars(module).items() if _is_experiment(each) and not key.startswith("_")}
    if name:
        found = getattr(module, name, None)
        if not _is_experiment(found):
            raise BadInput(f"experiment {where}: no clipwatch.Experiment called {name!r}{nearest(name, classes)}")
        return _checked_class(found)
    own = [key for key, each in classes.items() if each.__module__ == module.__name__]
    if not own:
        raise BadInput(f"experiment {where}: it defines no class that inherits from clipwatch.Experiment")
    if len(own) > 1:
        raise BadInput(
            f"experiment {where}: several classes; write one of {', '.join(f'{where}:{key}' for key in own)}"
        )
    return _checked_class(classes[own[0]])


def _is_experiment(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Experiment) and value is not Experiment


def _checked_class(found: Any) -> type[Experiment]:
    if found.__name__ in BUILT_IN:
        raise BadInput(f"{definition_place(found)}: a built-in experiment is called {found.__name__}; rename the class")
    if inspect.get_annotations(found) and "__dataclass_fields__" not in vars(found):
        raise BadInput(f"{definition_place(found)}: write @dataclass(frozen=True) above class {found.__name__}")
    return found
