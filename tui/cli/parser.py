"""The program's one parser, with a subparser for each command, made from the options that the commands declare."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from ...core.stream.rules import MEANINGS
from ..text.messages import tell
from .options import Group, Option

PROGRAM = "clipwatch"
RULES_HELP = "\n".join(["clip rules (RULE):", *(f"  {rule:20}{meaning}" for rule, meaning in MEANINGS.items())])
# Called with every option and what argparse has made of it.
Annotate = Callable[[Option, argparse.Action], None]


@dataclass(frozen=True)
class Command:
    """A command: its line in the help, the function that performs it, and the options that it takes.

    The program without a command has the name "". `defaults` are values for which it has no option; `refused` says of
    options that somebody may expect why it does not take them.
    """

    name: str
    summary: str
    perform: Callable[[argparse.Namespace], int]
    groups: tuple[Group, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    epilog: str = ""

    @property
    def program(self) -> str:
        """The words that call it."""
        return f"{PROGRAM} {self.name}".strip()

    @cached_property
    def by_name(self) -> dict[str, Option]:
        """Its options, by each of their names."""
        return {name: option for group in self.groups for option in group.options for name in option.names}

    @property
    def usage(self) -> str:
        """How to write it."""
        arguments = [option.keywords for name, option in self.by_name.items() if not name.startswith("-")]
        words = [f"{each['metavar']} ..." if "nargs" in each else each["metavar"] for each in arguments]
        return " ".join((self.program, "[OPTIONS]", *words))


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        tell(f"{message}; see {self.prog} --help")
        raise SystemExit(2)


def build_parser(commands: Iterable[Command], annotate: Annotate | None = None) -> Parser:
    """The parser of the program, which comes first, and its commands; all options together take 3 ms to add."""
    program, *others = commands
    parser = _made(Parser, program, prog=PROGRAM, usage=f"{program.usage}\n       {PROGRAM} COMMAND [OPTIONS]")
    subparsers = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        dest="command",
        prog=PROGRAM,
        help=f"one of these; see {PROGRAM} COMMAND --help",
    )
    _add_options(parser, program.groups, annotate)
    for command in others:
        subparser = _made(subparsers.add_parser, command, command.name, help=command.summary, usage=command.usage)
        _add_options(subparser, command.groups, annotate)
    return parser


def _made(make: Callable[..., Parser], command: Command, *arguments: Any, **keywords: Any) -> Parser:
    parser = make(
        *arguments,
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        epilog=command.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
        **keywords,
    )
    parser.set_defaults(perform=command.perform, **command.defaults)
    return parser


def _add_options(parser: Parser, groups: Iterable[Group], annotate: Annotate | None) -> None:
    for title, options in groups:
        group = parser.add_argument_group(title)
        for option in options:
            action = group.add_argument(*option.names, help=option.help, **option.keywords)
            if annotate:
                annotate(option, action)
