"""A lane's weights from a checkpoint, as the `state_dict` of the experiment's module."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import BadInput, ClipwatchError
from ..experiments.layout import tensor_views
from ..experiments.lenet.network import SHAPES
from ..experiments.module import make_model, restore_buffers
from ..experiments.temporal_order.network import shapes
from ..experiments.user_file import load_experiment
from ..stream.builtin_experiments import LENET, TEMPORAL_ORDER
from ..stream.config import RunConfig
from .checkpoint import BadCheckpoint, Snapshot, load, step_of
from .checkpoint_file import files_of_lane

_CPU = torch.device("cpu")


def select_snapshot(checkpoints: Path, lane: str, step: int | None, tell: Callable[[str], None]) -> Snapshot:
    """The newest whole checkpoint of a lane, or that at `step`. Raises ClipwatchError if there is none.

    `tell` gets a message for each damaged one.
    """
    files = files_of_lane(checkpoints, lane)
    if not files:
        raise BadInput(f"{lane} has no checkpoints, which hold the weights: resume the run, or train it again")
    if step is not None:
        found = [path for path in files if step_of(path) == step]
        if not found:
            steps = ", ".join(str(step_of(path)) for path in reversed(files))
            raise BadInput(f"--at {step}: {lane} has no checkpoint at this step; there are: {steps}")
        return load(found[0], device="cpu")
    for path in files:
        try:
            return load(path, device="cpu")
        except BadCheckpoint as error:
            tell(f"{error}; the one before it is used")
    raise ClipwatchError(f"all checkpoints of {lane} are damaged, so its weights are lost: train the run again")


def encoded_weights(config: RunConfig, snapshot: Mapping[str, Any]) -> bytes:
    """The bytes of a file that `torch.load(weights_only=True)` reads as a `state_dict`.

    Imports and runs the code of a user's experiment. Raises ClipwatchError.
    """
    buffer = io.BytesIO()
    torch.save(state_dict(config, snapshot), buffer)
    try:
        torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    except pickle.UnpicklingError as error:
        raise ClipwatchError(
            "the state_dict of the model holds more than tensors, so that torch.load(weights_only=True) does not read"
            " it: leave get_extra_state out, or return tensors"
        ) from error
    return buffer.getvalue()


def state_dict(config: RunConfig, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What `load_state_dict(strict=True)` of the experiment's module takes. Raises BadInput."""
    parameters: Tensor = snapshot["parameters"]
    if config.experiment == LENET.info.name:
        return _own_memory(tensor_views(parameters, SHAPES))
    if config.experiment == TEMPORAL_ORDER.info.name:
        return _own_memory(tensor_views(parameters, shapes(int(config.settings["units"]))))
    experiment = load_experiment(config.experiment, config.settings)
    model, flat = make_model(experiment, config.seed, config.layers, _CPU)
    if len(flat.parameters) != len(parameters):
        raise BadInput(
            f"experiment {config.experiment}: its model has {len(flat.parameters):,} parameters, and the recorded one"
            f" had {len(parameters):,}: go back to the code of that run"
        )
    with torch.no_grad():
        flat.parameters.copy_(parameters)
    restore_buffers(model, snapshot["workload"]["buffers"])
    return _own_memory(model.state_dict())


def _own_memory(state: dict[str, Any]) -> dict[str, Any]:
    """The state with copies of its tensors, which are parts of one vector. Tied ones stay one tensor."""
    copies: dict[tuple[Any, ...], Tensor] = {}
    for name, value in state.items():
        if isinstance(value, Tensor):
            place = value.data_ptr(), value.shape, value.stride()
            state[name] = copies.setdefault(place, value.detach().clone())
    return state
