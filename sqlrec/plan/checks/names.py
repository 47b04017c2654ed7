"""Names: whether they can be names, and whether what they name exists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sqlrec.errors import Diagnostic, Span, suggest
from sqlrec.plan.checks.parts import checkpoints_of, inner
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_models import alias_name
from sqlrec.plan.scope import ALIAS, ScriptScope, place
from sqlrec.plan.templates import is_templated
from sqlrec.spec.names import (
    DEFAULT_CATALOG,
    DEFAULT_DATABASE,
    MAX_FULL_NAME,
    ModelName,
    alias_problem,
    is_checkpoint_name,
    is_name,
)
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    CacheTable,
    CreateModel,
    CreateService,
    CreateView,
    Describe,
    DropAlias,
    DropModel,
    DropService,
    EvaluateModel,
    ExportModel,
    Ident,
    ObjectKind,
    RenameTo,
    RollbackService,
    SetAlias,
    Show,
    ShowCreate,
    Statement,
    Text,
    TrainModel,
)

ABOUT_A_MODEL = (ObjectKind.MODEL, ObjectKind.CHECKPOINT)


def check_names(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Names become folders, aliases and hosts, so they are letters, digits, ``_`` and ``-``."""
    for model in model_idents(statement):
        yield from _model(model, scope)
    match statement:
        case CreateService(name=name):
            yield from _plain(name, "service")
        case CacheTable(name=name) | CreateView(name=name):
            yield from _plain(name, "table")
        case AlterModel(change=SetAlias(alias=text) | DropAlias(alias=text)):
            yield from _alias(text)
        case _:
            pass
    for checkpoint in checkpoints_of(statement):
        written = checkpoint_name(checkpoint).removeprefix(ALIAS)
        if not is_templated(checkpoint.value) and not is_checkpoint_name(written):
            yield _unusable(checkpoint.span, f"{checkpoint.value!r} cannot name a checkpoint")


def model_ident(statement: Statement) -> Ident | None:
    """The model that a statement is about, as written."""
    match statement:
        case CreateModel(name=name) | AlterModel(name=name) | DropModel(name=name):
            return name
        case TrainModel(name=name) | ExportModel(name=name) | EvaluateModel(name=name):
            return name
        case CreateService(model=name):
            return name
        case Describe(kind=kind, name=name) | ShowCreate(kind=kind, name=name) if kind in ABOUT_A_MODEL:
            named = _version(name)
            return Ident((*name.parts[:-1], named[0]), name.span) if named else name
        case Show(kind=ObjectKind.CHECKPOINT, of=name):
            return name
        case _:
            return None


def model_idents(statement: Statement) -> tuple[Ident, ...]:
    """All models that a statement names."""
    name = model_ident(statement)
    if isinstance(statement, AlterModel) and isinstance(statement.change, RenameTo):
        return (statement.name, statement.change.name)
    if isinstance(statement, CreateService):
        return tuple(model.name for model in statement.models)
    return (name,) if name else ()


def has_model_names(statement: Statement) -> bool:
    """Whether the names of its models can be models', so that more can be asked about them."""
    parts = chain.from_iterable(name.parts for name in model_idents(statement))
    return all(map(is_name, parts)) and all(map(has_model_names, inner(statement)))


def _model(name: Ident, scope: ScriptScope) -> Iterator[Diagnostic]:
    if named := _version(name):
        yield _versioned(name, *named, scope)
        return
    yield from _plain(name, "model")
    if len(".".join(name.parts)) + len(DEFAULT_CATALOG + DEFAULT_DATABASE) + 2 > MAX_FULL_NAME:
        yield _unusable(name.span, "the model name is too long", "shorten it")


def _version(name: Ident) -> tuple[str, str] | None:
    """Model and version of a name such as ``m$2``, which DESCRIBE and SHOW CREATE understand."""
    model, _, version = name.parts[-1].rpartition("$")
    is_version = is_name(model) and (version == "all" or version.isdecimal())
    return (model, version) if is_version else None


def _versioned(name: Ident, model: str, version: str, scope: ScriptScope) -> Diagnostic:
    """``m$2`` is how Confluent names versions; ours have names."""
    full = Ident((*name.parts[:-1], model), name.span)
    usable = all(map(is_name, full.parts))
    known = scope.catalog.checkpoints(scope.model_name(full)) if usable else ()
    found = next((c.name for c in known if str(c.version) == version), "name")
    return Diagnostic(
        code="SR234",
        message=f"{name.text!r}: a version of a model is named by its checkpoint",
        span=name.span,
        hint=f"write {model} CHECKPOINT = '{found}'; SHOW CHECKPOINTS FROM {model} lists them",
    )


def _alias(text: Text) -> Iterator[Diagnostic]:
    problem = alias_problem(alias_name(text))
    if problem:
        yield _unusable(text.span, f"{text.value!r} cannot name an alias", problem)


def _plain(name: Ident, what: str) -> Iterator[Diagnostic]:
    for part in name.parts:
        if not is_name(part):
            yield _unusable(name.span, f"{part!r} cannot name a {what}")


def _unusable(span: Span, message: str, hint: str = "use letters, digits, _ and -") -> Diagnostic:
    return Diagnostic(code="SR211", message=message, span=span, hint=hint)


def check_known_model(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The model that a statement works on exists, as far as that is known."""
    name = model_ident(statement)
    if name is None or isinstance(statement, CreateModel):
        return
    if isinstance(statement, DropModel | AlterModel) and statement.if_exists:
        return
    if isinstance(statement, DropModel) and statement.temporary:
        yield from _unknown_temporary(scope.model_name(name), name.span, scope)
        return
    others = statement.others if isinstance(statement, CreateService) else ()
    for known in (name, *(other.name for other in others)):
        yield from _unknown_model(known, scope, altered=isinstance(statement, AlterModel))


def _unknown_model(name: Ident, scope: ScriptScope, *, altered: bool) -> Iterator[Diagnostic]:
    model = scope.model_name(name)
    if scope.lacks_model(model):
        yield Diagnostic(
            code="SR205",
            message=f"Model {model} doesn't exist." if altered else f"model not exists: {model}",
            span=name.span,
            hint=model_hint(model, scope),
        )


def _unknown_temporary(model: ModelName, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    if model.key not in scope.temporary:
        known = [str(spec.name) for spec in scope.temporary.values()]
        listed = f"temporary models: {', '.join(known)}" if known else "the script has none before this line"
        yield Diagnostic(
            code="SR205",
            message=f"temporary model not exists: {model}",
            span=span,
            hint=suggest(str(model), known) or listed,
        )


def model_hint(model: ModelName, scope: ScriptScope) -> str:
    """What to do about a model that does not exist."""
    known = scope.model_names()
    if model.key in scope.models:
        renamed = scope.lines.get(f"renamed {model.key}")
        return f"{place(renamed)} renames it" if renamed else "the script drops it before this line"
    listed = f"models: {', '.join(known)}" if known else "there is no model yet"
    return suggest(str(model), known) or f"{listed}; CREATE MODEL first"


def check_known_service(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The service that a statement works on exists, as far as that is known."""
    match statement:
        case DropService(name=name, if_exists=False) | AlterService(name=name, if_exists=False):
            yield from unknown_service(name.text, name.span, scope)
        case RollbackService(name=name):
            yield from unknown_service(name.text, name.span, scope)
        case Describe(kind=kind, name=name) | ShowCreate(kind=kind, name=name) if kind is ObjectKind.SERVICE:
            yield from unknown_service(name.text, name.span, scope)
        case _:
            pass


def unknown_service(name: str, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The finding that there is no such service."""
    dropped = name.casefold() in scope.services
    if scope.service(name) is not None or (not dropped and scope.may_exist(name)):
        return
    known = scope.service_names()
    listed = f"services: {', '.join(known)}" if known else "there is no service yet"
    hint = "the script drops it before this line" if dropped else suggest(name, known) or listed
    yield Diagnostic(code="SR206", message=f"service {name!r} does not exist", span=span, hint=hint)
