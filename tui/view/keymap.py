"""The keys as the user's config file remaps them."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.errors import BadInput
from .key import key_name
from .keys import KEYS


def keymap(remapping: Mapping[str, str]) -> dict[str, str]:
    """The [keys] of a config file in Textual's names; raises BadInput for unknown ids and keys used twice."""
    ids = {key.id: key.keys for key in KEYS}
    for id_ in remapping:
        if id_ not in ids:
            raise BadInput(f"[keys] {id_}: unknown key; known keys: {', '.join(ids)}")
    changed = {id_: _key_names(id_, keys) for id_, keys in remapping.items()}
    owners: dict[str, str] = {}
    for id_, keys in {**ids, **changed}.items():
        for key in keys.split(","):
            if other := owners.setdefault(key, id_) != id_ and owners[key]:
                raise BadInput(f"[keys] {id_} = {key!r}: that key is already used for {other}")
    return changed


def _key_names(id_: str, keys: str) -> str:
    """The names that Textual uses: `?` becomes `question_mark`."""
    names = [key.strip() for key in keys.split(",")]
    if not all(names):
        raise BadInput(f"[keys] {id_} = {keys!r}: name a key, like x or ctrl+x")
    return ",".join(key_name(name) for name in names)
