"""What names mean at one place of a script: what the script made so far, over what the catalog knows.

The script is walked once from top to bottom; :meth:`ScriptScope.record` notes what each step makes or
drops. Parameters and tables are declarations and hold for the whole script.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from sqlrec.errors import SqlRecError, position
from sqlrec.models.controller import ModelController
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.plan import (
    DefineModelStep,
    DeployStep,
    DropModelStep,
    DropServiceStep,
    ExportStep,
    Param,
    QueryStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.spec.model import CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import TableFormat, TableSource
from sqlrec.sql.statements import Ident

GetController = Callable[[str], ModelController]


@dataclass(frozen=True, slots=True)
class Made:
    """A checkpoint that a line of the script makes (``line`` 0: the catalog knows it)."""

    name: str
    kind: CheckpointKind
    status: CheckpointStatus = CheckpointStatus.SUCCEEDED
    line: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What a service serves; an empty ``checkpoint``: the script names none."""

    name: str
    model: ModelName
    checkpoint: str
    line: int = 0


@dataclass(slots=True, kw_only=True)
class ScriptScope:
    """Names in force. A None in ``models`` or ``services`` is a name that the script dropped.

    ``emptied`` are models whose registered checkpoints the script drops. ``unread`` is the text of
    statements that could not be parsed: a name in there may well be made there, so that its absence is no
    second error.
    """

    text: str
    catalog: Catalog
    controllers: GetController
    unread: str = ""
    params: dict[str, Param] = field(default_factory=dict)
    settings: dict[str, OptionValue] = field(default_factory=dict)
    tables: dict[str, TableSource] = field(default_factory=dict)
    caches: dict[str, TableSource] = field(default_factory=dict)
    models: dict[str, ModelSpec | None] = field(default_factory=dict)
    checkpoints: dict[tuple[str, str], Made] = field(default_factory=dict)
    services: dict[str, Served | None] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, offset: int) -> int:
        """Line of a place in the script, from 1."""
        return position(self.text, offset)[0]

    def may_exist(self, name: str) -> bool:
        """Whether something of that name may exist though neither script nor catalog shows it."""
        word = rf"\b{re.escape(name.casefold())}\b"
        return not self.catalog.closed or re.search(word, self.unread.casefold()) is not None

    # Models

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model, or None when it does not exist, is not known or was dropped."""
        return self.models[name.key] if name.key in self.models else self.catalog.model(name)

    def lacks_model(self, name: ModelName) -> bool:
        """Whether the model is known not to exist."""
        if self.model(name) is not None:
            return False
        return name.key in self.models or not self.may_exist(name.name)

    def model_names(self) -> tuple[str, ...]:
        """Models that exist, for suggestions."""
        written = {key: spec for key, spec in self.models.items() if spec is not None}
        known = (ModelName.parse(full) for full in self.catalog.models())
        rest = (str(name) for name in known if name.key not in self.models)
        return (*(str(spec.name) for spec in written.values()), *rest)

    def controller(self, model: ModelName) -> ModelController | None:
        """The controller of a model's type, when both are known."""
        spec = self.model(model)
        return self.controller_of(spec.type) if spec else None

    def controller_of(self, model_type: str) -> ModelController | None:
        """The controller of a model type, or None when it is unknown."""
        try:
            return self.controllers(model_type)
        except SqlRecError:
            return None

    def as_declared(self, name: ModelName) -> ModelName:
        """The name in the spelling of the model's definition, when that is known."""
        spec = self.model(name)
        return spec.name if spec else name

    # Checkpoints

    def checkpoint(self, model: ModelName, name: str) -> Made | None:
        """The checkpoint, as the script makes it or the catalog knows it."""
        made = self.checkpoints.get((model.key, name.casefold()))
        if made is not None or model.key in self.emptied:
            return made
        found = self.catalog.checkpoint(model, name)
        return Made(found.name, found.kind, found.status, source=found.parent) if found else None

    def known_checkpoints(self, model: ModelName, kind: CheckpointKind) -> tuple[Made, ...]:
        """Checkpoints of a kind that are known, the script's last; a name once."""
        registered = () if model.key in self.emptied else self.catalog.checkpoints(model)
        catalog = [Made(c.name, c.kind, c.status) for c in registered]
        script = [made for (key, _), made in self.checkpoints.items() if key == model.key]
        by_name = {made.name.casefold(): made for made in (*catalog, *script)}
        return tuple(made for made in by_name.values() if made.kind is kind)

    # Services

    def service(self, name: str) -> Served | None:
        """What the service serves, or None when it does not exist, is not known or was dropped."""
        if name.casefold() in self.services:
            return self.services[name.casefold()]
        found = self.catalog.service(name)
        known = next((n for n in self.catalog.services() if n.casefold() == name.casefold()), name)
        return Served(known, found.model, found.name) if found else None

    def service_names(self) -> tuple[str, ...]:
        """Services that exist, for suggestions and for what uses a model."""
        rest = (name for name in self.catalog.services() if name.casefold() not in self.services)
        return (*(served.name for served in self.services.values() if served), *rest)

    # Tables

    def table(self, name: Ident) -> TableSource:
        """The table: cached by the script, declared by it, or else one of the warehouse."""
        key = name.text.casefold()
        found = self.caches.get(key) or self.tables.get(key)
        return found or TableSource(name=name.text, format=TableFormat.WAREHOUSE)

    # What a step changes

    def record(self, step: Step) -> None:
        """Note what a step makes or drops for the statements after it."""
        match step:
            case DefineModelStep():
                self._defined(step)
            case TrainStep():
                self._made(step.model, step.checkpoint, CheckpointKind.ORIGIN, step.line)
            case ExportStep():
                self._exported(step)
            case DeployStep():
                self._deployed(step)
            case DropModelStep(model=name):
                self._dropped(name)
            case DropServiceStep(service=service):
                self.services[service.casefold()] = None
            case QueryStep() | ScoreStep():
                self._cached(step)
            case _:
                assert_never(step)

    def _defined(self, step: DefineModelStep) -> None:
        name = step.model.name
        if not (step.if_not_exists and self.model(name)):
            self.models[name.key] = step.model
            self.lines[f"model {name.key}"] = step.line

    def _exported(self, step: ExportStep) -> None:
        source = self.checkpoint(step.model, step.checkpoint)
        if source is None or source.kind is CheckpointKind.ORIGIN:
            for name in step.exports:
                self._made(step.model, name, CheckpointKind.EXPORT, step.line, step.checkpoint)

    def _deployed(self, step: DeployStep) -> None:
        if not (step.if_not_exists and self.service(step.service)):
            served = Served(step.service, step.model, step.checkpoint, step.line)
            self.services[step.service.casefold()] = served

    def _dropped(self, model: ModelName) -> None:
        self.models[model.key] = None
        self.emptied.add(model.key)
        self.checkpoints = {key: made for key, made in self.checkpoints.items() if key[0] != model.key}

    def _cached(self, step: QueryStep | ScoreStep) -> None:
        target = step.target
        if target is not None and target.format is TableFormat.CACHE:
            self.caches[target.name.casefold()] = target
            self.lines[f"table {target.name.casefold()}"] = step.line

    def _made(self, model: ModelName, name: str, kind: CheckpointKind, line: int, source: str = "") -> None:
        self.checkpoints[model.key, name.casefold()] = Made(name, kind, line=line, source=source)
