"""Models, checkpoints and services as rows: what SHOW and the commands of the same name both draw from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.execution.outcome import Preview
from sqlrec.plan.catalog import Catalog
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import Endpoint


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A version of a model, with the services that use it and the aliases that name it."""

    checkpoint: Checkpoint
    services: tuple[str, ...]
    aliases: tuple[str, ...]

    @property
    def started(self) -> float:
        """When its job began, in seconds since the epoch: it was registered when that ended."""
        return self.checkpoint.created_at - self.checkpoint.seconds


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A registered service: the checkpoints of its models, and how it runs, where that is known."""

    name: str
    checkpoints: tuple[Checkpoint, ...]
    endpoint: Endpoint | None


def model_rows(catalog: Catalog) -> list[ModelSpec]:
    """All models, by name."""
    found = (catalog.model(ModelName.parse(name)) for name in catalog.models())
    return [spec for spec in found if spec]


def known_model(catalog: Catalog, name: ModelName) -> ModelSpec:
    """The model; raises SR205 with close matches when there is none."""
    if (found := catalog.model(name)) is not None:
        return found
    known = [str(ModelName.parse(full)) for full in catalog.models()]
    hint = suggest(str(name), known) or f"models: {', '.join(known) or 'none'}"
    raise NameNotFoundError("SR205", f"model {name} does not exist", hint=hint)


def checkpoint_rows(catalog: Catalog, model: ModelName) -> list[CheckpointRow]:
    """All versions of a model, oldest first."""
    services: dict[int, list[str]] = defaultdict(list)
    for name in catalog.services():
        first = catalog.service(name)
        for served in (first, *catalog.others(name)) if first else ():
            if served.model == model:
                services[served.version].append(name)
    aliases: dict[int, list[str]] = defaultdict(list)
    for alias, named in catalog.aliases(model).items():
        aliases[named.version].append(alias)
    return [
        CheckpointRow(c, tuple(services[c.version]), tuple(aliases[c.version]))
        for c in catalog.checkpoints(model)
    ]


def service_rows(catalog: Catalog, endpoint: Callable[[str], Endpoint | None]) -> list[ServiceRow]:
    """All registered services, by name; ``endpoint`` tells how one runs."""
    served = ((name, catalog.service(name)) for name in catalog.services())
    return [
        ServiceRow(name, (first, *catalog.others(name)), endpoint(name)) for name, first in served if first
    ]


# Text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Preview:
    """A result with all its rows."""
    shown = tuple(tuple(row) for row in rows)
    return Preview(columns=tuple(columns), rows=shown, total=len(shown))


def moment(seconds: float) -> str:
    """A time since the epoch as local time; empty for none."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def numbers(metrics: Mapping[str, float]) -> str:
    """Metrics in one line."""
    return ", ".join(f"{name}={value:.6g}" for name, value in metrics.items())


def base_of(checkpoint: Checkpoint) -> str:
    """The checkpoint that one was made from, with its version."""
    version = "" if checkpoint.parent_version is None else f" (version {checkpoint.parent_version})"
    return f"{checkpoint.parent}{version}" if checkpoint.parent else ""
