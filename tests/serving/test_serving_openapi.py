"""The OpenAPI document: valid, whole, and true of what the server takes and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrec.artifacts.folder import read_signature
from sqlrec.serving.config import ServeConfig, TokenSource
from sqlrec.serving.openapi_models import models_document
from sqlrec.spec.service import ServiceSpec

ROW = {"city": "Köln", "age": 3, "price": 1.5, "member": True, "tags": [1, 2, 3]}
Document = dict[str, Any]


@pytest.fixture(scope="module")
def server(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(mixed_folder)) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Any) -> Document:
    told: Document = server.call("GET", "/openapi.json").json
    return told


def resolved(document: Document, schema: Document) -> Document:
    """A schema that can stand alone."""
    return {**schema, "components": document["components"]}


def fits(document: Document, name: str, value: object) -> bool:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the document's own schemas")
    schema = resolved(document, {"$ref": f"#/components/schemas/{name}"})
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_the_document_is_valid(document: Document) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="it is in the extra dev")
    validator.validate(document)


@pytest.mark.parametrize(
    "body",
    [
        [ROW],
        [],
        [{**ROW, "city": None, "age": None, "price": None, "member": None, "tags": None}],
        {name: [value] for name, value in ROW.items()},
        [{**ROW, "member": 1, "age": 3.0, "tags": [None], "more": 1}],
        [{**ROW, "age": "x"}],
        [{"age": 1}],
        [{**ROW, "age": 1.5}],
        [{**ROW, "member": 2}],
        [{**ROW, "tags": 5}],
        [{**ROW, "age": 2**63}],
        {**{name: [value] for name, value in ROW.items()}, "age": 5},
        ROW,
        5,
    ],
)
def test_what_the_schema_allows_is_what_the_server_takes(server: Any, document: Document, body: Any) -> None:
    reply = server.predict(body)
    assert reply.status in (200, 400, 422)
    assert fits(document, "Request", body) is (reply.status == 200)
    assert fits(document, "Answer" if reply.status == 200 else "Error", reply.json)


def test_every_path_is_there(server: Any, document: Document) -> None:
    for path, methods in document["paths"].items():
        place = path.replace("{model}", "m").replace("{version}", "3")
        for method in methods.keys() - {"parameters"}:
            reply = server.call(method.upper(), place, "{}" if method == "post" else None)
            assert str(reply.status) in methods[method]["responses"], path
            assert reply.status not in (404, 405, 500), path


def test_a_feature_may_be_left_out_where_that_means_null(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec]
) -> None:
    config = ServeConfig(
        spec=make_spec(mixed_folder, missing_features="null"), token=TokenSource(env="TOKEN")
    )
    told: Document = json.loads(json.dumps(models_document(config, read_signature(mixed_folder))))
    assert fits(told, "Request", [{"age": 1}])
    assert told["security"] == [{"bearer": []}]
    assert "TOKEN" not in json.dumps(told)
