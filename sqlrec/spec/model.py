"""Models and checkpoints: what the registry holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, canonical_key
from sqlrec.spec.schema import Schema

NO_FEATURES = ("sample_weight_column", "group_column")
"""Options that name columns of training rows which are no features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model as declared.

    ``columns`` are the columns of the plain list, or of INPUT; labels may be among them. ``outputs``
    are what a service of the model answers. ``options`` are as written (keys canonical), so that a
    later default may change without touching stored models. ``query`` is that of CREATE MODEL … AS: its
    columns are those of the model, and unknown (none) until the definition is registered.
    """

    name: ModelName
    type: str
    columns: Schema
    outputs: Schema
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    comment: str = ""
    ddl: str = ""
    query: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Label columns named by ``label_columns``, in order."""
        text = str(self.options.get(canonical_key("label_columns"), ""))
        return tuple(part.strip() for part in text.split(",") if part.strip())

    @property
    def features(self) -> Schema:
        """The columns a prediction needs: all but labels, and the weights and groups of training rows."""
        return self.columns.without((*self.labels, *filter(None, map(self._named, NO_FEATURES))))

    def _named(self, key: str) -> str:
        return str(self.options.get(canonical_key(key), "")).strip()

    @property
    def awaits_query(self) -> bool:
        """Whether its columns are those of a query that has not been looked at yet."""
        return bool(self.query) and not len(self.columns)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides what the model is; not name, comment or DDL text.

        Columns that follow from a query count by the query.
        """
        facts: dict[str, object] = {
            "type": self.type,
            "columns": [(f.name.casefold(), str(f.type), f.nullable) for f in self.columns],
            "outputs": [(f.name.casefold(), str(f.type)) for f in self.outputs],
            "options": sorted((k, str(v)) for k, v in self.options.items()),
        }
        if self.query:
            facts |= {"query": self.query, "columns": [], "outputs": []}
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def with_members(model: ModelSpec, others: Sequence[ModelSpec]) -> ModelSpec:
    """The first model with the features of all, which a request to the service brings."""
    columns = {column.name.casefold(): column for column in model.columns}
    for other in others:
        for column in other.features:
            columns.setdefault(column.name.casefold(), column)
    return replace(model, columns=Schema(tuple(columns.values())))


class CheckpointKind(StrEnum):
    """``origin`` comes from TRAIN, ``export`` from EXPORT; only an export can be served."""

    ORIGIN = "origin"
    EXPORT = "export"


class CheckpointStatus(StrEnum):
    """State of a checkpoint's making."""

    CREATED = "created"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One immutable version of a model. A checkpoint *name* moves to the newest version that bears it.

    ``rows``, ``seconds`` and ``statement`` are those of the job that made it; ``facts`` say what else it was
    made from and with (tables, image, version of sqlrec). ``metrics`` are the job's and, over them, those
    of evaluations.
    """

    model: ModelName
    name: str
    kind: CheckpointKind
    status: CheckpointStatus
    version: int
    uri: str
    digest: str = ""
    parent: str = ""
    parent_version: int | None = None
    key: str = ""
    created_at: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0
    statement: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
