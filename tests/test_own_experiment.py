"""A user's experiment: how it is found, its settings, its description, and a line for every mistake in it."""

from __future__ import annotations

import hashlib
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from user_experiments import IMPORTS, NOISY, SMALL, line_of, prepared, write_experiment

from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.starting_file import write_starting_file
from clipwatch.core.experiments.user_file import experiment_info, load_class, load_experiment
from clipwatch.core.experiments.user_settings import setting_infos
from clipwatch.core.experiments.workload import Evaluation
from clipwatch.core.stream.experiment_info import MetricInfo

SETTINGS = """
@dataclass(frozen=True)
class Mine(clipwatch.Experiment):
    hidden: Annotated[int, "hidden units"] = 64
    rate: float = field(default=1, metadata={"help": "learning rate"})
    bias: bool = True
    kind: Literal["relu", "tanh"] = "relu"
    label: str = ""
    depth = 2
"""


@pytest.fixture(autouse=True)
def _path_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of experiments, to which Python's path leads, hold files called like its own modules."""
    monkeypatch.setattr(sys, "path", [*sys.path])


def error_of(call: object, *arguments: object, **options: object) -> str:
    with pytest.raises(BadInput) as caught:
        call(*arguments, **options)  # type: ignore[operator]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_file_with_one_class_needs_no_name(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL)
    assert load_class(target).__name__ == load_class(f"{target}:Small").__name__ == "Small"


def test_a_file_may_be_called_like_a_module_and_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "beside_the_experiment.py").write_text("WIDTH = 7\n")
    source = f"from beside_the_experiment import WIDTH\n{SMALL.replace('= 3', '= WIDTH', 1)}"
    assert load_experiment(write_experiment(tmp_path, source, "random.py"), {}).width == 7  # type: ignore[attr-defined]
    import random

    assert hasattr(random, "shuffle")


def test_a_class_of_a_module_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_package_of_tests").mkdir()
    write_experiment(tmp_path, SMALL, "my_package_of_tests/small.py")
    assert load_class("my_package_of_tests.small:Small").__name__ == "Small"
    assert error_of(load_class, "my_package_of_tests.large:Small") == (
        "experiment my_package_of_tests.large: no such module or file"
    )


def test_what_cannot_be_found_is_one_line(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL + SMALL.replace("Small", "Large"))
    missing = str(tmp_path / "missing.py")
    assert error_of(load_class, missing) == f"experiment {missing}: no such file"
    unknown = f"experiment {target}: no clipwatch.Experiment called"
    assert error_of(load_class, f"{target}:Smal") == f"{unknown} 'Smal' (did you mean 'Small'?)"
    assert error_of(load_class, f"{target}:nn") == f"{unknown} 'nn'"
    assert error_of(load_class, target).endswith(f"several classes; write one of {target}:Small, {target}:Large")
    empty = write_experiment(tmp_path, "", "empty.py")
    assert error_of(load_class, empty).endswith("it defines no class that inherits from clipwatch.Experiment")
    assert "write FILE.py, FILE.py:CLASS or PACKAGE.MODULE:CLASS" in error_of(load_class, "resnet")
    assert error_of(load_class, "no.such.module:Mine") == "experiment no.such.module: no such module or file"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (1,\n\n", "SyntaxError: '(' was never closed"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_file_that_cannot_be_run_names_its_line(tmp_path: Path, source: str, message: str) -> None:
    target = write_experiment(tmp_path, f"{source}\n")
    assert error_of(load_class, target) == f"{target}:{len(IMPORTS.splitlines()) + 1}: {message}"


def test_an_exception_names_the_users_last_line(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL.replace("        return F.mse", "        y[99]\n        return F.mse"))
    assert error_of(prepared, target).startswith(f"{target}:{line_of(target, 'y[99]')}: IndexError: index 99 is out")


def test_settings_are_the_fields_with_defaults_and_help(tmp_path: Path) -> None:
    infos = {info.name: info for info in setting_infos(load_class(write_experiment(tmp_path, SETTINGS)))}
    assert {name: (info.kind, info.default, info.help) for name, info in infos.items() if name != "counterfactual"} == {
        "hidden": (int, 64, "hidden units"),
        "rate": (float, 1.0, "learning rate"),
        "bias": (bool, True, ""),
        "kind": (str, "relu", ""),
        "label": (str, "", ""),
    }
    assert list(infos) == ["hidden", "rate", "bias", "kind", "label", "counterfactual"]
    assert infos["kind"].choices == ("relu", "tanh")
    assert infos["counterfactual"].default is True


def test_settings_are_converted_from_text(tmp_path: Path) -> None:
    given = {"hidden": "128", "rate": "0.5", "bias": "false", "kind": "tanh", "label": "3"}
    mine = load_experiment(write_experiment(tmp_path, SETTINGS), given)
    assert vars(mine) == {
        "hidden": 128, "rate": 0.5, "bias": False, "kind": "tanh", "label": "3", "counterfactual": True
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hiden": "3"}, "Mine has no setting 'hiden' (did you mean 'hidden'?)"),
        ({"depth": "3"}, "Mine.depth has no type, so it is no setting: write depth: int = 2"),
        ({"hidden": "many"}, "setting hidden 'many': Expected int, got str"),
        ({"hidden": 0.5}, "setting hidden 0.5: Expected int, got float"),
        ({"bias": "maybe"}, "setting bias 'maybe': Expected bool, got str"),
        ({"kind": "rel"}, "setting kind 'rel': unknown (did you mean 'relu'?); select one of relu, tanh"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, given: dict[str, object], message: str) -> None:
    assert error_of(load_experiment, write_experiment(tmp_path, SETTINGS), given) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@dataclass(frozen=True)\n", "", "write @dataclass(frozen=True) above class Mine"),
        (
            'Annotated[int, "hidden units"]',
            "list",
            "setting hidden: its type must be bool, int, float, str, or",
        ),
        (" = 64", "", "setting hidden needs a default"),
        (" = 64", " = '64'", "setting hidden: Expected int, got str"),
        ("int,", "Nothing,", "NameError: name 'Nothing' is not defined"),
    ],
)
def test_a_class_that_cannot_be_used_names_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    target = write_experiment(tmp_path, SETTINGS.replace(old, new))
    found = error_of(load_experiment, target, {})
    assert re.match(rf"{re.escape(target)}:\d+: ", found)
    assert message in found


def test_the_description_has_the_file_and_its_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_experiment(tmp_path, SMALL)
    info = experiment_info(load_class("mine.py"))
    assert info.name == "Small"
    assert info.file == str(tmp_path / "mine.py")
    assert info.checksum == hashlib.sha256((tmp_path / "mine.py").read_bytes()).hexdigest()


def test_the_description_has_the_defaults_of_the_settings(tmp_path: Path) -> None:
    own = ("hidden=64", "rate=1.0", "bias=True", "kind=relu", "label=")
    defaults = experiment_info(load_class(write_experiment(tmp_path, SETTINGS))).defaults
    assert defaults[: len(own)] == own


def test_the_description_has_the_metrics_and_gauges_that_an_evaluation_gave(tmp_path: Path) -> None:
    source = """
    metrics = (clipwatch.Metric("second", share=True), clipwatch.Metric("never"))

    def evaluate(self, model, batch):
        return clipwatch.Evaluation(loss=torch.tensor(1.0), correct=0, metrics={"first": 1, "second": torch.ones(1)})

    def gauges(self, model):
        return {"bias": model.bias.sum()}
"""
    info = prepared(write_experiment(tmp_path, SMALL + source)).info
    assert [metric.name for metric in info.metrics] == ["accuracy", "second", "first"]
    assert info.metrics[1].share
    assert info.gauges == (MetricInfo("bias"),)


def test_the_checksum_tells_the_data(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL)
    other = write_experiment(tmp_path, SMALL.replace("* 2)", "* 3)"), "other.py")
    info, noisy = prepared(target).dataset, write_experiment(tmp_path, NOISY, "noisy.py")
    assert (info.training, info.validation) == (50, 10)
    assert info.checksum == prepared(target, batch_size=9).dataset.checksum != prepared(other).dataset.checksum
    assert prepared(noisy).dataset.checksum == prepared(noisy).dataset.checksum


VALIDATION = "(x[50:], x[50:, :3] * 2)"
LOSS, DATA, MODEL = "return F.mse_loss(model(x), y)", "return clipwatch.Data", "return nn.Linear(4, self.width)"


@pytest.mark.parametrize(
    ("old", "new", "method", "message"),
    [
        (
            LOSS,
            "return F.mse_loss(model(x), y, reduction='none')",
            "loss",
            "loss returned shape (8, 3): a scalar",
        ),
        (LOSS, "return 1.0", "loss", "loss returned float: a tensor is needed"),
        (LOSS, "return F.mse_loss(model(x), y).detach()", "loss", "loss returned a tensor without gradient"),
        (LOSS, "model.zero_grad(); return F.mse_loss(model(x), y)", "loss", "the gradient of weight was replaced"),
        (LOSS, "model.double().float(); return F.mse_loss(model(x), y)", "loss", "parameter weight was moved"),
        (MODEL, "return 3", "make_model", "make_model returned int: a torch.nn.Module is needed"),
        (
            LOSS,
            "model.weight = nn.Parameter(model.weight); return F.mse_loss(model(x), y)",
            "loss",
            "weight was replaced",
        ),
        (
            MODEL,
            "return nn.Linear(4, 3).double()",
            "make_model",
            "weight is float64: call .float() on the model",
        ),
        (
            MODEL,
            "return nn.Linear(4, 3).bfloat16()",
            "make_model",
            "for bfloat16 passes use torch.autocast in loss",
        ),
        (MODEL, "return nn.LazyLinear(3)", "make_model", "weight has no shape yet: run the model once in make_model"),
        (MODEL, "return nn.ReLU()", "make_model", "the model has no trainable parameters"),
        (
            DATA,
            "return x, clipwatch.Data",
            "make_data",
            "make_data returned tuple: clipwatch.Data(training, validation) is needed",
        ),
        ("Data((x[:50]", "Data((x[:40]", "make_data", "AssertionError: Size mismatch between tensors"),
        ("x = torch.randn(60, 4)", "x = torch.randn(50, 4)", "make_data", "make_data: validation is empty"),
        (VALIDATION, "(row for row in x)", "make_data", "validation is a generator, which has no length"),
        (VALIDATION, "torch.utils.data.DataLoader(x)", "make_data", "is a DataLoader: give a map-style dataset"),
    ],
)
def test_a_mistake_names_the_method_and_its_line(tmp_path: Path, old: str, new: str, method: str, message: str) -> None:
    assert old in SMALL
    target = write_experiment(tmp_path, SMALL.replace(old, new))
    found = error_of(prepared, target)
    assert found.startswith(f"{target}:{line_of(target, f'def {method}')}: ")
    assert message in found


@pytest.mark.parametrize("method", ["make_model", "make_data", "loss"])
def test_a_method_that_is_missing_names_the_class(tmp_path: Path, method: str) -> None:
    target = write_experiment(tmp_path, SMALL.replace(f"def {method}", "def other"))
    assert error_of(prepared, target) == f"{target}:{line_of(target, '@dataclass')}: Small defines no {method}"


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ("loss=torch.zeros(3)", "Evaluation: loss has shape (3,): a scalar is needed"),
        ("loss='low'", "Evaluation: loss is 'low': a real number is needed"),
        ("loss=0.0, correct=torch.tensor(0.5)", "Evaluation: correct is 0.5: a whole number is needed"),
        ("loss=None", "Evaluation: loss is None: a real number is needed"),
        ("loss=1j", "Evaluation: loss is 1j: a real number is needed"),
        ("loss=0.0, metrics={'bits': 10**400}", f"bits is 1{49 * '0'}: a real number is needed"),
        ("loss=0.0, metrics={'bits': 'few'}", "Evaluation: bits is 'few': a real number is needed"),
        ("loss=0.0, total=-1", "evaluate: total is -1: the number of examples is needed"),
        ("loss=0.0, total=2**70", f"evaluate: total is {2**70}: the number of examples is needed"),
        ("loss=0.0, predictions=[1]", "predictions must be a dense tensor with one row for each example"),
        ("loss=0.0, predictions=torch.tensor(1)", "predictions must be a dense tensor with one row for each example"),
        ("loss=0.0, correct=11", "evaluate: correct is 11: a number from 0 to total (10) is needed"),
        ("loss=0.0, metrics={'Bits_per': 1}", "metric 'Bits_per': its name must be lower-case words joined by dashes"),
        ("loss=0.0, metrics={'grad-norm': 1}", "metric 'grad-norm': clipwatch has a series of this name; rename it"),
    ],
)
def test_an_evaluation_that_cannot_be_used_is_one_line(tmp_path: Path, evaluation: str, message: str) -> None:
    source = f"\n    def evaluate(self, model, batch):\n        return clipwatch.Evaluation({evaluation})\n"
    target = write_experiment(tmp_path, SMALL + source)
    found = error_of(prepared, target)
    line = line_of(target, "def evaluate")
    assert found.startswith((f"{target}:{line}: ", f"{target}:{line + 1}: "))
    assert found.endswith(message)


def test_an_evaluation_holds_numbers_that_a_recording_can_hold() -> None:
    found = Evaluation(
        loss=torch.tensor(0.5), correct=torch.ones(3).sum(), total=np.int64(4), metrics={"margin": np.float32(0.25)}
    )
    values = [found.loss, found.total, found.correct, found.metrics["margin"]]
    assert values == [0.5, 4, 3, 0.25]
    assert [type(value) for value in values] == [float, int, int, float]


def test_a_class_called_like_a_built_in_experiment_is_refused(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL.replace("class Small", "class lenet"))
    assert error_of(load_class, target).endswith("a built-in experiment is called lenet; rename the class")


def test_figures_of_any_kind_become_those_that_can_be_recorded(tmp_path: Path) -> None:
    figures = (
        "loss=np.float32(1), correct=np.int64(3), total=np.int16(4), metrics={'bits': np.float64(2), 'even': True}"
    )
    source = f"\n    def evaluate(self, model, batch):\n        return clipwatch.Evaluation({figures})\n"
    target = write_experiment(tmp_path, SMALL + source)
    found = prepared(target).make_workload().evaluate(0)
    assert (found.loss, found.correct, found.total, found.metrics) == (1.0, 3, 4, {"bits": 2.0, "even": 1.0})
    kinds = [type(each) for each in (found.loss, found.correct, found.total, *found.metrics.values())]
    assert kinds == [float, int, int, float, float]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("examples = 3", "Expected str, got int - at $.examples"),
        ("metrics = ('bits',)", "Expected object, got str - at $.metrics[0]"),
        ("metrics = (clipwatch.Metric('bits', title=3),)", "Expected str, got int - at $.metrics[0].title"),
    ],
)
def test_a_description_that_cannot_be_recorded_names_the_class(tmp_path: Path, line: str, message: str) -> None:
    target = write_experiment(tmp_path, SMALL.replace("width: int = 3", f"width: int = 3\n    {line}"))
    assert error_of(prepared, target) == f"{target}:{line_of(target, '@dataclass')}: {message}"


def test_sparse_gradients_are_refused(tmp_path: Path) -> None:
    source = SMALL.replace(MODEL, "return nn.Embedding(9, 3, sparse=True)").replace(
        LOSS, "return model(torch.tensor([1])).sum()"
    )
    target = write_experiment(tmp_path, source)
    assert error_of(prepared, target).endswith("weight has a sparse gradient: build its module with sparse=False")


def test_a_batch_larger_than_the_data_is_one_line(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL)
    assert error_of(prepared, target, batch_size=51) == "batch-size 51: there are only 50 training examples"
    assert prepared(target, eval_size=1000).dataset.validation == 10


def test_initial_parameters_that_no_seed_decides_are_refused(tmp_path: Path) -> None:
    model = "m = nn.Linear(4, 3); m.weight.data *= np.random.default_rng().random(); return m"
    target = write_experiment(tmp_path, SMALL.replace(MODEL, model))
    experiment = prepared(target)
    found = error_of(experiment.make_workload)
    assert found.startswith(f"{target}:{line_of(target, 'def make_model')}: make_model gives other initial parameters")


def test_initial_parameters_may_be_nan(tmp_path: Path) -> None:
    model = "m = nn.Linear(4, 3); m.weight.data.fill_(float('nan')); return m"
    workload = prepared(write_experiment(tmp_path, SMALL.replace(MODEL, model))).make_workload()
    assert math.isnan(workload.loss_and_gradient(0))


def test_the_probe_finds_operations_that_are_not_deterministic(tmp_path: Path) -> None:
    noise = "return F.mse_loss(model(x), y) * (1 + 1e-3 * np.random.default_rng().random())"
    (notice,) = prepared(write_experiment(tmp_path, SMALL.replace(LOSS, noise))).notices
    assert "not deterministic" in notice
    assert prepared(write_experiment(tmp_path, NOISY, "noisy.py")).notices == ()
    nan = SMALL.replace(LOSS, "return F.mse_loss(model(x), y) * float('nan')")
    assert prepared(write_experiment(tmp_path, nan, "nan.py")).notices == ()


def test_the_probe_names_parameters_without_a_gradient(tmp_path: Path) -> None:
    source = SMALL.replace(LOSS, "return F.mse_loss(x @ model.weight.T, y)")
    (notice,) = prepared(write_experiment(tmp_path, source)).notices
    assert notice == "the loss does not depend on bias: their gradient is 0"


def test_options_of_an_optimizer_that_the_experiment_makes_itself_are_a_notice(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, NOISY)
    (notice,) = prepared(target, learning_rate=0.5, optimizer="sgd").notices
    assert notice.endswith("ignores --optimizer, --learning-rate (unless make_optimizer returns None)")
    assert not prepared(write_experiment(tmp_path, SMALL, "small.py"), learning_rate=0.5).notices


def test_the_starting_file_runs_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    write_starting_file(str(path))
    experiment = prepared(str(path), settings={"hidden": "5"})
    assert [metric.name for metric in experiment.info.metrics] == ["accuracy", "confidence"]
    assert experiment.make_workload().parameters.numel() == 28 * 28 * 5 + 5 + 5 * 10 + 10
    assert error_of(write_starting_file, str(path)) == f"file {path}: it exists already; name another"
    assert error_of(write_starting_file, "mine.txt") == "file mine.txt: its name must end with .py"
    assert "No such file or directory" in error_of(write_starting_file, str(tmp_path / "none" / "mine.py"))


def test_the_digits_are_those_of_lenet() -> None:
    import clipwatch

    images, labels = clipwatch.digits().training
    assert images.shape == (1497, 1, 28, 28)
    assert (images.min(), images.max(), labels.dtype) == (0, 1, torch.int64)
