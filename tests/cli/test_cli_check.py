"""``sqlrec check``: every problem with its place, in three forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_FINDINGS
from tests.cli.conftest import Command

THREE = """CREATE MODEL m (user_id BIGINT, y INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', hiden_units = '8');
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WITH (num_epoch = 3);
EXPORT MODEL nobody CHECKPOINT = 'v1' ON samples;
"""
GOOD = "CACHE TABLE a AS SELECT 1 AS x;\nSELECT x FROM a;\n"


@pytest.fixture
def script(project: Path) -> Path:
    path = project / "three.sql"
    path.write_text(THREE)
    return path


def test_a_good_script(sqlrec: Command, project: Path) -> None:
    (project / "a.sql").write_text(GOOD)
    told = sqlrec("check", project / "a.sql")
    assert (told.status, told.out, told.err) == (0, "", "1 script(s), 0 error(s)\n")
    assert not (project / ".sqlrec").exists()


def test_three_errors_are_three_diagnostics_with_carets(sqlrec: Command, script: Path) -> None:
    told = sqlrec("check", script)
    assert told.status == EXIT_FINDINGS
    assert told.err == "1 script(s), 3 error(s)\n"
    blocks = told.out.strip().split("\n\n")
    assert len(blocks) == 3
    wrong = ["hiden_units", "num_epoch", "nobody"]
    for block, word in zip(blocks, wrong, strict=True):
        head, place, _, source, caret, *_ = block.split("\n")
        assert head.startswith("error[SR")
        start = source.index(word)
        assert place.endswith(f"three.sql:{source.split(' ')[0]}:{start - 3}")
        assert caret[start:] == "^" * len(word)
    assert "Did you mean 'num_epochs'?" in blocks[1]


def test_json(sqlrec: Command, script: Path) -> None:
    told = sqlrec("check", script, "--format", "json")
    assert told.status == EXIT_FINDINGS
    assert told.err == ""
    found = json.loads(told.out)
    assert [(f["line"], f["column"], f["end_column"]) for f in found] == [
        (2, 61, 72),
        (3, 50, 59),
        (4, 14, 20),
    ]
    assert {f["file"] for f in found} == {str(script)}
    assert {f["severity"] for f in found} == {"error"}
    assert all(f["code"].startswith("SR") and f["message"] for f in found)


def test_json_of_no_findings_is_an_empty_list(sqlrec: Command, project: Path) -> None:
    (project / "a.sql").write_text(GOOD)
    assert json.loads(sqlrec("check", project / "a.sql", "--format", "json").out) == []


def test_annotations_for_github(sqlrec: Command, script: Path) -> None:
    told = sqlrec("check", script, "--format", "github")
    assert told.status == EXIT_FINDINGS
    lines = told.out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(f"::error file={script},line=4,col=14,endLine=4,endColumn=20,title=SR")


def test_a_folder_is_searched_and_all_its_scripts_are_told(sqlrec: Command, project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "b.sql").write_text("SELEC 1;")
    (project / "a.sql").write_text(GOOD)
    (project / "c.sql").write_bytes(b"SELECT 1;\n-- caf\xe9\nSELECT 2;")
    (project / "notes.txt").write_text("SELEC 1;")
    told = sqlrec("check", project)
    assert told.status == EXIT_FINDINGS
    assert told.err == "3 script(s), 2 error(s)\n"
    assert f"{project / 'sub' / 'b.sql'}:1:1" in told.out


def test_a_script_that_is_no_text_is_told_at_the_byte(sqlrec: Command, project: Path) -> None:
    path = project / "latin.sql"
    path.write_bytes("SELECT 'ä';\n-- größe: caf".encode() + b"\xe9\n")
    told = sqlrec("check", path)
    assert told.status == EXIT_FINDINGS
    head, place, _, source, caret, *_ = told.out.split("\n")
    assert head == "error[SR705]: this is not UTF-8 text: invalid continuation byte"
    assert place.endswith("latin.sql:2:14")
    assert (source[17], caret[17]) == ("�", "^")


@pytest.mark.parametrize("name", ["nope.sql", "empty"])
def test_where_there_is_no_script(sqlrec: Command, project: Path, name: str) -> None:
    (project / "empty").mkdir()
    told = sqlrec("check", project / name)
    assert told.status == EXIT_FAILED
    assert told.err.startswith("error[SR705]: ")
    assert str(project / name) in told.err


def test_names_are_looked_up_in_the_registry_unless_it_is_left_out(sqlrec: Command, project: Path) -> None:
    path = project / "a.sql"
    path.write_text("TRAIN MODEL nowhere CHECKPOINT = 'v1' ON samples;")
    told = sqlrec("check", path)
    assert told.status == EXIT_FINDINGS
    assert told.out.startswith("error[SR205]: model not exists: nowhere\n")
    assert sqlrec("check", path, "--syntax-only").status == 0


BAD_SCRIPTS = {
    "unknown model type": (
        "CREATE MODEL m (a INT, y INT) WITH (model = 'tzrec.wide_and_dep', label_columns = 'y');",
        "unknown model type",
        "tzrec.wide_and_deep",
    ),
    "misspelt option": (
        "CREATE MODEL m (a INT, y INT)\n"
        "  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', hiden_units = '8');",
        "hiden_units",
        "Did you mean 'hidden_units'?",
    ),
    "option out of range": (
        "CREATE MODEL m (a INT, y INT)\n"
        "  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', embedding_dim = 0);",
        "embedding_dim",
        "1",
    ),
    "label the table lacks": (
        "CREATE TABLE t (a INT) WITH (connector = 'csv', path = 't.csv');\n"
        "CREATE MODEL m (a INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');\n"
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t;",
        "'y'",
        "",
    ),
    "column the table lacks": (
        "CREATE TABLE t (a INT, y INT) WITH (connector = 'csv', path = 't.csv');\n"
        "CREATE MODEL m (a INT, b INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');\n"
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t;",
        "'b'",
        "",
    ),
    "service of a training checkpoint": (
        "CREATE MODEL m (a INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');\n"
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t;\n"
        "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1';",
        "v1",
        "export",
    ),
}


@pytest.mark.parametrize("case", BAD_SCRIPTS)
def test_bad_scripts_are_refused_before_anything_is_done(sqlrec: Command, project: Path, case: str) -> None:
    text, says, hint = BAD_SCRIPTS[case]
    path = project / "bad.sql"
    path.write_text(text)
    checked = sqlrec("check", path)
    assert checked.status == EXIT_FINDINGS
    (block,) = checked.out.strip().split("\n\n")
    head, rest = block.split("\n", 1)
    assert says in head
    assert hint in rest
    assert "^" in rest
    run = sqlrec("run", path)
    assert run.status == EXIT_FINDINGS
    assert run.err.split("\n")[0] == head
    assert not (project / ".sqlrec").exists()
