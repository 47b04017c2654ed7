"""The statements of the texts this dialect joins, and one of every production: read, printed, read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from sqlrec.sql.queries import lower
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CreateModel,
    CreateService,
    Explain,
    Ident,
    If,
    QueryText,
    Statement,
    Text,
)

FOLDER = Path(__file__).parent / "corpus"
COUNTS = {"flink_lesson": 14, "flip_437": 23, "productions": 67, "sqlrec_model_system": 12}

INVALID = [
    # what the texts show, and no parser of theirs takes either
    (
        "CREATE MODEL my_model WITH (..., 'async' = 'true')",
        "expected an option key, found '.'",
        "an option is written 'key' = 'value'",
    ),
    (
        "CREATE TABLE customer_dim (customer_id BIGINT PRIMARY KEY, ...) WITH ('connector' = 'jdbc')",
        "expected a column name, found '.'",
        "a column is written name TYPE",
    ),
    (
        "CREATE MODEL m (a INT) OUTPUT (b FLOAT)",
        "a model has either a plain column list or INPUT/OUTPUT, not both",
        "keep one of the two forms",
    ),
    (
        "TRAIN MODEL m ON t",
        "TRAIN MODEL needs CHECKPOINT = 'name'",
        "add the clause after the model's name",
    ),
    ("SHOW MODELS ILIKE 'a%'", "expected LIKE, found 'ILIKE'", "LIKE does not regard case"),
    (
        "IF (true) THEN (FLUSH)",
        "expected a query, found 'true'",
        "the condition is a query: IF (SELECT …) THEN (…)",
    ),
]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_the_corpus_is_read_and_printed(path: Path, without_places: Callable[[object], object]) -> None:
    parsed = parse(path.read_text(encoding="utf-8"))
    assert parsed.diagnostics == ()
    assert len(parsed.statements) == COUNTS[path.stem]
    printed = ";\n\n".join(map(render, parsed.statements))
    again = parse(printed)
    assert again.diagnostics == ()
    assert ";\n\n".join(map(render, again.statements)) == printed
    if path.stem in ("productions", "sqlrec_model_system"):  # without calls of models, printed anew
        assert without_places(again.statements) == without_places(parsed.statements)


@pytest.mark.parametrize(("text", "message", "hint"), INVALID)
def test_what_is_no_statement_is_told_so(text: str, message: str, hint: str) -> None:
    parsed = parse(text)
    assert parsed.statements == ()
    assert (message, hint) in [(found.message, found.hint) for found in parsed.diagnostics]


def test_every_statement_is_in_the_corpus() -> None:
    found: set[type] = set()
    waiting = list(parse((FOLDER / "productions.sql").read_text(encoding="utf-8")).statements)
    while waiting:
        statement = waiting.pop()
        found.add(type(statement))
        if isinstance(statement, Explain):
            waiting.append(statement.statement)
        elif isinstance(statement, If):
            waiting += [inner for inner in (statement.then, statement.otherwise) if inner is not None]
    assert found == set(get_args(Statement))


def test_the_whole_path_of_a_model() -> None:
    text = (FOLDER / "sqlrec_model_system.sql").read_text(encoding="utf-8")
    model, _, _, service, cached, call = parse(text).statements[3:9]
    assert isinstance(model, CreateModel)
    assert model.columns is not None
    types = [str(column.type) for column in model.columns.items]
    assert types == ["BIGINT", "STRING", "STRING", "INT", "BIGINT", "STRING"]
    options = {option.key.value: option.value for option in model.options}
    assert options == {"model": "tzrec.wide_and_deep", "label_columns": "is_click"}
    assert isinstance(service, CreateService)
    assert service.checkpoint is not None
    assert service.checkpoint.value == "test_export"
    assert isinstance(cached, CacheTable)
    assert isinstance(cached.source, QueryText)
    assert lower(cached.source).tables == ()
    assert isinstance(call, Call)
    name, table = (argument.value for argument in call.body.arguments)
    assert isinstance(name, Text)
    assert isinstance(table, Ident)
    assert (name.value, table.text) == ("test_service", "t1")
