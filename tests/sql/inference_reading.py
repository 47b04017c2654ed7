"""How the tests of calls of models read a query: at a place of a script, twice where it is printed."""

from __future__ import annotations

import pytest

from sqlrec.errors import Span
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    InferenceCall,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_config import config_of
from sqlrec.sql.inference_text import canonical
from sqlrec.sql.queries import Lowered, QueryProblem, check, lower
from sqlrec.sql.statements import QueryText

AT = 1000
"""Where the queries of these tests begin in their script."""


def text(sql: str) -> QueryText:
    return QueryText(sql, Span(AT, AT + len(sql)))


def lowered(sql: str) -> Lowered:
    return lower(text(sql))


def calls(sql: str) -> list[InferenceCall]:
    return [call.call for call in lowered(sql).calls]


def printed(sql: str) -> str:
    """The canonical text, which must be stable and mean the same."""
    before = lowered(sql)
    once = canonical(text(sql))
    assert canonical(text(once)) == once
    assert tight(before.query) == tight(lowered(once).query)
    assert [shape(call) for call in calls(sql)] == [shape(call) for call in calls(once)]
    return once


def tight(sql: str) -> str:
    """The text without the blanks that are left where something was taken out."""
    return sql.replace('"', "").replace("( ", "(").replace(" )", ")").replace(" ,", ",").replace(", ", ",")


def shape(call: InferenceCall) -> tuple[object, ...]:
    """What a call says, places and spelling aside."""
    match call:
        case PredictTable():
            columns = tuple(column.text for column in call.columns)
            return (call.model.name.parts, call.model.version, columns, config_of(call))
        case EvaluateTable(label=label, task=task):
            columns = tuple(column.text for column in call.columns)
            return (call.model.name.parts, label and label.text, columns, task and task.value)
        case PredictValues():
            return (call.function, call.model.name.parts, call.model.version, len(call.values))
        case EvaluateRows():
            return (EvaluateRows, call.model.name.parts, len(call.features))
        case VectorSearch():
            return (call.column and call.column.text, call.top_k, config_of(call))


def refuses(sql: str, code: str, message: str, place: str, hint: str) -> None:
    """Expects one problem, told alike by ``lower`` and ``check``, where the text begins with ``place``."""
    with pytest.raises(QueryProblem) as caught:
        lowered(sql)
    found = caught.value.diagnostic
    assert (found.code, sql[found.span.start - AT : found.span.end - AT].startswith(place)) == (code, True)
    assert message in found.message
    assert hint in found.hint
    assert check(text(sql)) == (found,)
