"""The OpenAPI document of a predict server: ``/predict`` of its models and the Open Inference Protocol."""

from __future__ import annotations

from sqlrec.serving.arrow_wire import ARROW
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.oip_wire import DTYPES, datatype
from sqlrec.serving.openapi import (
    ASKING,
    HEADERS,
    JSON,
    LOADED,
    OBJECT,
    Json,
    document,
    operation,
    parameter,
    rows_schema,
    schema_of,
)
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import Signature

_MODEL = parameter("model", "Name of a model of the service")
_VERSION = parameter("version", "A version that is loaded", kind="integer")
_BINARY: Json = {"type": "string", "contentEncoding": "binary"}


def models_document(config: ServeConfig[ServiceSpec], signature: Signature) -> Json:
    """The document; ``signature`` is that of the service's own model."""
    spec = config.spec
    columns = {column.name: schema_of(column.type, length=column.length) for column in signature.inputs}
    required = spec.options.get("missing_features") != "null"
    outputs = {
        output.name: {"type": "array", "items": schema_of(output.type)} for output in signature.outputs
    }
    schemas: Json = {
        "Request": rows_schema(columns, all_required=required, limit=config.limits.rows),
        "Answer": {"type": "object", "properties": outputs, "required": list(outputs)},
        "InferError": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
        "InferRequest": _infer_request([datatype(column) for column in signature.inputs]),
    }
    paths: Json = {
        "/predict": {"post": _predict("Score rows with the service")},
        "/models/{model}/predict": {"parameters": [_MODEL], "post": _predict("Score rows with one model")},
        "/models/{model}/versions/{version}/predict": {
            "parameters": [_MODEL, _VERSION],
            "post": _predict("Score rows with one loaded version"),
        },
        "/v1/signature": {
            "get": operation("Inputs, outputs, limits", answer={JSON: OBJECT}, refusals=LOADED)
        },
        **_inference_paths(),
    }
    return document(f"Service {spec.name}", paths, schemas, guarded=config.token is not None)


def _predict(summary: str) -> Json:
    arrow = ARROW.decode()
    return operation(
        summary,
        body={JSON: _reference("Request"), arrow: _BINARY},
        answer={JSON: _reference("Answer"), arrow: _BINARY},
        refusals=ASKING,
        parameters=HEADERS,
    )


def _inference_paths() -> Json:
    state = {JSON: OBJECT}
    paths: Json = {
        "/v2": {"get": operation("Server and extensions", answer=state)},
        "/v2/health/live": {"get": operation("The process is alive", answer=state)},
        "/v2/health/ready": {"get": _inference("Requests are welcome")},
    }
    for of, parameters in (("", [_MODEL]), ("/versions/{version}", [_MODEL, _VERSION])):
        place = f"/v2/models/{{model}}{of}"
        infer = operation(
            "Score tensors",
            body={JSON: _reference("InferRequest")},
            answer={JSON: OBJECT, "application/octet-stream": _BINARY},
            refusals=ASKING,
            error="InferError",
            parameters=HEADERS,
        )
        paths[place] = {"parameters": parameters, "get": _inference("Versions, inputs, outputs")}
        paths[f"{place}/ready"] = {"parameters": parameters, "get": _inference("The model is loaded")}
        paths[f"{place}/infer"] = {"parameters": parameters, "post": infer}
    return paths


def _inference(summary: str) -> Json:
    refusals = [status for status in ASKING if status in (404, 503)]
    return operation(summary, answer={JSON: OBJECT}, refusals=refusals, error="InferError")


def _infer_request(used: list[str]) -> Json:
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
            "datatype": {"enum": list(DTYPES), "examples": sorted(set(used))},
            "data": {"type": "array"},
            "parameters": OBJECT,
        },
    }
    named = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "minItems": 1, "items": tensor},
            "outputs": {"type": "array", "items": named},
            "parameters": OBJECT,
        },
    }


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
