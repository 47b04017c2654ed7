"""CREATE MODEL: the definition fits together, and its model type takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, Severity, Span, SqlRecError
from sqlrec.models.controller import ModelController, Problem
from sqlrec.models.lookup import TRAINING, model_type, type_key
from sqlrec.plan.options import check_options, stored_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_models import answers, model_spec
from sqlrec.plan.scope import ScriptScope, place
from sqlrec.plan.templates import is_templated, secret_reference
from sqlrec.spec.options import Scope, canonical_key
from sqlrec.spec.schema import Schema
from sqlrec.sql.statements import Column, CreateModel, OptionItem


def check_new_model(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A model is created once, unless the statement says what to do with the one that is there."""
    if not isinstance(statement, CreateModel) or statement.replace or statement.if_not_exists:
        return
    name = scope.model_name(statement.name)
    what = "temporary" if statement.temporary else "model"
    existing = scope.temporary.get(name.key) if statement.temporary else scope.permanent(name)
    if existing is None:
        return
    line = scope.lines.get(f"{what} {name.key}")
    if line:
        where = f"{place(line)} creates it"
    elif existing.digest != model_spec(statement, scope).digest:
        where = "another definition is registered"
    else:
        return
    yield Diagnostic(
        code="SR201",
        message=f"Model already exists: {name}",
        span=statement.name.span,
        hint=f"{where}; write CREATE OR REPLACE MODEL, or CREATE MODEL IF NOT EXISTS",
    )


def check_model_type(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The options name a model type, and there is such a type."""
    if not isinstance(statement, CreateModel):
        return
    options = stored_options(statement.options)
    named, key = model_type(options), type_key(options)
    item = _item(statement, key)
    if item is None or not named:
        yield Diagnostic(
            code="SR307",
            message=_MISSING_TYPE[key][0],
            span=statement.name.span,
            hint=_MISSING_TYPE[key][1],
        )
        return
    try:
        scope.controllers(named)
    except SqlRecError as error:
        yield Diagnostic(code=error.code, message=error.message, span=item.value_span, hint=error.hint)


_MISSING_TYPE = {
    "model": (
        "CREATE MODEL needs the option 'model', the type of the model, or 'provider', who runs it",
        "add WITH (model = 'tzrec.wide_and_deep'), or WITH (provider = 'openai')",
    ),
    "provider": (
        "a remote model needs the option 'provider', who runs it",
        "add provider = 'openai', or another provider",
    ),
    "algorithm": (
        "type = 'training' needs the option 'algorithm', what is trained",
        "add algorithm = 'kmeans'",
    ),
}


def check_query(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """AS query trains the model when it is created, which its type must be able to."""
    if not isinstance(statement, CreateModel):
        return
    named = model_type(stored_options(statement.options))
    controller = scope.controller_of(named)
    stated = statement.query or statement.columns or statement.inputs
    if named.startswith(TRAINING) and stated is None:
        yield Diagnostic(
            code="SR427",
            message="a model of type 'training' needs AS query, the rows it learns from, or columns",
            span=statement.name.span,
            hint="add AS SELECT … after WITH (…), or list the columns and use TRAIN MODEL",
        )
    if statement.query is not None and statement.columns is not None:
        yield Diagnostic(
            code="SR107",
            message="CREATE MODEL AS SELECT syntax does not support to specify explicit columns.",
            span=statement.columns.span,
            hint="leave the list out: the query has columns",
        )
    if statement.query is not None and controller is not None and not controller.programs.train:
        yield Diagnostic(
            code="SR213",
            message=f"model type {controller.type} does not support training, which AS query asks for",
            span=statement.query.span,
            hint="leave AS query out, or name a type that is trained",
        )


def check_made(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What CREATE MODEL makes at once (the training of AS query, the import of a file) is kept somewhere."""
    if not isinstance(statement, CreateModel) or not statement.temporary:
        return
    controller = scope.controller_of(model_type(stored_options(statement.options)))
    if statement.query is not None or (controller is not None and controller.programs.bring):
        yield Diagnostic(
            code="SR225",
            message=f"Model {scope.model_name(statement.name)} is a temporary model.",
            span=statement.name.span,
            hint="a temporary model has no checkpoints, so what is trained or imported would be lost: "
            "create it without TEMPORARY",
        )


def check_outputs(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The columns that the model type answers are no inputs, and are those of OUTPUT."""
    if not isinstance(statement, CreateModel):
        return
    model = model_spec(statement, scope)
    controller = scope.controller_of(model.type)
    answered = answers(controller, model.columns, dict(model.options))
    for column in _columns(statement):
        if answered.get(column.name.text):
            yield Diagnostic(
                code="SR424",
                message=f"Field {column.name.text!r} exists in both input fields and output fields",
                span=column.name.span,
                hint="rename the column; the model's answer is added to the columns of the table",
            )
    if statement.outputs and len(answered) and _signature(answered) != _signature(model.outputs):
        shown = ", ".join(f"{f.name} {f.type}" for f in answered)
        yield Diagnostic(
            code="SR425",
            message=f"a {model.type} model answers {shown}",
            span=statement.outputs.span,
            hint=f"write OUTPUT ({shown})",
        )


def _signature(columns: Schema) -> list[tuple[str, str]]:
    return [(f.name.casefold(), str(f.type)) for f in columns]


def _columns(statement: CreateModel) -> tuple[Column, ...]:
    """The input columns of either form."""
    written = statement.inputs or statement.columns
    return written.items if written else ()


def check_definition(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Options as declared by the model type, then what its controller says of the whole.

    Of AS query the columns are not known yet: the controller speaks when it runs.
    """
    if not isinstance(statement, CreateModel):
        return
    yield from run_dependent(statement.options)
    controller = scope.controller_of(model_type(stored_options(statement.options)))
    if controller is None:
        return
    found = list(check_options(statement.options, controller.options, Scope.MODEL, statement.name.span))
    yield from found
    if statement.query is None and not any(finding.code != "SR307" for finding in found):
        yield from _controller_findings(statement, controller, scope)


def run_dependent(items: Iterable[OptionItem]) -> Iterator[Diagnostic]:
    """Templates among the options of a model's definition."""
    for item in items:
        if is_templated(item.value) and not secret_reference(str(item.value)):
            yield Diagnostic(
                code="SR310",
                message="a model's definition is the same in every run; templates cannot stand in it",
                span=item.value_span,
                hint="put what changes into the WITH of TRAIN MODEL",
            )


def _controller_findings(
    statement: CreateModel, controller: ModelController, scope: ScriptScope
) -> Iterator[Diagnostic]:
    given = {controller.options.canonical(item.key.value) for item in statement.options}
    required = {canonical_key(option.key) for option in controller.options.options if option.required}
    missing = required - given
    for problem in controller.check(model_spec(statement, scope)):
        if canonical_key(problem.option) not in missing or not problem.option:
            yield problem_finding(problem, statement.options, statement.name.span, _columns(statement))


def problem_finding(
    problem: Problem, items: Iterable[OptionItem], owner: Span, columns: Iterable[Column] = ()
) -> Diagnostic:
    """What a controller found, where the option or column that it is about was written, or at ``owner``."""
    key, column = canonical_key(problem.option), problem.column.casefold()
    places = [item.value_span for item in items if key and canonical_key(item.key.value) == key]
    places += [c.name.span for c in columns if column and c.name.text.casefold() == column]
    return Diagnostic(
        code=problem.code,
        message=problem.message,
        hint=problem.hint,
        span=next(iter(places), owner),
        severity=Severity.WARNING if problem.warning else Severity.ERROR,
    )


def _item(statement: CreateModel, key: str) -> OptionItem | None:
    wanted = canonical_key(key)
    return next((o for o in statement.options if canonical_key(o.key.value) == wanted), None)
