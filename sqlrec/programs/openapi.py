"""The OpenAPI document of an API: its function's input tables and parameters in, rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlrec.serving.openapi import (
    ASKING,
    HEADERS,
    JSON,
    OBJECT,
    Json,
    document,
    operation,
    row_schema,
    schema_of,
)
from sqlrec.serving.openapi import columns_schema as columns_of
from sqlrec.spec.function import ProgramParam
from sqlrec.spec.schema import Schema


def api_document(
    name: str,
    *,
    path: str,
    short: str,
    inputs: Mapping[str, Schema],
    params: Sequence[ProgramParam],
    returns: Schema | None,
    guarded: bool,
) -> Json:
    """The document of an API, asked at ``path`` or ``short``; ``returns`` is None when it returns nothing."""
    tables = {table: _table(schema) for table, schema in inputs.items()}
    request: Json = {
        "type": "object",
        "properties": {
            "data": row_schema(tables, all_required=True),
            "metricTags": {},
            "params": {
                "type": ["object", "null"],
                "properties": {param.name: {} for param in params},
                "additionalProperties": False,
            },
        },
        **({"required": ["data"]} if inputs else {}),
        "additionalProperties": False,
    }
    rows: Json = {"type": "array", "items": _row(returns)} if returns is not None else {}
    answer: Json = {"type": "object", "properties": {"data": rows}}
    paths: Json = {
        path: {
            "get": operation("Inputs, parameters, columns", answer={JSON: OBJECT}),
            "post": _asking("Request", "Answer"),
        },
        short: {"post": _asking("Request", "Answer")},
    }
    return document(f"API {name}", paths, {"Request": request, "Answer": answer}, guarded=guarded)


def _asking(request: str, answer: str) -> Json:
    return operation(
        "Run the function",
        body={JSON: {"$ref": f"#/components/schemas/{request}"}},
        answer={JSON: {"$ref": f"#/components/schemas/{answer}"}},
        refusals=ASKING,
        parameters=HEADERS,
    )


def _table(schema: Schema) -> Json:
    """A table of a request, as rows or as columns."""
    columns = {field.name: schema_of(field.type) for field in schema}
    rows: Json = {"type": "array", "items": row_schema(columns, all_required=True)}
    return {"oneOf": [rows, columns_of(columns, all_required=True)]}


def _row(schema: Schema) -> Json:
    return row_schema({field.name: schema_of(field.type) for field in schema}, all_required=True)
