"""What a statement is made of, whichever it is: statements within it, queries, sources, options, names."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.sql import queries
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    Assert,
    CacheTable,
    Call,
    CallBody,
    CreateApi,
    CreateModel,
    CreateService,
    CreateView,
    DataSource,
    Describe,
    DropCheckpoint,
    EvaluateModel,
    Explain,
    ExportModel,
    Ident,
    If,
    Insert,
    ObjectKind,
    OptionItem,
    QueryText,
    RollbackService,
    Select,
    ServeCheckpoint,
    SetAlias,
    SetOptions,
    Statement,
    Text,
    TrainModel,
)


def inner(statement: Statement) -> tuple[Statement, ...]:
    """Statements within a statement."""
    match statement:
        case If(then=then, otherwise=otherwise):
            return (then, otherwise) if otherwise else (then,)
        case Explain(statement=explained):
            return (explained,)
        case _:
            return ()


def called(statement: Statement) -> CallBody | None:
    """The call that a statement makes."""
    match statement:
        case Call(body=body) | CacheTable(source=CallBody() as body):
            return body
        case _:
            return None


def query_of(statement: Statement) -> QueryText | None:
    """The query of a statement that has one, data sources aside."""
    match statement:
        case CacheTable(source=QueryText() as query) | CreateView(query=query):
            return query
        case Select(query=query) | Insert(query=query):
            return query
        case CreateModel(query=QueryText() as query):
            return query
        case Assert(query=query) | If(condition=query):
            return query
        case _:
            return None


def sources_of(statement: Statement) -> tuple[DataSource, ...]:
    """What stands after ON and VALIDATE ON."""
    match statement:
        case TrainModel(data=data, validation=validation):
            return (data, validation) if validation else (data,)
        case EvaluateModel(data=data) | ExportModel(sample=DataSource() as data):
            return (data,)
        case _:
            return ()


def options_of(statement: Statement) -> tuple[OptionItem, ...]:
    """Options as written: of WITH, or of SET in ALTER."""
    match statement:
        case CreateModel() | TrainModel() | ExportModel() | EvaluateModel() | CreateService() | CreateApi():
            return statement.options
        case AlterModel(change=SetOptions(options=options)):
            return options
        case AlterService(change=SetOptions(options=options) | ServeCheckpoint(options=options)):
            return options
        case _:
            return ()


def checkpoints_of(statement: Statement) -> Iterator[Text]:
    """Names of checkpoints that a statement makes or asks for."""
    match statement:
        case TrainModel(checkpoint=made, base=base):
            yield from (made, base) if base else (made,)
        case ExportModel(checkpoint=text) | EvaluateModel(checkpoint=text):
            yield text
        case CreateService():
            yield from (model.checkpoint for model in statement.models if model.checkpoint)
        case RollbackService(checkpoint=Text() as text):
            yield text
        case AlterModel(change=DropCheckpoint(checkpoint=text) | SetAlias(checkpoint=text)):
            yield text
        case AlterService(change=ServeCheckpoint(checkpoint=text)) | Describe(checkpoint=Text() as text):
            yield text
        case _:
            pass


def lowered_queries(statement: Statement) -> Iterator[queries.Lowered]:
    """The queries of a statement, data sources among them."""
    for source in sources_of(statement):
        yield queries.lower_source(source)
    query = query_of(statement)
    if query is not None:
        yield queries.lower(query)


def tables_of(statement: Statement) -> Iterator[Ident]:
    """Tables that a statement reads, at their places."""
    for lowered in lowered_queries(statement):
        yield from lowered.tables
        for call in lowered.calls:
            yield from call.tables
    body = called(statement)
    if body is not None:
        yield from (argument.value for argument in body.arguments if isinstance(argument.value, Ident))
    if isinstance(statement, Describe) and statement.kind in (ObjectKind.TABLE, ObjectKind.VIEW):
        yield statement.name
