"""Secrets come from the environment, the file or the caller, when a job or service gets its options."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.execution.secrets import secrets_of
from sqlrec.spec.secret import resolved


def nothing(name: str) -> None:
    return None


def test_the_environment_comes_before_the_file_and_the_file_before_the_caller(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("# mine\nTOKEN = from file\nother=x=y\n")
    file.chmod(0o600)
    find = secrets_of(tmp_path, lambda name: "from caller", {})
    assert (find("token"), find("other"), find("third")) == ("from file", "x=y", "from caller")
    find = secrets_of(tmp_path, nothing, {"SQLREC_SECRET_TOKEN": "from environment"})
    assert find("token") == "from environment"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("token=x")
    (tmp_path / "secrets.env").chmod(0o640)
    with pytest.raises(SetupError, match=r"SR721.*chmod 600"):
        secrets_of(tmp_path, nothing, {})("token")


def test_whole_references_are_resolved() -> None:
    assert resolved("secret:token", lambda name: f"<{name}>") == "<token>"
    assert resolved("secret:not one", lambda name: f"<{name}>") == "secret:not one"
    assert resolved(3, nothing) == 3


def test_an_unknown_secret_names_the_places_to_put_it() -> None:
    with pytest.raises(NameNotFoundError, match=r"SR320.*SQLREC_SECRET_CONN_DB_PASSWORD"):
        resolved("secret:conn.db.password", nothing)
