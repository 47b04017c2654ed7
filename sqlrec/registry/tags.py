"""How sqlrec's nouns are written as MLflow tags: one place for the writer and for the light reader.

Nothing here imports MLflow, so ``sqlrec plan`` can read a registry with ``sqlite3`` alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import cast

from sqlrec.errors import DataError
from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.spec import codec
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import MAX_FULL_NAME, ModelName, slug

SPEC = "sqlrec.spec"
NAME = "sqlrec.checkpoint"
NAME_ID = "sqlrec.checkpoint_id"
KEY = "sqlrec.key"
KEY_ID = "sqlrec.key_id"
MODEL_ID = "sqlrec.model_id"
SERVICE_ID = "sqlrec.service_id"
ATTEMPT = "sqlrec.attempt"
SERVICES = "sqlrec/services"
ALIAS_PREFIX = "svc-"
VALUE_LIMIT = 4500
"""Characters of a tag value; the narrowest column (registered models) holds 5000."""


def registry_name(name: ModelName) -> str:
    """Name of the registered model: spellings of one model name share it. Raises ``DataError`` SR212."""
    if len(name.key) > MAX_FULL_NAME:
        raise DataError("SR212", f"model name {name} is longer than {MAX_FULL_NAME} characters")
    return name.key


def experiment_name(name: ModelName) -> str:
    """Name of the experiment that holds a model's runs."""
    return f"sqlrec/{registry_name(name)}"


def alias(service: str) -> str:
    """Alias of a service on the registered model it serves."""
    return ALIAS_PREFIX + slug(service.casefold())


def identity(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text in a search, whatever characters it has."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def metric_name(name: str) -> str:
    """A metric or parameter name that MLflow takes: ``recall@50`` becomes ``recall_at_50``."""
    return re.sub(r"[^\w./: -]", "_", name.replace("@", "_at_"))[:250]


def split(key: str, text: str) -> dict[str, str]:
    """A text of any length as numbered tags, ``key.0`` and on."""
    pieces = [text[start : start + VALUE_LIMIT] for start in range(0, len(text), VALUE_LIMIT)]
    return {f"{key}.{index}": piece for index, piece in enumerate(pieces)}


def join(key: str, tags: Mapping[str, str]) -> str:
    """The text that :func:`split` cut; empty when there is none."""
    pieces: list[str] = []
    while (piece := tags.get(f"{key}.{len(pieces)}")) is not None:
        pieces.append(piece)
    return "".join(pieces)


def spec_tags(model: ModelSpec) -> tuple[str, dict[str, str]]:
    """Identity of a definition, and the tags that hold it.

    The tags are named by the identity: a new definition never overwrites an older one, which checkpoints
    made from it still name, and becomes the current one when the tag ``sqlrec.spec`` is set to it.
    """
    text = codec.dumps(model)
    spec_id = identity(text)
    return spec_id, split(f"{SPEC}.{spec_id}", text)


def spec_of(tags: Mapping[str, str], spec_id: str = "") -> ModelSpec | None:
    """The definition with an identity (default: the current one) from a registered model's tags."""
    text = join(f"{SPEC}.{spec_id or tags.get(SPEC, '')}", tags)
    return cast(ModelSpec, codec.loads(ModelSpec, text)) if text else None


def checkpoint_tags(checkpoint: Checkpoint) -> dict[str, str]:
    """Tags of a model version."""
    tags = {
        NAME: checkpoint.name,
        NAME_ID: checkpoint.name.casefold(),
        KEY: checkpoint.key,
        KEY_ID: identity(checkpoint.key),
        "sqlrec.type": checkpoint.kind.value,
        "sqlrec.uri": checkpoint.uri,
        "sqlrec.digest": checkpoint.digest,
        "sqlrec.metrics": json.dumps(dict(checkpoint.metrics)),
    }
    if checkpoint.parent:
        tags["sqlrec.parent"] = checkpoint.parent
    if checkpoint.parent_version is not None:
        tags["sqlrec.parent_version"] = str(checkpoint.parent_version)
    return tags


def checkpoint_of(model: ModelName, version: int, created_ms: float, tags: Mapping[str, str]) -> Checkpoint:
    """The checkpoint of a model version that sqlrec has made (one with the tag ``sqlrec.key``)."""
    parent_version = tags.get("sqlrec.parent_version")
    return Checkpoint(
        model=model,
        name=tags[NAME],
        kind=CheckpointKind(tags["sqlrec.type"]),
        status=CheckpointStatus.SUCCEEDED,
        version=version,
        uri=tags["sqlrec.uri"],
        digest=tags.get("sqlrec.digest", ""),
        parent=tags.get("sqlrec.parent", ""),
        parent_version=int(parent_version) if parent_version else None,
        key=tags.get(KEY, ""),
        created_at=created_ms / 1000,
        metrics=json.loads(tags.get("sqlrec.metrics", "{}")),
    )


def first_of_each_key(checkpoints: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Checkpoints by version; of several versions of one key only the lowest counts."""
    seen: dict[str, Checkpoint] = {}
    for checkpoint in sorted(checkpoints, key=lambda c: c.version):
        seen.setdefault(checkpoint.key or f"version {checkpoint.version}", checkpoint)
    return tuple(seen.values())


def deployment_tags(deployment: Deployment) -> dict[str, str]:
    """Tags of a run that stands for a deployment."""
    return {
        "sqlrec.service": deployment.service,
        SERVICE_ID: deployment.service.casefold(),
        "sqlrec.revision": str(deployment.revision),
        "sqlrec.action": deployment.action.value,
        "sqlrec.model": deployment.model.full,
        "sqlrec.version": str(deployment.version),
        NAME: deployment.checkpoint,
        "sqlrec.previous": "" if deployment.previous is None else str(deployment.previous),
        KEY: deployment.key,
        **split("sqlrec.options", json.dumps(dict(deployment.options))),
    }


STATES = {"FINISHED": DeployState.FINISHED, "FAILED": DeployState.FAILED, "KILLED": DeployState.FAILED}


def deployment_of(
    run_id: str, status: str, start_ms: float, end_ms: float | None, tags: Mapping[str, str]
) -> Deployment:
    """The deployment that a run stands for."""
    previous = tags.get("sqlrec.previous")
    return Deployment(
        service=tags["sqlrec.service"],
        revision=int(tags["sqlrec.revision"]),
        action=DeployAction(tags["sqlrec.action"]),
        state=STATES.get(status, DeployState.INTENT),
        model=ModelName.parse(tags["sqlrec.model"]),
        version=int(tags["sqlrec.version"]),
        checkpoint=tags[NAME],
        key=tags[KEY],
        options=json.loads(join("sqlrec.options", tags)),
        previous=int(previous) if previous else None,
        url=tags.get("sqlrec.url", ""),
        error=tags.get("sqlrec.error", ""),
        reason=tags.get("sqlrec.reason", ""),
        created_at=start_ms / 1000,
        finished_at=(end_ms or 0.0) / 1000,
        id=run_id,
    )


def latest(deployments: Iterable[Deployment]) -> dict[str, Deployment]:
    """The deployment in force of each service, by folded name: the one that finished last, unless a drop."""
    finished = [d for d in deployments if d.state is DeployState.FINISHED]
    by_service = {d.service.casefold(): d for d in sorted(finished, key=lambda d: d.finished_at)}
    return {name: d for name, d in by_service.items() if d.action is not DeployAction.DROP}
