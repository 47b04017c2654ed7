"""``sqlrec completion``: what a command-line shell needs to complete ``sqlrec`` itself.

The script that is printed holds all words, so nothing of sqlrec runs when Tab is pressed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands


@dataclass(frozen=True, slots=True)
class Command:
    """A command by the words that lead to it, what may follow with its help, and whether files may."""

    name: str
    following: dict[str, str]
    files: bool


def add_to(commands: Commands, parser: argparse.ArgumentParser) -> None:
    """Declare ``completion`` for all that ``parser`` takes."""
    own = add_command(
        commands,
        "completion",
        lambda a: print(script(parser, a.shell), end=""),
        "print what makes a command-line shell complete sqlrec",
    )
    own.add_argument("shell", choices=list(WRITERS), help="whose words to print; in bash: source <(…)")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The text that a shell reads."""
    return WRITERS[shell](list(_commands(parser, "")))


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[Command]:
    """The command of a parser and those below it."""
    following: dict[str, str] = {}
    below: dict[str, argparse.ArgumentParser] = {}
    files = False
    for action in parser._actions:
        files |= action.type is Path
        if isinstance(action, argparse._SubParsersAction):
            following |= {choice.dest: choice.help or "" for choice in action._choices_actions}
            below = action.choices
        elif action.option_strings:
            following |= dict.fromkeys(action.option_strings, action.help or "")
        elif action.choices:
            following |= dict.fromkeys(map(str, action.choices), action.help or "")
        else:
            files = True
    yield Command(name, following, files)
    for word, parser_below in below.items():
        yield from _commands(parser_below, f"{name} {word}".strip())


def _names(commands: list[Command]) -> str:
    """Patterns of a ``case``: all commands."""
    return "|".join(shlex.quote(command.name) for command in commands if command.name)


def _bash(commands: list[Command]) -> str:
    cases = (
        f"    {shlex.quote(c.name)}) words={shlex.quote(' '.join(c.following))}; files={int(c.files)} ;;"
        for c in commands
    )
    return BASH.format(names=_names(commands), cases="\n".join(cases))


def _zsh(commands: list[Command]) -> str:
    def described(command: Command) -> str:
        return " ".join(shlex.quote(f"{word}:{text}") for word, text in command.following.items())

    cases = (f"    ({shlex.quote(c.name)}) found=({described(c)}); files={int(c.files)} ;;" for c in commands)
    return ZSH.format(names=_names(commands), cases="\n".join(cases))


def _fish(commands: list[Command]) -> str:
    names = {command.name for command in commands}
    lines = ["complete -c sqlrec -f"]
    for command in commands:
        below = [word for word in command.following if f"{command.name} {word}".strip() in names]
        tests = [f"__fish_seen_subcommand_from {word}" for word in command.name.split()]
        tests += [f"not __fish_seen_subcommand_from {' '.join(below)}"] if below else []
        when = f"complete -c sqlrec -n {shlex.quote('; and '.join(tests) or 'true')}"
        for word, text in command.following.items():
            lines.append(f"{when} {_fish_word(word)} -d {shlex.quote(text)}")
        lines += [f"{when} -F"] if command.files else []
    return "\n".join([*lines, ""])


def _fish_word(word: str) -> str:
    if word.startswith("--"):
        return f"-l {word[2:]}"
    return f"-s {word[1:]}" if word.startswith("-") else f"-a {word}"


BASH = """\
_sqlrec() {{
  local at="" word words="" files=0
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{at:+$at }}$word" in
      {names}) at="${{at:+$at }}$word" ;;
    esac
  done
  case "$at" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
  if ((files)); then COMPREPLY+=($(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}")); fi
}}
complete -o filenames -F _sqlrec sqlrec
"""
ZSH = """\
#compdef sqlrec
_sqlrec() {{
  local at="" word
  local -i files=0
  local -a found
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "${{at:+$at }}$word" in
      ({names}) at="${{at:+$at }}$word" ;;
    esac
  done
  case "$at" in
{cases}
  esac
  _describe sqlrec found
  (( files )) && _files
}}
compdef _sqlrec sqlrec
"""
WRITERS: dict[str, Callable[[list[Command]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
"""What writes the script of a shell."""
