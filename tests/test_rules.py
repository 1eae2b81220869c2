"""The grammar of clip rules, and what the rules do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.rules import (
    AdaptiveClip,
    AutoClip,
    LayerNormClip,
    NoClip,
    NormClip,
    Rule,
    SignClip,
    ValueClip,
    ZClip,
    parse_rule,
    recorded_rule,
)


def rules_within(bounds: st.SearchStrategy[float]) -> st.SearchStrategy[Rule]:
    return st.one_of(
        st.just(NoClip()),
        bounds.map(lambda bound: ValueClip(-bound, bound)),
        st.tuples(bounds, bounds).map(lambda pair: ValueClip(-pair[0], pair[1])),
        bounds.map(lambda bound: ValueClip(None, bound)),
        bounds.map(lambda bound: ValueClip(-bound, None)),
        bounds.map(NormClip),
        bounds.map(LayerNormClip),
        bounds.map(AdaptiveClip),
        bounds.map(ZClip),
        st.floats(0, 100).map(AutoClip),
        st.just(SignClip()),
    )


@pytest.mark.parametrize(
    ("text", "rule", "canonical"),
    [
        ("none", NoClip(), "none"),
        (" value:0.001 ", ValueClip(-0.001, 0.001), "value:0.001"),
        ("value:1e-3", ValueClip(-0.001, 0.001), "value:0.001"),
        ("value:-0.001:0.001", ValueClip(-0.001, 0.001), "value:0.001"),
        ("value:-0.001:0.002", ValueClip(-0.001, 0.002), "value:-0.001:0.002"),
        ("value::0.002", ValueClip(None, 0.002), "value::0.002"),
        ("value:-0.002:", ValueClip(-0.002, None), "value:-0.002:"),
        ("value:0:1", ValueClip(0, 1), "value:0:1"),
        ("value:-0:1", ValueClip(0, 1), "value:0:1"),
        ("value:1000000", ValueClip(-1e6, 1e6), "value:1000000"),
        (" norm:1.0 ", NormClip(1), "norm:1"),
        ("layer-norm:1e-3", LayerNormClip(0.001), "layer-norm:0.001"),
        ("agc:0.01", AdaptiveClip(0.01), "agc:0.01"),
        ("autoclip:10", AutoClip(10), "autoclip:10"),
        ("autoclip:-0", AutoClip(0), "autoclip:0"),
        ("zclip", ZClip(), "zclip"),
        ("zclip:2.5", ZClip(), "zclip"),
        ("zclip:3", ZClip(3), "zclip:3"),
        ("sign", SignClip(), "sign"),
        ("value:-1:1.00000000000001", ValueClip(-1, 1.00000000000001), "value:-1:1.00000000000001"),
    ],
)
def test_rules_are_read_and_have_one_spelling(text: str, rule: object, canonical: str) -> None:
    assert parse_rule(text) == rule
    assert str(parse_rule(text)) == canonical


@given(rules_within(st.floats(5e-324, allow_infinity=False)))
def test_every_rule_is_read_back_from_its_spelling(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "non",
        "none:1",
        "none:",
        ":",
        "value:1e400",
        "value:0:0",
        "value:1:",
        "value::-1",
        "value",
        "value:",
        "value::",
        "value:abc",
        "value:2:1",
        "value:1:1",
        "value:-1",
        "value:0",
        "value:nan",
        "value:inf",
        "value:-inf:1",
        "value:1:2",
        "value:-2:-1",
        "value:1:2:3",
        "norm",
        "norm:",
        "norm:0",
        "norm:-1",
        "norm:inf",
        "norm:1:2",
        "layer-norm:x",
        "layernorm:1",
        "agc:",
        "agc:nan",
        "autoclip",
        "autoclip:101",
        "autoclip:-1",
        "zclip:",
        "zclip:0",
        "sign:1",
    ],
)
def test_malformed_rules_are_refused_by_name_in_one_line(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_rule(text)
    assert repr(text) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["value:0.001", "a rule of another version"])
def test_a_recorded_rule_is_parsed_once(text: str) -> None:
    assert recorded_rule(text) is recorded_rule(text)
