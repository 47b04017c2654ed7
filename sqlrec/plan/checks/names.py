"""Names: whether they can be names, and whether what they name exists."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, Span, suggest
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.names import (
    DEFAULT_CATALOG,
    DEFAULT_DATABASE,
    MAX_FULL_NAME,
    ModelName,
    is_checkpoint_name,
    is_name,
)
from sqlrec.sql.statements import (
    CacheTable,
    CreateModel,
    CreateService,
    DropModel,
    DropService,
    ExportModel,
    Ident,
    Text,
    TrainModel,
)


def check_names(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Names become folders, aliases and hosts, so they are letters, digits, ``_`` and ``-``."""
    model = model_ident(statement)
    if model:
        yield from _plain(model, "model")
        if len(".".join(model.parts)) + len(DEFAULT_CATALOG + DEFAULT_DATABASE) + 2 > MAX_FULL_NAME:
            yield _unusable(model.span, "the model name is too long", "shorten it")
    match statement:
        case CreateService(name=name):
            yield from _plain(name, "service")
        case CacheTable(name=name):
            yield from _plain(name, "table")
        case _:
            pass
    for checkpoint in _checkpoints(statement):
        if not is_templated(checkpoint.value) and not is_checkpoint_name(checkpoint_name(checkpoint)):
            yield _unusable(checkpoint.span, f"{checkpoint.value!r} cannot name a checkpoint")


def model_ident(statement: Acting) -> Ident | None:
    """The model that a statement is about, as written."""
    match statement:
        case CreateModel(name=name) | DropModel(name=name) | TrainModel(name=name) | ExportModel(name=name):
            return name
        case CreateService(model=name):
            return name
        case _:
            return None


def _checkpoints(statement: Acting) -> Iterator[Text]:
    match statement:
        case TrainModel():
            yield from (text for text in (statement.checkpoint, statement.base) if text)
        case ExportModel(checkpoint=text) | CreateService(checkpoint=Text() as text):
            yield text
        case _:
            pass


def has_model_name(statement: Acting) -> bool:
    """Whether the name of its model can be a model's, so that more can be asked about it."""
    model = model_ident(statement)
    return model is None or all(map(is_name, model.parts))


def _plain(name: Ident, what: str) -> Iterator[Diagnostic]:
    for part in name.parts:
        if not is_name(part):
            yield _unusable(name.span, f"{part!r} cannot name a {what}")


def _unusable(span: Span, message: str, hint: str = "use letters, digits, _ and -") -> Diagnostic:
    return Diagnostic(code="SR211", message=message, span=span, hint=hint)


def check_known_model(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The model that a statement works on exists, as far as that is known."""
    match statement:
        case TrainModel(name=name) | ExportModel(name=name) | CreateService(model=name):
            wanted = True
        case DropModel(name=name):
            wanted = not statement.if_exists
        case _:
            return
    model = scope.model_name(name)
    if wanted and scope.lacks_model(model):
        yield Diagnostic(
            code="SR205",
            message=f"model not exists: {model}",
            span=name.span,
            hint=_model_hint(model, scope),
        )


def _model_hint(model: ModelName, scope: ScriptScope) -> str:
    known = scope.model_names()
    if model.key in scope.models:
        return "the script drops it before this line"
    listed = f"models: {', '.join(known)}" if known else "there is no model yet"
    return suggest(str(model), known) or f"{listed}; CREATE MODEL first"


def check_known_service(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The service to drop exists, as far as that is known."""
    if isinstance(statement, DropService) and not statement.if_exists:
        yield from unknown_service(statement.name.text, statement.name.span, scope)


def unknown_service(name: str, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The finding that there is no such service."""
    dropped = name.casefold() in scope.services
    if scope.service(name) is not None or (not dropped and scope.may_exist(name)):
        return
    known = scope.service_names()
    listed = f"services: {', '.join(known)}" if known else "there is no service yet"
    hint = "the script drops it before this line" if dropped else suggest(name, known) or listed
    yield Diagnostic(code="SR206", message=f"service {name!r} does not exist", span=span, hint=hint)
