from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.errors import SetupError
from sqlrec.settings import load


def test_defaults_lie_below_the_project(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    assert settings.project == tmp_path
    assert settings.work_dir == tmp_path / ".sqlrec"
    assert settings.warehouse == tmp_path / "data"
    assert settings.model_base_path == str(tmp_path / ".sqlrec" / "models")
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/.sqlrec/mlflow.db"
    assert settings.runtime == "local"
    assert settings.embedded


def test_environment_wins_over_file_over_default(tmp_path: Path) -> None:
    (tmp_path / "sqlrec.toml").write_text('work_dir = "state"\nwarehouse = "lake"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = load(inner, {"SQLREC_WAREHOUSE": "/lake", "SQLREC_TRACKING_URI": "http://mlflow:5000"})
    assert settings.project == tmp_path
    assert settings.work_dir == tmp_path / "state"
    assert settings.warehouse == Path("/lake")
    assert not settings.embedded


def test_model_base_path_may_be_a_uri_or_a_home_folder(tmp_path: Path) -> None:
    assert load(tmp_path, {"SQLREC_MODEL_BASE_PATH": "s3://b/m"}).model_base_path == "s3://b/m"
    assert load(tmp_path, {"SQLREC_MODEL_BASE_PATH": "~/m"}).model_base_path == str(Path.home() / "m")


def test_the_project_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(None, {"SQLREC_PROJECT": str(tmp_path)}).project == tmp_path
    monkeypatch.chdir(tmp_path)
    assert load().project == tmp_path


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b'work_dri = "x"', "unknown key 'work_dri'", "Did you mean 'work_dir'?"),
        (b'zzz = "x"', "unknown key 'zzz'", "known keys: model_base_path, "),
        (b"work_dir = 5", "work_dir must be a string", ""),
        (b"work_dir = ", "cannot read", ""),
        (b"\xff", "cannot read", ""),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: bytes, message: str, hint: str) -> None:
    (tmp_path / "sqlrec.toml").write_bytes(content)
    with pytest.raises(SetupError, match=message) as caught:
        load(tmp_path, {})
    assert caught.value.code == "SR701"
    assert hint in caught.value.hint
