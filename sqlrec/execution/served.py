"""What a served checkpoint takes and gives, which may be less than its model does: one tower of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import StateError
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.options import Parsed, canonical_key
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.signature import Signature


def outputs_of(signature: Signature) -> Schema:
    """The columns that an export answers."""
    return Schema(tuple(Field(name=column.name, type=column.type) for column in signature.outputs))


def as_served(model: ModelSpec, checkpoint: Checkpoint) -> ModelSpec:
    """The definition with the columns of this export alone, labels and their order kept."""
    try:
        signature = read_signature(checkpoint.uri)
    except StateError:
        return model
    taken = {column.name.casefold() for column in signature.inputs}
    kept = taken | {label.casefold() for label in model.labels}
    columns = Schema(tuple(field for field in model.columns if field.name.casefold() in kept))
    return replace(model, columns=columns, outputs=outputs_of(signature))


def request_options(model: ModelSpec) -> Mapping[str, Parsed]:
    """What a model that was made elsewhere says of requests to it."""
    controller = get_controller(model.type)
    size = {canonical_key(key): value for key, value in model.options.items()}.get("batch_size")
    elsewhere = bool(controller.programs.bring) or runs_elsewhere(controller)
    return {"batch_size": int(str(size))} if elsewhere and size is not None else {}
