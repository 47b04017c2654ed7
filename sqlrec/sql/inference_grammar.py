"""Tokens of a call of a model → its node: which argument is what, by name, by place or by its kind.

The four sources order the arguments of VECTOR_SEARCH in four ways and ML_EVALUATE has three shapes, so an
argument that shows what it is (DESCRIPTOR, MAP, a whole number) is taken wherever it stands. Messages keep
Flink's words, because people search for them.

Codes: SR130 number of arguments, SR131 kind of an argument, SR132 names of arguments, SR133 DESCRIPTOR,
SR134 CONFIG, SR135 task, SR136 top_k, SR138 model name, SR139 cannot be run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlrec.errors import Span, suggest
from sqlrec.spec.task import Task, task_of
from sqlrec.sql.cursor import Cursor, SyntaxProblem, problem
from sqlrec.sql.inference import (
    ConfigItem,
    EvaluateRows,
    EvaluateTable,
    Function,
    InferenceCall,
    Input,
    InputQuery,
    InputTable,
    ModelArgument,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_arguments import (
    Argument,
    Config,
    Descriptor,
    ModelName,
    Plain,
    Value,
    arguments,
    model_of,
)
from sqlrec.sql.lexer import Token
from sqlrec.sql.statements import Ident, QueryText, Text

NAMES: dict[Function, dict[str, tuple[str, ...]]] = {
    Function.PREDICT: {"INPUT": (), "MODEL": ("MODEL_INPUT",), "ARGS": ("FEATURES",), "CONFIG": ()},
    Function.EVALUATE: {
        "INPUT": (),
        "MODEL": ("MODEL_INPUT",),
        "LABEL": (),
        "ARGS": ("FEATURES",),
        "TASK": (),
        "CONFIG": (),
    },
    Function.SEARCH: {
        "SEARCH_TABLE": ("INPUT",),
        "COLUMN_TO_SEARCH": (),
        "COLUMN_TO_QUERY": (),
        "TOP_K": (),
        "CONFIG": (),
    },
}
"""Names of arguments and what else they are called."""
OPTIONAL = frozenset({"CONFIG", "LABEL", "TASK", "COLUMN_TO_SEARCH"})
USAGE = {
    Function.PREDICT: "ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))",
    Function.EVALUATE: "ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(label), DESCRIPTOR(a, b))",
    Function.SEARCH: "VECTOR_SEARCH(TABLE t, DESCRIPTOR(vectors), vector, 10)",
    Function.EMBED: "ML_EMBED(MODEL m, text)",
    Function.COMPLETE: "AI_COMPLETE('m', prompt)",
    Function.EMBEDDING: "AI_EMBEDDING('m', text)",
}

TASKS = tuple(task.value for task in Task)

Roles = Mapping[str, Value]


def call(cursor: Cursor, *, in_from: bool) -> InferenceCall:
    """The call at the cursor; ``in_from`` tells whether it stands where a table can.

    Raises ``SyntaxProblem``.
    """
    word = cursor.next()
    function = Function(word.key)
    cursor.expect("(")
    given = arguments(cursor)
    span = word.span.to(cursor.previous.span)
    named = [argument.name for argument in given if argument.name]
    if named and function not in NAMES:
        raise problem("SR132", f"{function} takes no named arguments", named[0].span, _usage(function))
    if named:
        return _built(function, _by_name(function, given), span)
    values = [argument.value for argument in given]
    match function:
        case Function.PREDICT | Function.EVALUATE if _is_table_form(values):
            reader = _predict_roles if function is Function.PREDICT else _evaluate_roles
            return _built(function, reader(values, span), span)
        case Function.SEARCH:
            return _built(function, _search_roles(values, span), span)
        case Function.EVALUATE:
            return _evaluate_rows(values, span)
        case _:
            return _predict_values(function, values, span, in_from)


def _usage(function: Function) -> str:
    return f"write {USAGE[function]}"


def _is_table_form(values: Sequence[Value]) -> bool:
    first = values[0] if values else None
    return isinstance(first, InputTable | InputQuery) or any(isinstance(v, Descriptor) for v in values)


def _by_name(function: Function, given: Sequence[Argument]) -> Roles:
    """Arguments by role. After positional ones, only those of VECTOR_SEARCH may go on with names."""
    known = {alias: role for role, more in NAMES[function].items() for alias in (role, *more)}
    place = next(index for index, argument in enumerate(given) if argument.name)
    roles: dict[str, Value] = {}
    if place:
        roles |= _leading(function, given, place)
    for argument in given[place:]:
        name = argument.name
        if name is None:
            raise _mixed(function, argument.value.span)
        role = known.get(name.value.upper())
        if role is None:
            hint = suggest(name.value.upper(), known) or f"arguments: {', '.join(NAMES[function])}"
            raise problem("SR132", f"{function} has no argument {name.value!r}", name.span, hint)
        if role in roles:
            raise problem("SR132", f"argument {name.value!r} is given twice", name.span, "keep one of them")
        roles[role] = argument.value
    return roles


def _leading(function: Function, given: Sequence[Argument], place: int) -> dict[str, Value]:
    """``VECTOR_SEARCH(TABLE t, 'column', query, TOP_K => 5)``: what stands before the names."""
    names = {argument.name.value.upper() for argument in given[place:] if argument.name}
    if function is not Function.SEARCH or not names <= {"TOP_K", "CONFIG"}:
        raise _mixed(function, given[place].value.span)
    span = given[0].value.span.to(given[place - 1].value.span)
    return dict(_search_roles([argument.value for argument in given[:place]], span))


def _mixed(function: Function, span: Span) -> SyntaxProblem:
    hint = f"name all of them ({', '.join(f'{name} => …' for name in NAMES[function])}) or none"
    return problem("SR132", "named and positional arguments cannot be mixed", span, hint)


def _predict_roles(values: Sequence[Value], span: Span) -> Roles:
    if not 3 <= len(values) <= 4:
        raise _count(Function.PREDICT, "3 arguments", values, span)
    return dict(zip(("INPUT", "MODEL", "ARGS", "CONFIG"), values, strict=False))


def _evaluate_roles(values: Sequence[Value], span: Span) -> Roles:
    """One DESCRIPTOR is that of the features; of two, the first is that of the label."""
    if not 3 <= len(values) <= 6:
        raise _count(Function.EVALUATE, "3 to 6 arguments", values, span)
    names = ["INPUT", "MODEL", "LABEL", "ARGS", "TASK", "CONFIG"]
    if sum(isinstance(value, Descriptor) for value in values) < 2:
        names.remove("LABEL")
    if isinstance(values[-1], Config) and len(values) < len(names):
        return dict(zip((*names[: len(values) - 1], "CONFIG"), values, strict=False))
    if len(values) > len(names):
        raise _kind("a DESCRIPTOR of the label and one of the features", values[2], Function.EVALUATE)
    return dict(zip(names, values, strict=False))


def _search_roles(values: Sequence[Value], span: Span) -> Roles:
    """The table comes first; the others are told apart by what they are."""
    if not values or len(values) > 5:
        raise _count(Function.SEARCH, "3 to 5 arguments", values, span)
    roles: dict[str, Value] = {"SEARCH_TABLE": values[0]}
    for index, value in enumerate(values[1:], start=1):
        role = _search_role(value, index, len(values))
        if role in roles:
            raise _kind("a table, a DESCRIPTOR, a vector and a number", value, Function.SEARCH)
        roles[role] = value
    return roles


def _search_role(value: Value, index: int, count: int) -> str:
    if isinstance(value, Descriptor):
        return "COLUMN_TO_SEARCH"
    if isinstance(value, Config):
        return "CONFIG"
    if isinstance(value, Plain) and value.text.sql.lstrip("-").isdecimal():
        return "TOP_K"
    is_column = isinstance(value, Plain) and value.string is not None and index == 1 and count > 2
    return "COLUMN_TO_SEARCH" if is_column else "COLUMN_TO_QUERY"


def _count(function: Function, wanted: str, values: Sequence[Value], span: Span) -> SyntaxProblem:
    message = f"Invalid number of arguments to function '{function}'. Was expecting {wanted}"
    return problem("SR130", f"{message}, found {len(values)}", span, _usage(function))


def _kind(wanted: str, value: Value, function: Function) -> SyntaxProblem:
    return problem("SR131", f"expected {wanted} here", value.span, _usage(function))


def _built(function: Function, roles: Roles, span: Span) -> InferenceCall:
    """The node of a call over a table."""
    missing = [name for name in NAMES[function] if name not in roles and name not in OPTIONAL]
    if missing:
        message = f"{function} lacks the argument{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise problem("SR130", message, span, _usage(function))
    config = _config(roles.get("CONFIG"), function)
    if function is Function.SEARCH:
        return VectorSearch(
            span=span,
            input=_input(roles["SEARCH_TABLE"], function),
            column=_search_column(roles.get("COLUMN_TO_SEARCH")),
            query=_expression(roles["COLUMN_TO_QUERY"], function),
            top_k=_top_k(roles["TOP_K"]),
            config=config,
        )
    source, model = _input(roles["INPUT"], function), _model(roles["MODEL"])
    features = _descriptor(roles["ARGS"], function)
    if function is Function.PREDICT:
        return PredictTable(
            span=span,
            model=model,
            input=source,
            columns=features.columns,
            columns_span=features.span,
            config=config,
        )
    return EvaluateTable(
        span=span,
        model=model,
        input=source,
        columns=features.columns,
        columns_span=features.span,
        label=_label(roles.get("LABEL")),
        task=_task(roles.get("TASK")),
        config=config,
    )


def _predict_values(function: Function, values: Sequence[Value], span: Span, in_from: bool) -> PredictValues:
    """``f(model, expression, … [, MAP[…]])``; all but ML_PREDICT take one expression."""
    given, config = _without_config(values)
    if len(given) < 2 or (function is not Function.PREDICT and len(given) > 2):
        wanted = "3 arguments" if function is Function.PREDICT else "2 arguments"
        raise _count(function, wanted, values, span)
    return PredictValues(
        span=span,
        function=function,
        model=_model(given[0], first=True),
        values=tuple(_expression(value, function) for value in given[1:]),
        in_from=in_from,
        config=config,
    )


def _evaluate_rows(values: Sequence[Value], span: Span) -> EvaluateRows:
    """``ML_EVALUATE(model, label, feature, … [, MAP[…]])``."""
    given, config = _without_config(values)
    if len(given) < 3:
        raise _count(Function.EVALUATE, "a model, a label and features", values, span)
    label, *features = (_expression(value, Function.EVALUATE) for value in given[1:])
    return EvaluateRows(
        span=span, model=_model(given[0], first=True), label=label, features=tuple(features), config=config
    )


def _without_config(values: Sequence[Value]) -> tuple[Sequence[Value], tuple[ConfigItem, ...]]:
    last = values[-1] if values else None
    return (values[:-1], _config(last)) if isinstance(last, Config) else (values, ())


def _input(value: Value, function: Function) -> Input:
    if isinstance(value, InputTable | InputQuery):
        return value
    if isinstance(value, Plain) and value.name and len(value.name.parts) <= 3:
        return InputTable(value.name, value.span)
    raise _kind("a table: TABLE t, or (query),", value, function)


def _model(value: Value, *, first: bool = False) -> ModelArgument:
    if isinstance(value, ModelName):
        return value.model
    if isinstance(value, Plain):
        name = Ident(tuple(value.string.value.split(".")), value.span) if value.string else value.name
        if name and len(name.parts) <= 3:
            return model_of(name)
    which = "First" if first else "Second"
    raise problem("SR131", f"{which} operand must be a model identifier.", value.span, "write MODEL name")


def _descriptor(value: Value, function: Function) -> Descriptor:
    if isinstance(value, Descriptor):
        return value
    raise problem("SR131", "expected DESCRIPTOR(column, …) here", value.span, _usage(function))


def _label(value: Value | None) -> Ident | None:
    if value is None:
        return None
    found = _descriptor(value, Function.EVALUATE)
    if len(found.columns) != 1:
        message = f"Label descriptor must have exactly one column for evaluation, found {len(found.columns)}"
        raise problem("SR133", message, found.span, "write DESCRIPTOR(label)")
    return found.columns[0]


def _task(value: Value | None) -> Text | None:
    if value is None:
        return None
    if not isinstance(value, Plain) or value.string is None:
        shown = value.text.sql if isinstance(value, Plain) else "another argument"
        message = f"Expected a valid task string literal, but got: {shown}"
        raise problem("SR135", message, value.span, f"tasks: {', '.join(TASKS)}")
    name = value.string.value
    task = task_of(name)
    if task is None:
        listed = f"Supported tasks are: [{', '.join(TASKS)}]"
        raise problem(
            "SR135",
            f"Unsupported task: {name}. {listed}.",
            value.span,
            suggest(name, TASKS) or "use one of them",
        )
    return Text(task.value, value.span)


def _config(value: Value | None, function: Function = Function.PREDICT) -> tuple[ConfigItem, ...]:
    if value is None:
        return ()
    if not isinstance(value, Config):
        hint = "write MAP['key', 'value']"
        raise problem("SR134", "Config param should be a MAP.", value.span, hint)
    foreign = "service" if function is Function.SEARCH else "metric"
    for item in value.items:
        if item.key.value.casefold() == foreign:
            message = f"{function} has no config option {foreign!r}"
            raise problem("SR134", message, item.key.span, "remove it")
    return value.items


def _search_column(value: Value | None) -> Ident | None:
    match value:
        case None:
            return None
        case Descriptor(columns=(column,)):
            return column
        case Plain(string=Text(value=name)):
            return Ident((name,), value.span)
        case _:
            hint = "write DESCRIPTOR(column)"
            raise problem("SR133", "expected DESCRIPTOR with the one column to search", value.span, hint)


def _expression(value: Value, function: Function) -> QueryText:
    if isinstance(value, Plain):
        return value.text
    if isinstance(value, InputQuery):
        return QueryText(f"({value.query.sql})", value.span)
    raise _kind("an expression", value, function)


def _top_k(value: Value) -> int:
    text = value.text.sql.replace(" ", "") if isinstance(value, Plain) else ""
    if not text.lstrip("-").isdecimal() or len(text) > 10:
        raise problem("SR136", "top_k must be a whole number", value.span, "write TOP_K => 10")
    if int(text) <= 0:
        message = f"Parameter top_k must be greater than 0, but was {text}."
        raise problem("SR136", message, value.span, "write TOP_K => 10")
    return int(text)


def is_call(token: Token, following: Token | None) -> bool:
    """Whether a call begins at a token."""
    return token.key in FUNCTIONS and following is not None and following.key == "("


FUNCTIONS = frozenset(str(function) for function in Function)
