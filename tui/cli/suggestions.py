"""Suggestions for options and commands that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ...core.errors import BadInput
from .options import Option
from .parser import Subcommand

# Names that other programs have for our options.
_SYNONYMS = {
    "--lr": "--learning-rate",
    "--steps": "--iterations",
    "--epochs": "--iterations",
    "--max-steps": "--iterations",
    "--bs": "--batch-size",
    "--clip-norm": "--clip",
    "--max-norm": "--clip",
    "--rule": "--clip",
    "--model": "--experiment",
    "--setting": "--set",
    "--momentum": "--optimizer",
    "--gpu": "--device",
    "--cuda": "--device",
    "--headless": "--no-ui",
    "--pace": "--speed",
    "--out": "--output",
}
_COMMAND_SYNONYMS = {
    "run": "clipwatch",
    "train": "clipwatch",
    "help": "clipwatch --help",
    "list": "clipwatch runs",
    "continue": "clipwatch resume",
    "experiments": "clipwatch experiment list",
    "new": "clipwatch experiment new",
    "init": "clipwatch experiment new",
    "show": "clipwatch experiment show",
    "experiment create": "clipwatch experiment new",
    "experiment init": "clipwatch experiment new",
    "rename": "clipwatch runs rename",
    "delete": "clipwatch runs delete",
    "runs mv": "clipwatch runs rename",
    "runs rm": "clipwatch runs delete",
    "runs remove": "clipwatch runs delete",
}
# Arguments after one of these are not checked.
_END_OF_OPTIONS = ("--", "-h", "--help", "--version")


def unknown_command(name: str, commands: Iterable[str]) -> BadInput:
    """The error for a command that does not exist, with a suggestion."""
    names = [command for command in commands if command]
    matches = difflib.get_close_matches(name, names, 1)
    suggestion = _COMMAND_SYNONYMS.get(name) or (f"clipwatch {matches[0]}" if matches else None)
    advice = f"did you mean '{suggestion}'?" if suggestion else f"the commands are {', '.join(names)}"
    return BadInput(f"unknown command {name!r}; {advice}")


def check_options(arguments: Sequence[str], command: Subcommand, all_commands: Iterable[Subcommand]) -> None:
    """Raise BadInput for the first option that the command does not have, with a suggestion.

    Call it before argparse parses, which would take the value of an unknown option for a command.
    """
    known = command.by_name
    is_value = False
    for argument in arguments:
        if argument in _END_OF_OPTIONS and (argument in known or argument == "--"):
            return
        name = argument.partition("=")[0]
        if not is_value and _is_option(argument) and name not in known and argument[:2] not in known:
            raise _unknown_option(name, command, all_commands)
        is_value = argument in known and known[argument].needs_value


def _is_option(argument: str) -> bool:
    """Whether argparse takes the argument for an option."""
    if not argument.startswith("-") or argument == "-" or " " in argument:
        return False
    try:
        float(argument)
    except ValueError:
        return True
    return False


def _unknown_option(name: str, command: Subcommand, all_commands: Iterable[Subcommand]) -> BadInput:
    if name in command.unsupported:
        return BadInput(command.unsupported[name])
    if _SYNONYMS.get(name) not in command.by_name:
        others = [f"'{other.program}'" for other in all_commands if name in other.by_name]
        if others:
            verb = "has" if len(others) == 1 else "have"
            return BadInput(f"'{command.program}' has no option {name}; {' and '.join(others)} {verb} it")
    suggestion = _nearest(name, command.by_name)
    advice = f"did you mean {suggestion}?" if suggestion else f"see {command.program} --help"
    return BadInput(f"unknown option {name}; {advice}")


def _nearest(name: str, known: Mapping[str, Option]) -> str | None:
    if (synonym := _SYNONYMS.get(name)) in known:
        return synonym
    matches = [other for other in known if other.startswith(name)] or difflib.get_close_matches(name, known, 1)
    return matches[0] if matches else None
