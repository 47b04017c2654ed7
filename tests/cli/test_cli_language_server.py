"""``sqlrec lsp``: a real server process, spoken to as an editor does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.language_client import LanguageClient

MODEL = "CREATE MODEL m (u INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');\n"
TRAIN = "TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (num_epoch = 3);\n"


@pytest.fixture
def editor(project: Path) -> Iterator[LanguageClient]:
    with LanguageClient(project) as client:
        client.initialize()
        yield client


@pytest.fixture
def uri(project: Path) -> str:
    return (project / "s.sql").as_uri()


def test_what_the_server_can_do(project: Path) -> None:
    with LanguageClient(project) as client:
        told = client.initialize()["capabilities"]
        assert told["positionEncoding"] == "utf-16"
        assert told["textDocumentSync"]["change"] == 1
        assert told["completionProvider"]["triggerCharacters"] == ["'", ".", "(", "=", "{"]
        for name in ("hover", "documentFormatting", "documentSymbol", "definition"):
            assert told[f"{name}Provider"]
        assert client.leave() == 0


def test_findings_come_when_a_script_is_opened_and_when_it_changes(editor: LanguageClient, uri: str) -> None:
    editor.open(uri, MODEL + "-- 🙂 é\n/* 🙂 */ " + TRAIN)
    told = editor.told("textDocument/publishDiagnostics")
    (found,) = told["diagnostics"]
    assert told["uri"] == uri
    assert (found["code"], found["source"], found["severity"]) == ("SR301", "sqlrec", 1)
    assert found["message"] == "unknown option 'num_epoch'\nDid you mean 'num_epochs'?"
    start = len("/* xx */ TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (")
    assert found["range"] == {
        "start": {"line": 2, "character": start},
        "end": {"line": 2, "character": start + len("num_epoch")},
    }
    for version in range(2, 6):
        editor.change(uri, MODEL + "selec" + " " * version, version)
    editor.change(uri, MODEL + TRAIN.replace("num_epoch", "num_epochs"), 6)
    told = editor.told("textDocument/publishDiagnostics")
    assert (told["version"], told["diagnostics"]) == (6, [])
    editor.tell("textDocument/didClose", textDocument={"uri": uri})
    assert editor.told("textDocument/publishDiagnostics")["diagnostics"] == []
    assert not [note for note in editor.notes if note.get("method") == "textDocument/publishDiagnostics"]


def test_completion_knows_the_script_and_the_options(editor: LanguageClient, uri: str) -> None:
    editor.open(uri, MODEL + "/* 🙂 */ TRAIN MODEL  CHECKPOINT = 'v1' ON t WITH (num")
    named = editor.at("completion", uri, 1, len("/* xx */ TRAIN MODEL "))["items"]
    assert [item["label"] for item in named] == ["m"]
    items = editor.at("completion", uri, 1, len("/* xx */ TRAIN MODEL  CHECKPOINT = 'v1' ON t WITH (num"))[
        "items"
    ]
    assert [item["label"] for item in items] == []
    editor.change(uri, MODEL + "/* 🙂 */ TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (num", 2)
    end = len("/* xx */ TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (num")
    items = editor.at("completion", uri, 1, end)["items"]
    first = items[0]
    assert first["label"] == "num_epochs"
    assert first["detail"] == "int, at least 1, default 1"
    assert first["documentation"]["kind"] == "markdown"
    assert first["textEdit"] == {
        "newText": "num_epochs",
        "range": {"start": {"line": 1, "character": end - 3}, "end": {"line": 1, "character": end}},
    }
    assert [item["sortText"] for item in items] == sorted(item["sortText"] for item in items)


def test_hover_tells_about_options_types_statements_and_codes(editor: LanguageClient, uri: str) -> None:
    editor.open(uri, MODEL + TRAIN)
    editor.told("textDocument/publishDiagnostics")

    def said(line: int, character: int) -> str:
        answer = editor.at("hover", uri, line, character)
        return str(answer["contents"]["value"]) if answer else ""

    assert "**label_columns** (string list, required)" in said(0, MODEL.index("label_"))
    assert "**tzrec.wide_and_deep**" in said(0, MODEL.index("tzrec"))
    assert "**TRAIN MODEL**" in said(1, 2)
    assert "`u` INT, `y` INT" in said(1, TRAIN.index(" m ") + 1)
    assert "**SR301: " in said(1, TRAIN.index("num_epoch") + 2)
    assert said(1, TRAIN.index("3)") + 1) == ""
    assert said(7, 0) == ""


def test_formatting(editor: LanguageClient, uri: str) -> None:
    options = {"tabSize": 2, "insertSpaces": True}
    editor.open(uri, "-- 🙂\ndrop   model m")
    (edit,) = editor.ask("textDocument/formatting", textDocument={"uri": uri}, options=options)
    assert edit["newText"] == "-- 🙂\nDROP MODEL m;\n"
    assert edit["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 14}}
    editor.change(uri, edit["newText"], 2)
    assert editor.ask("textDocument/formatting", textDocument={"uri": uri}, options=options) == []
    editor.change(uri, "dorp model m", 3)
    assert editor.ask("textDocument/formatting", textDocument={"uri": uri}, options=options) == []


def test_outline_and_definitions(editor: LanguageClient, uri: str) -> None:
    editor.open(uri, MODEL + TRAIN + "SELECT 1")
    found = editor.ask("textDocument/documentSymbol", textDocument={"uri": uri})
    assert [symbol["name"] for symbol in found] == ["CREATE MODEL m", "TRAIN MODEL m", "SELECT 1"]
    place = editor.at("definition", uri, 1, TRAIN.index(" m ") + 1)
    assert place["uri"] == uri
    assert place["range"] == {"start": {"line": 0, "character": 13}, "end": {"line": 0, "character": 14}}
    assert editor.at("definition", uri, 1, TRAIN.index(" t ") + 1) is None


def test_positions_in_the_units_the_editor_asks_for(project: Path, uri: str) -> None:
    with LanguageClient(project) as client:
        assert client.initialize("utf-32")["capabilities"]["positionEncoding"] == "utf-32"
        client.open(uri, "/* 🙂 */ selec 1")
        (found,) = client.told("textDocument/publishDiagnostics")["diagnostics"]
        assert found["range"]["start"]["character"] == len("/* x */ ")


def test_a_broken_registry_is_told_and_does_not_end_the_server(project: Path, uri: str) -> None:
    (project / ".sqlrec").mkdir()
    (project / ".sqlrec" / "mlflow.db").write_text("no database at all, but long enough to be looked at" * 40)
    with LanguageClient(project) as client:
        client.initialize()
        client.open(uri, MODEL)
        assert "SR711" in client.told("window/showMessage")["message"]
        assert client.ask("textDocument/documentSymbol", textDocument={"uri": uri})
        client.change(uri, "DROP MODEL x", 2)
        assert client.at("completion", uri, 0, 11)["items"] == []
        assert client.at("hover", uri, 0, 11) is None
        assert client.at("definition", uri, 0, 11) is None
        assert client.leave() == 0
