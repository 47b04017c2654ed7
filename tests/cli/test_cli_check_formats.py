"""The forms of findings that programs read, secrets in them, and scripts from the standard input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sqlrec.cli.compiling_formats import Found
from sqlrec.cli.compiling_sarif import log
from sqlrec.codes.index import entries
from sqlrec.errors import EXIT_FINDINGS, EXIT_OK, Diagnostic, Severity, Span
from tests.cli.conftest import Command

SCRIPT = """-- two lines, then the mistakes
CREATE MODEL m (user_id BIGINT, y INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', hiden_units = '8');
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WITH (num_epochs = 0);
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WITH (num_epochs = 0);
"""
SECRET = """CREATE MODEL m INPUT (a STRING) OUTPUT (b STRING)
  WITH (provider = 'openai', 'openai.api_key' = 'abcdefg', model = 'x' 'y');
"""


@pytest.fixture
def script(project: Path) -> Path:
    path = project / "rank.sql"
    path.write_text(SCRIPT)
    return path


def _sarif(told: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(told)
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def test_sarif_has_what_the_standard_requires(sqlrec: Command, script: Path) -> None:
    told = sqlrec("check", script, "--format", "sarif")
    assert told.status == EXIT_FINDINGS
    run = _sarif(told.out)
    driver = run["tool"]["driver"]
    assert driver["name"] == "sqlrec"
    assert run["columnKind"] == "unicodeCodePoints"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        entry = entries()[rule["id"]]
        assert rule["shortDescription"]["text"] == entry.title
        assert rule["fullDescription"]["text"] == entry.meaning
        assert entry.fix in rule["help"]["text"]
        assert rule["helpUri"].partition(":")[0].isalpha()
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note", "none")
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert result["message"]["text"]
        assert len(result["locations"]) == 1


def test_sarif_points_to_the_place(sqlrec: Command, script: Path) -> None:
    run = _sarif(sqlrec("check", script, "--format", "sarif").out)
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == script.as_uri()
    region = place["region"]
    line = SCRIPT.split("\n")[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "hiden_units"
    assert region["startLine"] == region["endLine"] == 3
    assert region["snippet"]["text"] == line


def test_a_relative_path_stays_relative(
    sqlrec: Command, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    script.rename(script.with_name("ä b.sql"))
    run = _sarif(sqlrec("check", "ä b.sql", "--format", "sarif").out)
    (first, *_) = run["results"]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%C3%A4%20b.sql"


def _prints(told: str) -> list[str]:
    return [next(iter(r["partialFingerprints"].values())) for r in _sarif(told)["results"]]


def test_fingerprints_outlive_a_change_of_lines_and_differ_from_each_other(
    sqlrec: Command, script: Path
) -> None:
    before = _prints(sqlrec("check", script, "--format", "sarif").out)
    script.write_text("\n\n-- new lines\n" + SCRIPT)
    assert _prints(sqlrec("check", script, "--format", "sarif").out) == before
    assert len(set(before)) == len(before) == 3


def test_sarif_of_a_clean_script_has_no_result(sqlrec: Command, project: Path) -> None:
    (project / "a.sql").write_text("SELECT 1 AS x;")
    told = sqlrec("check", project / "a.sql", "--format", "sarif")
    assert told.status == EXIT_OK
    assert _sarif(told.out)["results"] == []


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
@pytest.mark.parametrize("text", [SECRET, SECRET.replace(" 'y'", ""), SECRET.replace("= 'abc", "'abc")])
def test_no_form_shows_a_secret(sqlrec: Command, project: Path, form: str, text: str) -> None:
    (project / "a.sql").write_text(text)
    told = sqlrec("check", project / "a.sql", "--format", form)
    assert told.status == EXIT_FINDINGS
    assert "abcdefg" not in told.out + told.err
    assert "provider" in told.out or form in ("json", "github")


def test_annotations_escape_what_github_would_read(sqlrec: Command, project: Path) -> None:
    path = project / "50%, a:b.sql"
    path.write_text("SELEC 1;")
    (line,) = sqlrec("check", path, "--format", "github").out.splitlines()
    assert "50%25%2C a%3Ab.sql,line=1,col=1,endLine=1,endColumn=6,title=SR111::" in line


def test_a_script_from_standard_input(sqlrec: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"SELECT 1 AS x;\nSELEC 2;")))
    told = sqlrec("check", "-")
    assert told.status == EXIT_FINDINGS
    assert " --> <stdin>:2:1\n" in told.out
    assert told.err == "1 script(s), 1 error(s)\n"


def test_warnings_are_counted_and_pass(sqlrec: Command, project: Path) -> None:
    (project / "a.sql").write_text("SET 'dag.retries' = 1; SET 'dag.retries' = 2; SELECT 1 AS x;")
    told = sqlrec("check", project / "a.sql")
    assert told.status == EXIT_OK
    assert told.out.startswith("warning[SR311]: ")
    assert told.err == "1 script(s), 0 error(s), 1 warning(s)\n"


@pytest.mark.parametrize(("mode", "status"), [("flink", EXIT_FINDINGS), ("sqlrec", EXIT_OK)])
def test_strict(sqlrec: Command, project: Path, mode: str, status: int) -> None:
    (project / "a.sql").write_text("CACHE TABLE t AS SELECT 1 AS x;")
    told = sqlrec("check", project / "a.sql", "--strict", mode)
    assert told.status == status
    if status:
        assert told.out.startswith("error[SR150]: CACHE TABLE is SQLRec's; strict = 'flink' refuses it\n")


def test_syntax_only_needs_nothing_of_the_project(sqlrec: Command, project: Path) -> None:
    (project / "sqlrec.toml").write_text("no_such_key = 'x'")
    (project / "a.sql").write_text("TRAIN MODEL elsewhere CHECKPOINT = 'v1' ON t; SELECT 1 AS x;")
    assert sqlrec("check", project / "a.sql", "--syntax-only").status == EXIT_OK
    assert "SR701" in sqlrec("check", project / "a.sql").err


def test_a_terminal_sees_how_far_it_is(
    sqlrec: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.sql", "b.sql"):
        (project / name).write_text("SELECT 1 AS x;")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = sqlrec("check", project)
    assert f"checking 2/2 {project / 'b.sql'}" in told.err
    assert told.err.endswith("\r\033[K2 script(s), 0 error(s)\n")


def test_a_code_of_another_package_is_a_rule_as_well() -> None:
    found = Diagnostic(code="XY001", message="m", span=Span(0, 1), severity=Severity.WARNING)
    (run,) = log([Found("a.sql", found, "SELECT 1")])["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["XY001"]
    assert run["results"][0]["level"] == "warning"
