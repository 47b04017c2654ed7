"""What names mean at one place of a script: what the script made so far, over what the catalog knows.

The script is walked once from top to bottom; :func:`sqlrec.plan.effects.record` notes what each step makes
or drops. Parameters and tables are declarations and hold for the whole script; settings and the current
database are those in force at the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlrec.errors import Span, SqlRecError, position
from sqlrec.models.controller import ModelController
from sqlrec.plan.catalog import Catalog, ReadColumns, no_columns
from sqlrec.plan.changes import Member
from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.functions_scope import Inside
from sqlrec.plan.plan import Param, Ref
from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import DEFAULT_CATALOG, DEFAULT_DATABASE, ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import TableFormat, TableSource
from sqlrec.sql.statements import Ident

GetController = Callable[[str], ModelController]

ALIAS = "@"
"""What the name of a checkpoint begins with when it is an alias: ``CHECKPOINT = '@prod'``."""


EARLIER = -1
"""The line of what an earlier input of a session made: its number would say nothing."""


def place(line: int) -> str:
    """Where something is made, as the subject of a sentence."""
    return "this session" if line == EARLIER else f"line {line}"


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
    """What a service serves; an empty ``checkpoint``: the script names none.

    ``before`` is what it served before that: empty when that is not known, None when there was nothing.
    ``others`` are the models after the first, with their checkpoints; ``follow`` is the alias (``@prod``)
    that it follows, if the script says so.
    """

    name: str
    model: ModelName
    checkpoint: str
    line: int = 0
    before: str | None = ""
    others: tuple[Member, ...] = ()
    follow: str = ""

    @property
    def members(self) -> tuple[Member, ...]:
        """All models behind it, in their order."""
        return (Member(model=self.model, checkpoint=self.checkpoint), *self.others)


@dataclass(slots=True, kw_only=True)
class ScriptScope:
    """Names in force. A None among ``models``, ``services`` … is a name that the script dropped.

    ``emptied`` are models whose registered checkpoints the script drops, ``registered`` the names in the
    catalog of models that it renames. ``gates`` are what ASSERT and EVALUATE wrote, ``upcoming`` the lines
    of tables that are cached further down. ``unread`` is the text of statements that could not be parsed: a
    name in there may well be made there, so that its absence is no second error.

    ``blocks`` are the SQL functions as written, ``called`` those that are put in some place. ``programs``
    are functions compiled for the statements at those places, ``prefixes`` of names that calls have taken;
    ``inside`` says in which body we are. In a session, which ``adopts`` what is registered, registered
    functions may be called: the DAG of a script depends on the script alone.
    """

    text: str
    catalog: Catalog
    controllers: GetController
    columns: ReadColumns = no_columns
    unread: str = ""
    namespace: list[str] = field(default_factory=lambda: [DEFAULT_CATALOG, DEFAULT_DATABASE])
    params: dict[str, Param] = field(default_factory=dict)
    settings: dict[str, OptionValue] = field(default_factory=dict)
    tables: dict[str, TableSource] = field(default_factory=dict)
    caches: dict[str, TableSource] = field(default_factory=dict)
    upcoming: dict[str, int] = field(default_factory=dict)
    models: dict[str, ModelSpec | None] = field(default_factory=dict)
    temporary: dict[str, ModelSpec] = field(default_factory=dict)
    registered: dict[str, ModelName] = field(default_factory=dict)
    checkpoints: dict[tuple[str, str], Made | None] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str | None] = field(default_factory=dict)
    services: dict[str, Served | None] = field(default_factory=dict)
    functions: dict[str, FunctionSpec | None] = field(default_factory=dict)
    apis: dict[str, ApiSpec | None] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    gates: list[Ref] = field(default_factory=list)
    made_databases: list[str] = field(default_factory=list)
    blocks: dict[str, FunctionBlock] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    programs: dict[Span, Program] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    inside: Inside = Inside()
    adopts: bool = False
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, offset: int) -> int:
        """Line of a place in the script, from 1."""
        return position(self.text, offset)[0]

    def may_exist(self, name: str) -> bool:
        """Whether something of that name may exist though neither script nor catalog shows it."""
        return not self.catalog.closed or self.is_unread(name)

    def is_unread(self, name: str) -> bool:
        """Whether a name is written in text that could not be read."""
        word = rf"\b{re.escape(name.casefold())}\b"
        return re.search(word, self.unread.casefold()) is not None

    # Models

    def model_name(self, name: Ident) -> ModelName:
        """The full name of a model as written: missing parts are those of the current database."""
        return ModelName.of(*self.namespace[: 3 - len(name.parts)], *name.parts)

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model, or None when it does not exist, is not known or was dropped."""
        return self.temporary.get(name.key) or self.permanent(name)

    def permanent(self, name: ModelName) -> ModelSpec | None:
        """As :meth:`model`, temporary models aside."""
        return self.models[name.key] if name.key in self.models else self.catalog.model(name)

    def lacks_model(self, name: ModelName) -> bool:
        """Whether the model is known not to exist."""
        if self.model(name) is not None:
            return False
        return name.key in self.models or not self.may_exist(name.name)

    def model_names(self) -> tuple[str, ...]:
        """Models that exist, for suggestions."""
        written = [spec for spec in (*self.temporary.values(), *self.models.values()) if spec is not None]
        known = (ModelName.parse(full) for full in self.catalog.models())
        rest = (str(name) for name in known if name.key not in self.models)
        return tuple(dict.fromkeys((*(str(spec.name) for spec in written), *rest)))

    def databases(self) -> tuple[str, ...]:
        """``catalog.database`` of those that hold a model or are created, the current and the default one."""
        written = (spec.name for spec in (*self.temporary.values(), *self.models.values()) if spec)
        known = (ModelName.parse(full) for full in self.catalog.models())
        holding = (f"{name.catalog}.{name.database}" for name in (*written, *known))
        default = f"{DEFAULT_CATALOG}.{DEFAULT_DATABASE}"
        others = (*self.made_databases, default, ".".join(self.namespace))
        by_key = {full.casefold(): full for full in (*holding, *others)}
        return tuple(by_key.values())

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

    def followers(self, model: ModelName, alias: str) -> tuple[Served, ...]:
        """The services of the script that follow an alias (``@prod``) of a model."""
        services = (served for served in self.services.values() if served is not None)
        return tuple(s for s in services if s.follow == alias.casefold() and s.model == model)

    def checkpoint(self, model: ModelName, name: str) -> Made | None:
        """The checkpoint, as the script makes it or the catalog knows it; ``@alias`` is one, too."""
        if name.startswith(ALIAS):
            return self._aliased(model, name.removeprefix(ALIAS))
        key = (model.key, name.casefold())
        if key in self.checkpoints or model.key in self.emptied:
            return self.checkpoints.get(key)
        return _made(self.catalog.checkpoint(self._registered(model), name))

    def _aliased(self, model: ModelName, alias: str) -> Made | None:
        key = (model.key, alias.casefold())
        if key in self.aliases or model.key in self.emptied:
            target = self.aliases.get(key)
            return self.checkpoint(model, target) if target else None
        found = self.catalog.aliases(self._registered(model))
        return _made(next((c for name, c in found.items() if name.casefold() == alias.casefold()), None))

    def alias_names(self, model: ModelName) -> tuple[str, ...]:
        """Aliases of a model that are known."""
        registered = () if model.key in self.emptied else self.catalog.aliases(self._registered(model))
        written = {alias: bool(target) for (key, alias), target in self.aliases.items() if key == model.key}
        rest = (name for name in registered if name.casefold() not in written)
        return (*(alias for alias, exists in written.items() if exists), *rest)

    def known_checkpoints(self, model: ModelName, kind: CheckpointKind | None = None) -> tuple[Made, ...]:
        """Checkpoints (of a kind) that are known, the script's last; a name once."""
        registered = () if model.key in self.emptied else self.catalog.checkpoints(self._registered(model))
        by_name: dict[str, Made | None] = {c.name.casefold(): _made(c) for c in registered}
        for (key, name), made in self.checkpoints.items():
            if key == model.key:
                by_name.pop(name, None)
                by_name[name] = made
        return tuple(made for made in by_name.values() if made and kind in (None, made.kind))

    def _registered(self, model: ModelName) -> ModelName:
        return self.registered.get(model.key, model)

    # Services

    def service(self, name: str) -> Served | None:
        """What the service serves, or None when it does not exist, is not known or was dropped."""
        if name.casefold() in self.services:
            return self.services[name.casefold()]
        found = self.catalog.service(name)
        known = next((n for n in self.catalog.services() if n.casefold() == name.casefold()), name)
        if found is None:
            return None
        own, *others = (self._member(made) for made in (found, *self.catalog.others(name)))
        return Served(known, own.model, own.checkpoint, others=tuple(others))

    def _member(self, served: Checkpoint) -> Member:
        """A registered checkpoint that is served, by the name that its model has now."""
        renamed = (key for key, old in self.registered.items() if old == served.model)
        model = next((ModelName.parse(key) for key in renamed), served.model)
        return Member(model=self.as_declared(model), checkpoint=served.name)

    def service_names(self) -> tuple[str, ...]:
        """Services that exist, for suggestions and for what uses a model."""
        rest = (name for name in self.catalog.services() if name.casefold() not in self.services)
        return (*(served.name for served in self.services.values() if served), *rest)

    def users(self, model: ModelName, checkpoint: str = "") -> list[str]:
        """Services of a model, or of one checkpoint of it."""
        found = [(name, self.service(name)) for name in self.service_names()]
        wanted = checkpoint.casefold()
        return [
            name
            for name, served in found
            if served
            and any(m.model == model and wanted in ("", m.checkpoint.casefold()) for m in served.members)
        ]

    # Functions and APIs

    def function(self, name: str) -> FunctionSpec | None:
        """The SQL function, or None when it does not exist, is not known or was dropped."""
        key = name.casefold()
        return self.functions[key] if key in self.functions else self.catalog.function(name)

    def function_names(self) -> tuple[str, ...]:
        """SQL functions that exist, for suggestions."""
        rest = (name for name in self.catalog.functions() if name.casefold() not in self.functions)
        return (*(spec.name for spec in self.functions.values() if spec), *rest)

    def api(self, name: str) -> ApiSpec | None:
        """The API, or None when it does not exist, is not known or was dropped."""
        return self.apis[name.casefold()] if name.casefold() in self.apis else self.catalog.api(name)

    def api_names(self) -> tuple[str, ...]:
        """APIs that exist, for suggestions and for what uses a function."""
        rest = (name for name in self.catalog.apis() if name.casefold() not in self.apis)
        return (*(spec.name for spec in self.apis.values() if spec), *rest)

    # Tables

    def table(self, name: Ident) -> TableSource:
        """The table: cached by the script, declared by it, or else one of the warehouse."""
        key = name.text.casefold()
        found = self.caches.get(key) or self.tables.get(key)
        return found or TableSource(name=name.text, format=TableFormat.WAREHOUSE)

    def schema(self, table: TableSource) -> Schema:
        """Columns of a table: declared, or read from its files; empty when they are out of reach."""
        return table.schema if len(table.schema) else self.columns(table) or table.schema


def _made(found: Checkpoint | None) -> Made | None:
    return Made(found.name, found.kind, found.status, source=found.parent) if found else None
