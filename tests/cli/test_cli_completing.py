"""``sqlrec completion``: what is printed makes a real shell complete the words of the command line."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from sqlrec.cli.completing import WRITERS, script
from sqlrec.cli.main import build_parser
from tests.cli.conftest import Command

BASH = shutil.which("bash")


def completed(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in ("sqlrec", *words))
    program = f"{script(build_parser(), 'bash')}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n_sqlrec\n"
    program += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-u", "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["che"], ["check", "checkpoints"]),
        (["--pro"], ["--project"]),
        (["--project", "x", "serv"], ["services"]),
        (["services", "lo"], ["logs"]),
        (["services", "logs", "--li"], ["--lines"]),
        (["fmt", "--"], ["--help", "--check", "--diff"]),
        (["fmt", "scr"], ["script.sql"]),
        (["shell", "-f", "scr"], ["script.sql"]),
        (["completion", "z"], ["zsh"]),
        (["models", "scr"], []),
    ],
)
def test_bash(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    (tmp_path / "script.sql").touch()
    assert completed(tmp_path, *words) == offered


@pytest.mark.parametrize("shell", list(WRITERS))
def test_every_command_and_option_is_there(sqlrec: Command, shell: str) -> None:
    told = sqlrec("completion", shell)
    assert (told.status, told.err) == (0, "")
    parser = build_parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    assert {"fmt", "shell", "lsp", "completion"} <= set(commands.choices)
    for name, below in commands.choices.items():
        assert name in told.out
        for action in below._actions:
            for option in action.option_strings:
                assert (option.lstrip("-") if shell == "fish" else option) in told.out


def test_a_shell_that_is_not_known(sqlrec: Command) -> None:
    assert "invalid choice: 'tcsh'" in sqlrec("completion", "tcsh").err
