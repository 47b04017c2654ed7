"""How sqlrec's nouns are written as MLflow tags: one place for the writer and for the light reader.

Nothing here imports MLflow, so ``sqlrec plan`` can read a registry with ``sqlite3`` alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from sqlrec.errors import DataError
from sqlrec.registry.registry import DeployAction, Deployment, DeployState, Pinned
from sqlrec.spec import codec
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import MAX_FULL_NAME, ModelName, slug

UID = "sqlrec.uid"
"""What a model keeps when it is renamed; on the registered model, its experiment and its deployments."""
FORMER = "sqlrec.former"
"""Key of the name that a model had before it was renamed last."""
SPEC = "sqlrec.spec"
NAME = "sqlrec.checkpoint"
NAME_ID = "sqlrec.checkpoint_id"
KEY = "sqlrec.key"
KEY_ID = "sqlrec.key_id"
MODEL_ID = "sqlrec.model_id"
SERVICE_ID = "sqlrec.service_id"
OTHERS = "sqlrec.others"
ATTEMPT = "sqlrec.attempt"
DISCARDED = "discarded"
"""The ``ATTEMPT`` of a logged model that is being removed."""
EVALUATION = "sqlrec.evaluation"
SERVICES = "sqlrec/services"
DEFINITIONS = "sqlrec/functions"
WORD = "sqlrec.defines"
SPECS: dict[str, type] = {"function": FunctionSpec, "api": ApiSpec}
ALIAS_PREFIX = "svc-"
STATEMENT_LIMIT = 90_000
"""Characters of a statement in a model version's tag, which holds 100,000; the run has it whole."""
VALUE_LIMIT = 4500
"""Characters of a tag value; the narrowest column (registered models) holds 5000."""


def registry_name(name: ModelName) -> str:
    """Name of the registered model: spellings of one model name share it. Raises ``DataError`` SR212."""
    if len(name.key) > MAX_FULL_NAME:
        raise DataError("SR211", f"model name {name} is longer than {MAX_FULL_NAME} characters")
    return name.key


def uid_of(tags: Mapping[str, str], key: str) -> str:
    """Identity of the model that the tags are about; one that has none written is known by its name."""
    return tags.get(UID) or identity(key)


def alias(service: str) -> str:
    """Alias of a service on the registered model it serves."""
    return ALIAS_PREFIX + slug(service.casefold())


def member_alias(service: str, place: int) -> str:
    """Alias of a further model of a service, by its place from 1. No service's own alias has the dashes."""
    return f"{alias(service)}--{place}"


def canary_alias(service: str, place: int) -> str:
    """Alias of a model of a service's canary, by its place from 0."""
    return f"{alias(service)}--canary-{place}"


def users_of(aliases: Collection[str], services: Collection[str]) -> list[str]:
    """Names of the services whose alias is among ``aliases``; of an unknown one the alias itself."""
    names = {alias(service): service for service in services}
    found = (a for a in aliases if a.startswith(ALIAS_PREFIX))
    return sorted({names.get(a.partition("--")[0], a) for a in found})


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


def model_of(registered: str, tags: Mapping[str, str], spec_id: str = "") -> ModelSpec | None:
    """A definition from a registered model's tags, as :func:`spec_of`, under the name it has now."""
    found = spec_of(tags, spec_id)
    if found is None or found.name.key == registered:
        return found
    names = [spec.name for spec in (spec_of(tags),) if spec and spec.name.key == registered]
    return replace(found, name=names[0] if names else ModelName.parse(registered))


def evaluation_tag(key: str, metrics: Mapping[str, float], at: float) -> tuple[str, str]:
    """Tag of a model version for the metrics of one evaluation, made ``at`` seconds since the epoch."""
    return f"{EVALUATION}.{identity(key)}", json.dumps({"at": at, "metrics": dict(metrics)})


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Metrics of the job, and over them those of evaluations, the latest last."""
    found = [json.loads(value) for key, value in sorted(tags.items()) if key.startswith(f"{EVALUATION}.")]
    metrics: dict[str, float] = json.loads(tags.get("sqlrec.metrics", "{}"))
    for evaluation in sorted(found, key=lambda e: float(e["at"])):
        metrics |= evaluation["metrics"]
    return metrics


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
        "sqlrec.rows": str(checkpoint.rows),
        "sqlrec.seconds": str(checkpoint.seconds),
        "sqlrec.statement": checkpoint.statement[:STATEMENT_LIMIT],
        "sqlrec.facts": json.dumps(dict(checkpoint.facts)),
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
        metrics=_metrics(tags),
        rows=int(tags.get("sqlrec.rows", "0")),
        seconds=float(tags.get("sqlrec.seconds", "0")),
        statement=tags.get("sqlrec.statement", ""),
        facts=json.loads(tags.get("sqlrec.facts", "{}")),
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


def others_tags(others: Iterable[tuple[Pinned, str]]) -> dict[str, str]:
    """Tags for the further models of a deployment, each with the identity of its model."""
    entries = [
        {"uid": uid, "model": pin.model.full, "version": pin.version, "checkpoint": pin.checkpoint}
        for pin, uid in others
    ]
    return split(OTHERS, json.dumps(entries)) if entries else {}


def _others(tags: Mapping[str, str], names: Mapping[str, ModelName]) -> tuple[Pinned, ...]:
    return tuple(
        Pinned(
            model=names.get(entry["uid"]) or ModelName.parse(entry["model"]),
            version=entry["version"],
            checkpoint=entry["checkpoint"],
        )
        for entry in json.loads(join(OTHERS, tags) or "[]")
    )


STATES = {"FINISHED": DeployState.FINISHED, "FAILED": DeployState.FAILED, "KILLED": DeployState.FAILED}


def deployed_names(tags: Mapping[str, str]) -> dict[str, str]:
    """The folded names that the models of a deployment had then, by identity."""
    others = {entry["uid"]: entry["model"].casefold() for entry in json.loads(join(OTHERS, tags) or "[]")}
    return {**others, _deployed_uid(tags): tags["sqlrec.model"].casefold()}


def _deployed_uid(tags: Mapping[str, str]) -> str:
    return uid_of(tags, tags["sqlrec.model"].casefold())


def deployment_of(
    run_id: str,
    status: str,
    start_ms: float,
    end_ms: float | None,
    tags: Mapping[str, str],
    names: Mapping[str, ModelName],
) -> Deployment:
    """The deployment that a run stands for; ``names`` are those that models have now, by identity."""
    previous = tags.get("sqlrec.previous")
    return Deployment(
        service=tags["sqlrec.service"],
        revision=int(tags["sqlrec.revision"]),
        action=DeployAction(tags["sqlrec.action"]),
        state=STATES.get(status, DeployState.INTENT),
        model=names.get(_deployed_uid(tags)) or ModelName.parse(tags["sqlrec.model"]),
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
        others=_others(tags, names),
        id=run_id,
    )


def latest(deployments: Iterable[Deployment]) -> dict[str, Deployment]:
    """The deployment in force of each service, by folded name: the one that finished last, unless a drop."""
    finished = [d for d in deployments if d.state is DeployState.FINISHED and not d.action.is_beside]
    by_service = {d.service.casefold(): d for d in sorted(finished, key=lambda d: d.finished_at)}
    return {name: d for name, d in by_service.items() if d.action is not DeployAction.DROP}


def running_canary(history: Iterable[Deployment]) -> Deployment | None:
    """The canary of a service that was begun and neither promoted nor aborted since."""
    found: Deployment | None = None
    finished = [d for d in history if d.state is DeployState.FINISHED]
    for entry in sorted(finished, key=lambda d: (d.finished_at, d.revision)):
        if entry.action is DeployAction.CANARY:
            found = entry
        elif entry.action in (DeployAction.PROMOTE, DeployAction.ABORT, DeployAction.DROP):
            found = None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function or an API as a run holds it. ``created_at`` is in milliseconds."""

    spec: FunctionSpec | ApiSpec
    revision: int
    created_at: float
    id: str


def definition_tags(spec: FunctionSpec | ApiSpec, revision: int) -> dict[str, str]:
    """Tags of a run that stands for a function or an API."""
    words = {of: word for word, of in SPECS.items()}
    return {
        WORD: words[type(spec)],
        "sqlrec.name": spec.name,
        "sqlrec.revision": str(revision),
        **split(SPEC, codec.dumps(spec)),
    }


def is_definition(tags: Mapping[str, str]) -> bool:
    """Whether a run stands for a function or an API."""
    return tags.get(WORD) in SPECS


def definition_of(run_id: str, created_ms: float, tags: Mapping[str, str]) -> Definition:
    """The function or API that a run stands for."""
    spec = codec.loads(SPECS[tags[WORD]], join(SPEC, tags))
    return Definition(spec=spec, revision=int(tags["sqlrec.revision"]), created_at=created_ms, id=run_id)


def in_force(definitions: Iterable[Definition]) -> list[Definition]:
    """Of each function and API the definition of the highest revision, the first of several; by name."""
    found: dict[tuple[type, str], Definition] = {}
    for d in sorted(definitions, key=lambda d: (d.revision, -d.created_at, d.id)):
        found[type(d.spec), d.spec.name.casefold()] = d
    return sorted(found.values(), key=lambda d: d.spec.name.casefold())
