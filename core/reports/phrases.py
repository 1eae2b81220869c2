"""The report's own words in each language, and texts that mix them with what a recording says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .chinese import CHINESE
from .english import ENGLISH
from .sweep_chinese import SWEEP_CHINESE
from .sweep_english import SWEEP_ENGLISH

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH | SWEEP_ENGLISH, "zh": CHINESE | SWEEP_CHINESE}
TAGS: Mapping[str, str] = {"en": "en", "zh": "zh-CN"}

Writer = Callable[[str], str]


@dataclass(frozen=True)
class Phrase:
    """Our words, in which `backquotes` mark code, and in {braces} the values, which may come from a recording."""

    template: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def written(self, ours: Writer, theirs: Writer, code: Writer) -> str:
        """The text with `ours` done to our words, `theirs` to each value among them, and `code` to a piece of code."""
        values = {key: theirs(str(value)) for key, value in self.values.items()}
        pieces = self.template.split("`")
        return "".join(
            code(piece.format(**self.values)) if number % 2 else ours(piece).format(**values)
            for number, piece in enumerate(pieces)
        )


@dataclass(frozen=True)
class Words:
    """One language."""

    language: str

    def __call__(self, key: str, /, **values: object) -> Phrase:
        return Phrase(LANGUAGES[self.language][key], values)

    def plain(self, key: str, /, **values: object) -> str:
        """The same without markup, for cells and labels."""
        return str(self(key, **values))

    def together(self, names: list[str]) -> str:
        """A list in words: `a, b and c`."""
        if len(names) < 2:
            return "".join(names)
        return self.plain("last_of_list", first=self.plain("comma").join(names[:-1]), last=names[-1])
