"""Random statements of every production, as a parser would give them, all places left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from sqlrec.sql.grammar.control import cached_table
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    Assert,
    Assignment,
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Chunks,
    CreateApi,
    CreateDatabase,
    CreateFunction,
    CreateModel,
    CreateService,
    CreateTable,
    CreateView,
    Declare,
    DefineInput,
    Delete,
    Describe,
    DropAlias,
    DropApi,
    DropCheckpoint,
    DropDatabase,
    DropFunction,
    DropModel,
    DropService,
    DropTable,
    DropView,
    EvaluateModel,
    Explain,
    ExportModel,
    Flush,
    Ident,
    If,
    Insert,
    InsertMode,
    LikeFunction,
    Namespace,
    ObjectKind,
    Promote,
    RenameTo,
    ResetOption,
    Return,
    RollbackService,
    Select,
    ServeCheckpoint,
    ServiceModel,
    SetAlias,
    SetOption,
    Show,
    ShowCreate,
    Statement,
    TrainModel,
    Truncate,
    Update,
    Use,
    Variable,
)
from tests.sql.statement_parts import (
    ALIASES,
    CHANGED,
    CONDITIONS,
    EXPRESSIONS,
    FLAG,
    KEYS,
    LABELS,
    MAYBE_TEXT,
    OPTIONS,
    QUERIES,
    SOURCES,
    TEXTS,
    TYPES,
    VALUES,
    VARIABLES,
    B,
    S,
    columns,
    idents,
    several,
    table_columns,
)


@st.composite
def calls(draw: st.DrawFn, *, may_wait: bool = True) -> CallBody:
    """A call that keeps the rules among its clauses."""
    function = draw(idents() | VARIABLES)
    arguments = draw(st.lists(st.builds(CallArgument, idents(3) | TEXTS | VARIABLES), max_size=3))
    tables = [a.value for a in arguments if isinstance(a.value, Ident) and len(a.value.parts) == 1]
    likes = idents() | st.builds(LikeFunction, LABELS)
    like = draw(likes if isinstance(function, Variable) else st.none() | likes)
    chunks = draw(st.builds(Chunks, st.sampled_from(tables), st.integers(1, 99), B)) if tables else None
    return CallBody(function, tuple(arguments), S, like, chunks, may_wait and draw(FLAG))


def _flags(pair: tuple[bool, bool]) -> dict[str, bool]:
    return {"replace": pair[0], "if_not_exists": pair[1]}


FLAGS = st.sampled_from([(False, False), (True, False), (False, True)]).map(_flags)


@st.composite
def models(draw: st.DrawFn) -> CreateModel:
    """CREATE MODEL in its forms."""
    form = draw(st.sampled_from(["plain", "signature", "query", "bare"]))
    return CreateModel(
        span=S,
        name=draw(idents(3)),
        columns=draw(columns()) if form == "plain" else None,
        inputs=draw(columns("i")) if form == "signature" else None,
        outputs=draw(columns("o")) if form == "signature" else None,
        options=draw(OPTIONS),
        query=draw(QUERIES) if form == "query" else None,
        comment=draw(MAYBE_TEXT),
        temporary=draw(FLAG),
        **draw(FLAGS),
    )


@st.composite
def services(draw: st.DrawFn) -> CreateService:
    """CREATE SERVICE."""
    name, model = draw(idents(2)), draw(idents(3))
    checkpoint, options = draw(st.none() | LABELS), draw(OPTIONS)
    members = st.builds(ServiceModel, name=idents(3), checkpoint=st.none() | LABELS)
    return CreateService(
        span=S,
        name=name,
        model=model,
        checkpoint=checkpoint,
        others=tuple(draw(st.lists(members, max_size=2))),
        options=options,
        **draw(FLAGS),
    )


@st.composite
def declarations(draw: st.DrawFn) -> Declare:
    """DECLARE."""
    default = draw(st.none() | VALUES)
    span = None if default is None else S
    name, type_ = draw(idents()), draw(TYPES)
    return Declare(span=S, name=name, type=type_, type_span=S, default=default, default_span=span)


@st.composite
def shows(draw: st.DrawFn) -> Show:
    """SHOW, and SET alone."""
    kinds = [kind for kind in ObjectKind if kind is not ObjectKind.SETTING]
    kind = draw(st.sampled_from(kinds))
    like = draw(MAYBE_TEXT)
    of = draw(idents(3) if kind is ObjectKind.CHECKPOINT else st.none() | idents(2))
    shown = Show(span=S, kind=kind, of=of, like=like, negated=like is not None and draw(FLAG))
    return draw(st.just(shown) | st.just(Show(span=S, kind=ObjectKind.SETTING)))


PARTS = {ObjectKind.MODEL: 3, ObjectKind.SERVICE: 2, ObjectKind.TABLE: 3, ObjectKind.VIEW: 3}


@st.composite
def descriptions(draw: st.DrawFn) -> Describe | ShowCreate:
    """DESCRIBE and SHOW CREATE."""
    kinds = ("MODEL", "SERVICE", "SQL FUNCTION", "API", "TABLE", "VIEW")
    kind = ObjectKind(draw(st.sampled_from(kinds)))
    name = draw(idents(PARTS.get(kind, 1)))
    if kind is ObjectKind.VIEW or draw(FLAG):
        return ShowCreate(span=S, kind=kind, name=name)
    checkpoint = draw(st.none() | LABELS) if kind is ObjectKind.MODEL else None
    return Describe(span=S, kind=kind, name=name, checkpoint=checkpoint, formatted=draw(FLAG))


def _dropped(
    of: Callable[..., Statement], parts: int, **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[Statement]:
    return st.builds(of, span=B, name=idents(parts), if_exists=FLAG, **more)


MODEL_CHANGES = (
    CHANGED
    | st.builds(RenameTo, idents(3))
    | st.builds(DropCheckpoint, LABELS, FLAG)
    | st.builds(SetAlias, ALIASES, LABELS)
    | st.builds(DropAlias, ALIASES, FLAG)
)
SERVICE_CHANGES = CHANGED | st.builds(ServeCheckpoint, LABELS, OPTIONS) | st.builds(Promote)
USES = st.builds(Use, span=B, name=idents(), kind=st.just(Namespace.CATALOG)) | st.builds(
    Use, span=B, name=idents(2)
)
ASSIGNMENTS = st.lists(st.builds(Assignment, idents(), EXPRESSIONS), min_size=1, max_size=3).map(tuple)
MODELS: st.SearchStrategy[Statement] = st.one_of(
    models(),
    _dropped(DropModel, 3, temporary=FLAG),
    _dropped(AlterModel, 3, change=MODEL_CHANGES),
    st.builds(
        TrainModel,
        span=B,
        name=idents(3),
        checkpoint=LABELS,
        data=SOURCES,
        validation=st.none() | SOURCES,
        base=MAYBE_TEXT,
        options=OPTIONS,
    ),
    st.builds(
        ExportModel, span=B, name=idents(3), checkpoint=LABELS, sample=st.none() | SOURCES, options=OPTIONS
    ),
    st.builds(EvaluateModel, span=B, name=idents(3), checkpoint=LABELS, data=SOURCES, options=OPTIONS),
    services(),
    _dropped(DropService, 2),
    _dropped(AlterService, 2, change=SERVICE_CHANGES),
    st.builds(RollbackService, span=B, name=idents(2), checkpoint=st.none() | LABELS),
)
TABLES: st.SearchStrategy[Statement] = st.one_of(
    st.builds(
        CreateTable,
        span=B,
        name=idents(3),
        body=st.none() | table_columns(),
        partitioned_by=several(idents()),
        options=OPTIONS,
        comment=MAYBE_TEXT,
        temporary=FLAG,
        if_not_exists=FLAG,
    ),
    st.builds(
        CreateView,
        span=B,
        name=idents(3),
        query=QUERIES,
        columns=several(idents()),
        comment=MAYBE_TEXT,
        temporary=FLAG,
        if_not_exists=FLAG,
    ),
    st.builds(
        CreateDatabase, span=B, name=idents(2), comment=MAYBE_TEXT, options=OPTIONS, if_not_exists=FLAG
    ),
    _dropped(DropTable, 3, temporary=FLAG),
    _dropped(DropView, 3, temporary=FLAG),
    _dropped(DropDatabase, 2, cascade=FLAG),
    st.builds(CacheTable, span=B, name=idents(), source=calls(may_wait=False) | QUERIES),
    st.builds(Call, span=B, body=calls()),
    st.builds(Select, span=B, query=QUERIES),
    st.builds(
        Insert,
        span=B,
        table=idents(3),
        query=QUERIES,
        mode=st.sampled_from(InsertMode),
        columns=several(idents()),
    ),
    st.builds(Truncate, span=B, table=idents(3)),
    st.builds(Delete, span=B, table=idents(3), where=st.none() | CONDITIONS),
    st.builds(Update, span=B, table=idents(3), assignments=ASSIGNMENTS, where=st.none() | CONDITIONS),
)
SESSION: st.SearchStrategy[Statement] = st.one_of(
    st.builds(SetOption, span=B, key=KEYS, value=VALUES, value_span=B),
    st.builds(ResetOption, span=B, key=st.none() | KEYS),
    USES,
    shows(),
    descriptions(),
    st.builds(Assert, span=B, query=QUERIES),
    st.builds(Flush, span=B),
    st.builds(CreateApi, span=B, name=idents(), function=idents(), options=OPTIONS, replace=FLAG),
    _dropped(DropApi, 1),
    _dropped(DropFunction, 1),
)
OF_SCRIPTS: st.SearchStrategy[Statement] = st.one_of(
    declarations(),
    st.builds(CreateFunction, span=B, name=idents(), replace=FLAG),
    st.builds(DefineInput, span=B, name=idents(), like=idents(3)),
    st.builds(DefineInput, span=B, name=idents(), columns=columns()),
    st.builds(Return, span=B, table=st.none() | idents()),
)


@st.composite
def _holding(draw: st.DrawFn, inner: st.SearchStrategy[Statement]) -> Statement:
    """IF and EXPLAIN of other statements, the rules about branches kept."""
    then = draw(inner)
    if draw(FLAG):
        return Explain(span=S, statement=then)
    table = cached_table(then)
    if table is None:
        others = inner.filter(lambda statement: cached_table(statement) is None)
    else:
        others = st.builds(CacheTable, span=B, name=st.just(table), source=QUERIES)
    otherwise = draw(st.none() | others)
    timein = table is not None and otherwise is not None and draw(FLAG)
    return If(span=S, condition=draw(QUERIES), then=then, otherwise=otherwise, timein=timein)


STATEMENTS = OF_SCRIPTS | st.recursive(MODELS | TABLES | SESSION, _holding, max_leaves=4)
"""Statements of every production."""
