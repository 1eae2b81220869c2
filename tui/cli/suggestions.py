"""The option or command that was probably meant, for one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ...core.errors import BadInput
from .options import Option
from .parser import Command

# What other programs call our options.
_SYNONYMS = {
    "--lr": "--learning-rate",
    "--steps": "--iterations",
    "--epochs": "--iterations",
    "--max-steps": "--iterations",
    "--bs": "--batch-size",
    "--clip-norm": "--clip",
    "--max-norm": "--clip",
    "--rule": "--clip",
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
}
# What comes after one of these is not looked at.
_LAST = ("--", "-h", "--help", "--version")


def unknown_command(name: str, commands: Iterable[str]) -> BadInput:
    """What to raise for a command that does not exist."""
    names = [command for command in commands if command]
    near = difflib.get_close_matches(name, names, 1)
    meant = _COMMAND_SYNONYMS.get(name) or (f"clipwatch {near[0]}" if near else None)
    advice = f"did you mean '{meant}'?" if meant else f"the commands are {', '.join(names)}"
    return BadInput(f"unknown command {name!r}; {advice}")


def check_options(arguments: Sequence[str], command: Command, all_commands: Iterable[Command]) -> None:
    """BadInput for the first option that the command does not take, with the one that was probably meant.

    Asked before argparse parses, which would take the value of an unknown option for a command.
    """
    known = command.by_name
    is_value = False
    for argument in arguments:
        if argument in _LAST and (argument in known or argument == "--"):
            return
        name = argument.partition("=")[0]
        if not is_value and _is_option(argument) and name not in known and argument[:2] not in known:
            raise _unknown_option(name, command, all_commands)
        is_value = argument in known and known[argument].needs_value


def _is_option(argument: str) -> bool:
    """Whether argparse takes it for one."""
    if not argument.startswith("-") or argument == "-" or " " in argument:
        return False
    try:
        float(argument)
    except ValueError:
        return True
    return False


def _unknown_option(name: str, command: Command, all_commands: Iterable[Command]) -> BadInput:
    if name in command.refused:
        return BadInput(command.refused[name])
    if _SYNONYMS.get(name) not in command.by_name:
        takers = [f"'{other.program}'" for other in all_commands if name in other.by_name]
        if takers:
            verb = "takes" if len(takers) == 1 else "take"
            return BadInput(f"'{command.program}' has no option {name}; {' and '.join(takers)} {verb} it")
    meant = _nearest(name, command.by_name)
    advice = f"did you mean {meant}?" if meant else f"see {command.program} --help"
    return BadInput(f"unknown option {name}; {advice}")


def _nearest(name: str, known: Mapping[str, Option]) -> str | None:
    if (synonym := _SYNONYMS.get(name)) in known:
        return synonym
    near = [other for other in known if other.startswith(name)] or difflib.get_close_matches(name, known, 1)
    return near[0] if near else None
