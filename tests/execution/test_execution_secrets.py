"""Secrets come from the environment, the file or the caller, and only into options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.execution.secrets import resolve_secrets, secrets_of
from sqlrec.plan.plan import TrainStep
from tests.execution.steps import MODEL, steps_of


def step(**options: str) -> TrainStep:
    found = steps_of(f"{MODEL} TRAIN MODEL ctr CHECKPOINT = 'v1' ON t;")["train_ctr"]
    assert isinstance(found, TrainStep)
    return replace(found, checkpoint="secret:token", options=options)


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


def test_only_options_are_resolved(tmp_path: Path) -> None:
    resolved = resolve_secrets(step(api_key="secret:token", note="secret:not one"), lambda name: f"<{name}>")
    assert isinstance(resolved, TrainStep)
    assert resolved.options == {"api_key": "<token>", "note": "secret:not one"}
    assert resolved.checkpoint == "secret:token"


def test_an_unknown_secret_names_the_places_to_put_it() -> None:
    with pytest.raises(NameNotFoundError, match=r"SR320.*SQLREC_SECRET_CONN_DB_PASSWORD"):
        resolve_secrets(step(api_key="secret:conn.db.password"), nothing)
