"""Canonical text: its layout and its quoting."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from sqlrec.sql.render import render
from sqlrec.sql.statements import DefineInput, Statement


def test_layout_of_a_model(read_one: Callable[[str], Statement]) -> None:
    text = (
        "create model m(user_id bigint not null,value float comment 'it''s')comment 'x'with(model='a',b=1,)"
    )
    assert render(read_one(text)) == (
        "CREATE MODEL m (\n"
        "  user_id BIGINT NOT NULL,\n"
        "  `value` FLOAT COMMENT 'it''s'\n"
        ")\n"
        "COMMENT 'x'\n"
        "WITH (\n"
        "  'model' = 'a',\n"
        "  'b' = '1'\n"
        ")"
    )


def test_layout_of_a_training(read_one: Callable[[str], Statement]) -> None:
    text = (
        "train model m checkpoint='v' on(select * from t)where a>1 validate on u where b from 'w' with(n=2)"
    )
    assert render(read_one(text)) == (
        "TRAIN MODEL m\n"
        "CHECKPOINT = 'v'\n"
        "ON (select * from t)\n"
        "WHERE a>1\n"
        "VALIDATE ON u\n"
        "WHERE b\n"
        "FROM 'w'\n"
        "WITH (\n"
        "  'n' = '2'\n"
        ")"
    )


@pytest.mark.parametrize(
    "word", ["model", "Train", "SELECT", "value", "timestamp", "a b", "2x", "größe", "a`b"]
)
def test_names_are_quoted_where_another_parser_needs_it(
    word: str, read_one: Callable[[str], Statement]
) -> None:
    quoted = "`" + word.replace("`", "``") + "`"
    assert render(read_one(f"DROP MODEL {quoted}")) == f"DROP MODEL {quoted}"


@pytest.mark.parametrize("word", ["user_id", "label", "_x", "Ranker2"])
def test_plain_names_are_not(word: str, read_one: Callable[[str], Statement]) -> None:
    assert render(read_one(f"DROP MODEL `{word}`")) == f"DROP MODEL {word}"


def test_lengths_of_types_are_kept_though_they_make_no_difference(
    read_one: Callable[[str], Statement],
) -> None:
    written = "a VARCHAR(20), b ARRAY<TIMESTAMP(3)>, c BINARY(4), d TIME(0), e DECIMAL(5, 2), f CHAR"
    plain = "a STRING, b ARRAY<TIMESTAMP>, c BYTES, d TIME, e DECIMAL(5, 2), f STRING"
    first, second = (read_one(f"DEFINE INPUT TABLE t ({listed})") for listed in (written, plain))
    assert isinstance(first, DefineInput)
    assert isinstance(second, DefineInput)
    assert first.columns is not None
    assert second.columns is not None
    assert [c.type for c in first.columns.items] == [c.type for c in second.columns.items]
    for statement, listed in ((first, written), (second, plain)):
        assert " ".join(render(statement).split()) == f"DEFINE INPUT TABLE t ( {listed} )"


def test_something_else_is_refused() -> None:
    with pytest.raises(AssertionError):
        render(cast(Statement, "TRAIN MODEL m"))
