"""The argument parser, with a subparser for each command, built from the options that the commands declare."""

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
# Called with every option and its argparse action.
Annotate = Callable[[Option, argparse.Action], None]


@dataclass(frozen=True)
class Subcommand:
    """A command: its line in the help, the function that performs it, and its options.

    The program without a command has the name "". A command of a command has both names: `runs rename`.
    `defaults` sets attributes for which it has no option. `unsupported` maps options that a user may expect to the
    error message for them.
    """

    name: str
    summary: str
    perform: Callable[[argparse.Namespace], int]
    groups: tuple[Group, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)
    epilog: str = ""

    @property
    def program(self) -> str:
        """How it is called, such as `clipwatch sweep`."""
        return f"{PROGRAM} {self.name}".strip()

    @cached_property
    def by_name(self) -> dict[str, Option]:
        """Its options by name, under each of their names."""
        return {name: option for group in self.groups for option in group.options for name in option.names}

    @property
    def usage(self) -> str:
        """Its usage line."""
        arguments = [option.keywords for name, option in self.by_name.items() if not name.startswith("-")]
        forms = {None: "{}", "?": "[{}]", "+": "{} ..."}
        words = [forms[each.get("nargs")].format(each["metavar"]) for each in arguments]
        return " ".join((self.program, "[OPTIONS]", *words))


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with code 2."""
        tell(f"{message}; see {self.prog} --help")
        raise SystemExit(2)


def build_parser(commands: Iterable[Subcommand], annotate: Annotate | None = None) -> Parser:
    """Build the parser. The first command is the program itself. Adding all options takes 3 ms."""
    by_name = {command.name: command for command in commands}
    parents = {command.rpartition(" ")[0] for command in by_name if command}
    parsers: dict[str, Parser] = {}
    adders: dict[str, Callable[..., Parser]] = {}
    for name, command in by_name.items():
        parent, _, word = name.rpartition(" ")
        usage = command.usage + (f"\n       {command.program} COMMAND [OPTIONS]" if name in parents else "")
        if name:
            parser = _make_parser(adders[parent], command, word, help=command.summary, usage=usage)
        else:
            parser = _make_parser(Parser, command, prog=PROGRAM, usage=usage)
        if name in parents:
            adders[name] = _subparsers(parser, command)
        _add_options(parser, command.groups, annotate)
        parsers[name] = parser
    return parsers[""]


def _subparsers(parser: Parser, command: Subcommand) -> Callable[..., Parser]:
    """The function that adds a parser for a command of this command."""
    return parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        dest=f"command{command.name}",
        prog=command.program,
        help=f"see {command.program} COMMAND --help for its options",
    ).add_parser


def _make_parser(make: Callable[..., Parser], command: Subcommand, *arguments: Any, **keywords: Any) -> Parser:
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
