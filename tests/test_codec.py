"""Every event and command goes to a line of strict JSON and back; everything else is refused in words."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipwatch.core.errors import BadInput
from clipwatch.core.stream import commands, events
from clipwatch.core.stream.codec import OtherSchema, decode_command, decode_event, decode_sweep_event, encode
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.lane_config import OPTIMIZERS
from clipwatch.core.stream.measures import BINS
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.stream.sweep_config import SweepConfig
from clipwatch.core.stream.sweep_events import AnySweepEvent, ReplicaFinished

FLOATS = st.floats()
PAUSED = events.LanePaused(lane="clipped", step=20)


COUNTS = st.integers(1, 10**15)


def built(command: type[commands.Command], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(command, lane=st.none() | st.text(), at_step=st.none() | COUNTS, **fields)


RULES = st.sampled_from(["none", "value:0.001", "value::2"])
PACES = st.none() | st.floats(0, exclude_min=True, allow_infinity=False)
RATES = st.floats(0, exclude_min=True, allow_infinity=False)
COMMAND_STRATEGIES = {
    commands.SetClip: built(commands.SetClip, rule=RULES),
    commands.SetLearningRate: built(commands.SetLearningRate, rate=RATES),
    commands.Fork: st.builds(
        commands.Fork,
        lane=st.text(),
        at_step=st.none() | COUNTS,
        name=st.sampled_from(["clipped+1", "x"]),
        rule=st.none() | RULES,
        learning_rate=st.none() | RATES,
    ),
    commands.ResetMoments: built(commands.ResetMoments),
    commands.Pause: built(commands.Pause),
    commands.Resume: built(commands.Resume),
    commands.StepOnce: built(commands.StepOnce, count=COUNTS),
    commands.SetPace: built(commands.SetPace, pace=PACES),
    commands.Extend: built(commands.Extend, iterations=COUNTS),
    commands.Stop: built(commands.Stop),
    commands.Restart: st.builds(
        commands.Restart,
        seed=st.none() | st.integers(0, 2**63 - 1),
        settings=st.sampled_from([{}, {"head": "linear"}, {"length": 10, "init_std": 0.5, "fast": True}]),
    ),
    commands.Seek: st.builds(commands.Seek, step=st.integers(0, 10**15)),
}


def values_of(kind: Any, floats: st.SearchStrategy[float] = FLOATS) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if kind is float:
        return floats
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is RunConfig:
        lanes = st.builds(
            LaneConfig,
            name=st.just("a"),
            rule=RULES,
            learning_rate=st.none() | RATES,
            optimizer=st.none() | st.sampled_from(OPTIMIZERS),
            beta1=st.none() | st.floats(0, 1, exclude_max=True),
            clip_at=st.dictionaries(st.integers(1, 10**15), RULES, max_size=2),
        ).map(lambda lane: (lane,))
        return st.builds(RunConfig, seed=st.integers(0, 2**63 - 1), iterations=st.integers(1, 10**9), lanes=lanes)
    if kind is SweepConfig:
        rules = st.lists(st.sampled_from(["none", "sign", "value:0.001"]), min_size=1, unique=True).map(tuple)
        return st.builds(SweepConfig, base=st.builds(RunConfig), axes=st.fixed_dictionaries({"clip": rules}))
    if kind in COMMAND_STRATEGIES:
        return COMMAND_STRATEGIES[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs_of(kind, floats)
    if get_origin(kind) is dict:
        return st.dictionaries(*(values_of(item, floats) for item in get_args(kind)), max_size=2)
    if get_origin(kind) is tuple:
        *items, last = get_args(kind)
        return (
            st.lists(values_of(*items, floats), max_size=3).map(tuple)
            if last is ...
            else st.tuples(*(values_of(item, floats) for item in get_args(kind)))
        )
    if get_origin(kind) is Annotated:
        of, bounds = get_args(kind)
        most = float(bounds.lt) if bounds.lt else bounds.le
        return st.floats(bounds.ge, most, exclude_max=True) if of is float else st.integers(bounds.ge, most)
    if get_args(kind):
        return st.one_of([values_of(option, floats) for option in get_args(kind)])
    return {
        str: st.text(),
        int: st.integers(-(2**63), 2**63 - 1),
        type(None): st.none(),
        bool: st.booleans(),
        bytes: st.binary(),
    }[kind]


SINGLES = st.binary(min_size=4, max_size=4)
COUNTS = st.binary(min_size=4 * (1 + BINS), max_size=4 * (1 + BINS))
STEP = {
    "losses": SINGLES,
    "norms": SINGLES,
    "clipped_norms": SINGLES,
    "clipped": st.sampled_from([b"\0", b"\1"]),
    "metrics": st.dictionaries(st.text(), SINGLES),
}
# Fields of which not any value of their type will do.
CHECKED: dict[type[msgspec.Struct], dict[str, st.SearchStrategy[Any]]] = {
    events.LaneStarted: {"rule": RULES},
    events.ClipChanged: {"rule": RULES},
    events.LaneFinished: {"correct": st.integers(0, 9), "total": st.integers(9, 99)},
    events.EvaluatedEarlier: {
        "losses": SINGLES,
        "accuracies": SINGLES | st.just(b""),
        "metrics": st.dictionaries(st.text(), SINGLES, max_size=2),
    },
    events.SeriesEarlier: {"values": SINGLES},
    events.HistogramsEarlier: {"counts": COUNTS},
    events.StepsTrained: STEP,
    ReplicaFinished: {"correct": st.none() | st.integers(0, 9), "total": st.integers(9, 99)},
}


def structs_of(kind: type[msgspec.Struct], floats: st.SearchStrategy[float] = FLOATS) -> st.SearchStrategy[Any]:
    fields = {field.name: values_of(field.type, floats) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **{**fields, **CHECKED.get(kind, {})})


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


KINDS = [*((decode_event, kind) for kind in get_args(events.AnyEvent))]
KINDS += [(decode_sweep_event, kind) for kind in get_args(AnySweepEvent)]


@pytest.mark.parametrize(("decode", "kind"), KINDS)
@given(data=st.data())
@settings(max_examples=30)
def test_every_event_comes_back_as_it_was_with_any_number_at_any_depth(decode: Any, kind: Any, data: st.DataObject):
    event = data.draw(structs_of(kind, st.sampled_from([math.nan, math.inf, -math.inf, 0.5])))
    line = encode(event)
    assert b"\n" not in line
    json.loads(line, parse_constant=refuse_constant)
    # NaN is not itself, but looks like itself.
    assert repr(decode(line)) == repr(event)


@given(st.one_of(*COMMAND_STRATEGIES.values()))
def test_every_command_comes_back_as_it_was(command: commands.AnyCommand) -> None:
    line = encode(command)
    assert b"\n" not in line
    json.loads(line, parse_constant=refuse_constant)
    assert decode_command(line) == command


def test_no_command_is_left_out() -> None:
    assert COMMAND_STRATEGIES.keys() == set(get_args(commands.AnyCommand))


@pytest.mark.parametrize(("number", "spelled"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_lacks_are_spelled_out(number: float, spelled: str) -> None:
    event = events.Evaluated(lane="a", step=1, loss=number, accuracy=0.5, train_loss=1.0, seconds=0.1)
    raw = json.loads(encode(event))
    assert raw["loss"] == spelled
    assert repr(decode_event(encode(event))) == repr(event)


def test_a_lane_that_is_called_like_a_number_stays_a_name() -> None:
    event = events.Evaluated(lane="NaN", step=1, loss=1.0, accuracy=0.5, train_loss=math.inf, seconds=0.1)
    assert decode_event(encode(event)) == event


def test_a_line_names_its_schema_and_its_kind() -> None:
    assert encode(PAUSED) == b'{"v":1,"event":"LanePaused","lane":"clipped","step":20}'


def test_another_schema_is_refused() -> None:
    with pytest.raises(BadInput, match="schema 2: written by another clipwatch"):
        decode_event(encode(PAUSED).replace(b'"v":1', b'"v":2'))


@pytest.mark.parametrize(
    "version", ['"1"', '"2"', "null", "1.0", "1.5", "true", "[]", "{}", "10", "-1", "9" * 50, "1e400"]
)
def test_only_our_own_integer_is_our_schema(version: str) -> None:
    for decode, line in ((decode_event, encode(PAUSED)), (decode_command, encode(commands.Pause()))):
        with pytest.raises(OtherSchema, match="written by another clipwatch"):
            decode(line.replace(b'"v":1', b'"v":' + version.encode()))


def test_the_schema_may_stand_anywhere_and_apart() -> None:
    written = b'{ "event": "LanePaused", "v": %d, "lane": "clipped", "step": 20 }'
    assert decode_event(written % 1) == PAUSED
    with pytest.raises(OtherSchema):
        decode_event(written % 2)


def test_a_command_typed_by_hand_needs_no_schema() -> None:
    assert decode_command('{"command":"Pause"}') == commands.Pause()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        "{}",
        '{"event":"Nothing"}',
        '{"v":"x"}',
        b"\xff\xfe",
        '{"event":"LanePaused","lane":3}',
        '{"event":["LanePaused"],"command":["Pause"]}',
        '["cut off',
        '{"v":"1" ,',
        '{"v":1e400}',
        "9" * 5000,
        "[" * 100_000,
        '{"a":' * 100_000,
        '"\ud800"',
        b'{"v":1,"event":"LanePaused","lane":"\xff","step":1}',
        b'{"v":1,"event":"LanePaused","lane":3,"step":1,"more":"\xff"}',
        b'{"v":1,"event":"LanePaused","lane":"a","step":1',
    ],
)
def test_garbage_is_refused_in_words(line: str | bytes) -> None:
    for decode in (decode_event, decode_command):
        with pytest.raises(BadInput):
            decode(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"command":"SetClip","rule":"value:"}',
        '{"command":"SetClip","rule":"none","lanee":"x"}',
        '{"command":"StepOnce","count":0}',
        '{"command":"SetPace","pace":-1}',
        '{"command":"SetPace","pace":"NaN"}',
        '{"command":"Extend","iterations":0}',
        '{"command":"Extend","iterations":1e999}',
        '{"command":"Extend","iterations":1000000000000000000000}',
        '{"command":"StepOnce","count":1000000000000000000000}',
        '{"command":"SetPace","pace":1e999}',
        '{"command":"Pause","at_step":1.5}',
        '{"command":"Pause","at_step":' + "9" * 5000 + "}",
        '{"command":"Restart","seed":-1}',
        '{"command":"Pause","at_step":-1}',
        '{"command":"Restart","settings":{"head":[]}}',
        '{"command":"Restart","lane":"clipped"}',
        '{"command":"Restart","at_step":5}',
        '{"command":"Seek","step":5,"at_step":5}',
        '{"command":"Pause","at_step":1000000000000001}',
    ],
)
def test_commands_that_make_no_sense_are_refused(line: str) -> None:
    with pytest.raises(BadInput):
        decode_command(line)


@pytest.mark.parametrize("written", ["none", " none ", "value:0.0010", "value:-0.001:0.001", "norm: 1.0", "zclip:2.5"])
def test_a_rule_is_kept_in_its_canonical_spelling(written: str) -> None:
    line = json.dumps({"command": "SetClip", "rule": written})
    for command in (commands.SetClip(rule=written), decode_command(line)):
        assert command == commands.SetClip(rule=str(parse_rule(written)))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.integers(0, 60), st.integers(0, 60))
def test_no_damage_to_a_line_raises_anything_else(noise: bytes, first: int, last: int) -> None:
    line = encode(PAUSED)
    for decode in (decode_event, decode_command):
        # Noise may leave the line whole; nothing but BadInput may come of it otherwise.
        with suppress(BadInput):
            decode(line[:first] + noise + line[last:])


def test_a_refusal_is_one_line_and_not_long() -> None:
    with pytest.raises(BadInput) as caught:
        decode_command("line\n" * 1000)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


def test_evaluations_beyond_the_steps_of_any_run_are_damage() -> None:
    many = events.EvaluatedEarlier(lane="a", step=0, stride=10**15, losses=bytes(12), accuracies=bytes(12))
    line = encode(many)
    assert decode_event(line) == many
    with pytest.raises(BadInput, match="larger than in any run"):
        decode_event(line.replace(b'"step":0', b'"step":1'))
