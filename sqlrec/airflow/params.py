"""DECLARE becomes a typed parameter with a form field in Airflow's trigger dialog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.sdk import Param

from sqlrec.plan.plan import Param as Declared
from sqlrec.spec.schema import DataType, Kind

SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TIME: {"type": "string", "format": "time"},
    Kind.TIMESTAMP: {"type": "string"},
    Kind.TIMESTAMP_LTZ: {"type": "string"},
}
"""JSON schema by SQL type; the ranges of integers below."""

BITS = {Kind.TINYINT: 8, Kind.SMALLINT: 16, Kind.INT: 32, Kind.BIGINT: 64}


def dag_params(declared: Iterable[Declared]) -> dict[str, Param]:
    """Airflow parameters by name; one without a default must be given at trigger time."""
    return {param.name: _param(param) for param in declared}


def json_schema(kind: Kind) -> dict[str, Any]:
    """The JSON schema of values of a SQL type."""
    if kind in BITS:
        bound = 2 ** (BITS[kind] - 1)
        return {"type": "integer", "minimum": -bound, "maximum": bound - 1}
    if kind in (Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL):
        return {"type": "number"}
    return SCHEMAS.get(kind, {"type": "string"})


def _param(declared: Declared) -> Param:
    schema = json_schema(DataType.parse(declared.type).kind)
    text = {"title": declared.name, "description": declared.type}
    if declared.default is None:
        return Param(**text, **schema)
    return Param(declared.default, **text, **schema)
