"""The texts of the reports in each language, and phrases that fill them with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .chinese import CHINESE
from .compared_chinese import COMPARED_CHINESE
from .compared_english import COMPARED_ENGLISH
from .english import ENGLISH
from .sweep_chinese import SWEEP_CHINESE
from .sweep_english import SWEEP_ENGLISH
from .watched_chinese import WATCHED_CHINESE
from .watched_english import WATCHED_ENGLISH

LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "en": ENGLISH | SWEEP_ENGLISH | WATCHED_ENGLISH | COMPARED_ENGLISH,
    "zh": CHINESE | SWEEP_CHINESE | WATCHED_CHINESE | COMPARED_CHINESE,
}
TAGS: Mapping[str, str] = {"en": "en", "zh": "zh-CN"}

Formatter = Callable[[str], str]


@dataclass(frozen=True)
class Phrase:
    """A template with its values. `Backquotes` in the template mark code; {braces} mark values.

    The template is ours; a value may come from a recording and must be escaped.
    """

    template: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def render(self, template: Formatter, value: Formatter, code: Formatter) -> str:
        """Render the text: `template` formats our own text, `value` each value in it, `code` each piece of code."""
        values = {key: value(str(content)) for key, content in self.values.items()}
        pieces = self.template.split("`")
        return "".join(
            code(piece.format(**self.values)) if number % 2 else template(piece).format(**values)
            for number, piece in enumerate(pieces)
        )


@dataclass(frozen=True)
class Words:
    """The texts of one language, by key."""

    language: str

    def __call__(self, key: str, /, **values: object) -> Phrase:
        return Phrase(LANGUAGES[self.language][key], values)

    def plain(self, key: str, /, **values: object) -> str:
        """The text as a plain string, for table cells and labels."""
        return str(self(key, **values))

    def known(self, key: str, default: str, /, **values: object) -> str:
        """The text of a name that an experiment gives, or `default` if there is none with these values."""
        try:
            return self.plain(key, **values)
        except KeyError:
            return default

    def join(self, names: list[str]) -> str:
        """The names as a list in running text: `a, b and c`."""
        if len(names) < 2:
            return "".join(names)
        return self.plain("last_of_list", first=self.plain("comma").join(names[:-1]), last=names[-1])
