"""The Wide & Deep controller: what it answers, what it refuses, and that it is light."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from sqlrec.models.controller import ModelController, Problem
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.lookup import get_controller
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.schema import Schema

Make: TypeAlias = Callable[..., ModelSpec]


def _problems(model: ModelSpec) -> list[Problem]:
    return list(WIDE_AND_DEEP.check(model))


def test_is_found_by_its_name_and_fits_the_protocol() -> None:
    controller: ModelController = WIDE_AND_DEEP
    assert get_controller("TZREC.Wide_and_Deep") is controller


def test_answers_one_probability() -> None:
    (output,) = WIDE_AND_DEEP.outputs(Schema(), {})
    assert (output.name, str(output.type)) == ("probs", "FLOAT")
    assert WIDE_AND_DEEP.exports("v1.0") == ("v1.0_export",)


def test_a_good_model_has_no_problems(make_model: Make) -> None:
    columns = {
        "a": "TINYINT",
        "b": "DECIMAL(10,2)",
        "c": "TIMESTAMP",
        "d": "ARRAY<INT>",
        "e": "ARRAY<FLOAT>",
        "f": "DATE",
        "label": "BOOLEAN",
    }
    assert _problems(make_model(columns)) == []


def test_the_label_need_not_be_among_the_columns(make_model: Make) -> None:
    assert _problems(make_model({"a": "INT"})) == []


@pytest.mark.parametrize(
    ("columns", "options", "code", "words"),
    [
        ({"a": "INT", "b": "INT", "c": "INT"}, {"label_columns": "a, b"}, "SR420", "names 2"),
        ({"a": "INT", "label": "STRING"}, {}, "SR421", "'label' is STRING"),
        ({"label": "INT"}, {}, "SR422", "no feature columns"),
        ({"a": "MAP<STRING, INT>", "label": "INT"}, {}, "SR423", "'a' is MAP<STRING, INT>"),
        ({"a": "ARRAY<DATE>", "label": "INT"}, {}, "SR423", "'a' is ARRAY<DATE>"),
        ({"age": "INT"}, {"column.agee.bucket_size": 5}, "SR418", "'agee'"),
        ({"age": "INT", "label": "INT"}, {"column.label.embedding_dim": 5}, "SR418", "'label'"),
        ({"a": "INT", "e": "ARRAY<FLOAT>"}, {"column.e.embedding_dim": 5}, "SR419", "no effect"),
    ],
)
def test_problems(
    make_model: Make, columns: dict[str, str], options: dict[str, str | int], code: str, words: str
) -> None:
    (problem,) = _problems(make_model(columns, **options))
    assert problem.code == code
    assert words in problem.message
    assert problem.warning == (code == "SR419")


def test_a_misspelt_column_option_names_the_column_meant(make_model: Make) -> None:
    (problem,) = _problems(make_model({"age": "INT", "label": "INT"}, **{"column.agee.bucket_size": 5}))
    assert problem.hint == "Did you mean 'age'?"
    assert problem.option == "column.agee.bucket_size"


def test_all_problems_are_told_at_once(make_model: Make) -> None:
    model = make_model({"a": "BYTES", "b": "MAP<INT, INT>", "label": "STRING"})
    assert [p.code for p in _problems(model)] == ["SR421", "SR423", "SR423"]


def test_importing_the_controller_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "pyarrow", "duckdb", "matplotlib", "onnx", "sklearn"}
    code = f"import sys, sqlrec.models.deep.controllers; print(sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
