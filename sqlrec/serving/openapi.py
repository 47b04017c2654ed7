"""The OpenAPI document of a server, made from what it serves.

The schemas say what is taken and what is answered; where the server is more lenient than a schema can
say (dates in several ISO forms), the schema is the recommended form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from sqlrec import __version__
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Kind

Json = dict[str, object]
PATH = "/openapi.json"

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read.",
    HTTPStatus.NOT_FOUND: "There is no such path, model or version.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too many bytes or rows.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body's form or encoding is not offered.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The rows do not fit; row and column say where.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too much waits; Retry-After says when to ask again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The server is loading, draining or out of connections.",
    HTTPStatus.GATEWAY_TIMEOUT: "The request's time was over.",
}


def schema_of(kind: DataType, *, length: int = 0) -> Json:
    """JSON Schema of a column's values, null among them. ``length`` is that of an ARRAY, 0 for any."""
    match kind.kind:
        case Kind.BOOLEAN:
            return {"type": ["boolean", "integer", "null"], "minimum": 0, "maximum": 1}
        case Kind.STRING | Kind.BYTES:
            return {"type": ["string", "null"]}
        case Kind.DATE:
            return {"type": ["string", "integer", "null"], "description": "2026-01-31, or days since 1970"}
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            told = "2026-01-31T08:30:00Z, or microseconds since 1970"
            return {"type": ["string", "integer", "null"], "description": told}
        case Kind.ARRAY:
            items = schema_of(kind.element)
            told = f"cut or filled to {length} values" if length else "of any length"
            return {"type": ["array", "null"], "items": items, "description": told}
        case number if number in INTEGERS:
            return {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1}
        case number if number in FLOATS:
            return {"type": ["number", "null"]}
        case _:
            return {}


def row_schema(columns: Mapping[str, Json], *, all_required: bool) -> Json:
    """A row of these columns as an object; others may be there too, and are ignored."""
    required: Json = {"required": list(columns)} if all_required and columns else {}
    return {"type": "object", "properties": dict(columns), **required}


def columns_schema(columns: Mapping[str, Json], *, all_required: bool) -> Json:
    """The same as columns: an object of lists, of one length or of length 1."""
    lists: dict[str, Json] = {name: {"type": "array", "items": column} for name, column in columns.items()}
    return row_schema(lists, all_required=all_required)


def rows_schema(columns: Mapping[str, Json], *, all_required: bool, limit: int) -> Json:
    """Rows or columns."""
    rows = {"type": "array", "maxItems": limit, "items": row_schema(columns, all_required=all_required)}
    return {"oneOf": [rows, columns_schema(columns, all_required=all_required)]}


def operation(
    summary: str,
    *,
    body: Mapping[str, Json] | None = None,
    answer: Mapping[str, Json],
    refusals: Sequence[HTTPStatus] = (),
    error: str = "Error",
    parameters: Sequence[Json] = (),
) -> Json:
    """One method of a path: what it takes and gives by media type, and with which errors it may answer."""
    responses: Json = {"200": {"description": "The answer", "content": _content(answer)}}
    for status in refusals:
        reference = {"schema": {"$ref": f"#/components/schemas/{error}"}}
        told = {"description": _REFUSALS[status], "content": {"application/json": reference}}
        responses[str(status.value)] = told
    found: Json = {"summary": summary, "responses": responses}
    if body is not None:
        found["requestBody"] = {"required": True, "content": _content(body)}
    if parameters:
        found["parameters"] = list(parameters)
    return found


ASKING = tuple(_REFUSALS)
"""Errors of requests that are scored or run."""
LOADED = (HTTPStatus.SERVICE_UNAVAILABLE,)
LARGEST = 999_999_999
"""Of a version or a number of milliseconds: both have nine digits at most."""
OBJECT: Json = {"type": "object"}
JSON = "application/json"


def parameter(name: str, told: str, *, place: str = "path", kind: str = "string") -> Json:
    """A part of the path, or a header."""
    schema: Json = {"type": kind}
    if kind == "integer":
        schema |= {"minimum": 1, "maximum": LARGEST}
    return {"name": name, "in": place, "required": place == "path", "description": told, "schema": schema}


HEADERS = (
    parameter("X-Request-Id", "Given back, and in the log.", place="header"),
    parameter("X-Request-Timeout-Ms", "How long the caller waits.", place="header", kind="integer"),
    parameter("traceparent", "W3C Trace Context.", place="header"),
)


def common_paths() -> Json:
    """What every server of ours answers."""
    text: Mapping[str, Json] = {"text/plain": {"type": "string"}}
    state = {JSON: OBJECT}
    return {
        "/healthz": {"get": operation("The process is alive", answer=state)},
        "/startupz": {"get": operation("Everything is loaded", answer=state, refusals=LOADED)},
        "/readyz": {"get": operation("Requests are welcome", answer=state, refusals=LOADED)},
        "/metrics": {"get": operation("Figures for Prometheus", answer=text)},
        "/": {"get": operation("What is served", answer=state, refusals=LOADED)},
        PATH: {"get": operation("This document", answer=state, refusals=LOADED)},
    }


def document(title: str, paths: Json, schemas: Json, *, guarded: bool) -> Json:
    """The whole document; ``guarded`` services want a bearer token."""
    components: Json = {"schemas": {"Error": _ERROR, **schemas}}
    security: Json = {}
    if guarded:
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        security["security"] = [{"bearer": []}]
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        **security,
        "paths": {**common_paths(), **paths},
        "components": components,
    }


_TEXT: Json = {"type": "string"}
_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "pattern": "^SR[0-9]{3}$"},
                "message": _TEXT,
                "hint": _TEXT,
                "row": {"type": "integer", "minimum": 0},
                "column": _TEXT,
            },
        }
    },
}


def _content(by_media_type: Mapping[str, Json]) -> Json:
    return {media_type: {"schema": schema} for media_type, schema in by_media_type.items()}
