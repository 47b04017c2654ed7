"""TRAIN MODEL, EXPORT MODEL and EVALUATE MODEL."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor, SyntaxProblem, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import clauses, source
from sqlrec.sql.grammar.options import options
from sqlrec.sql.statements import DataSource, EvaluateModel, ExportModel, Ident, OptionItem, Text, TrainModel

TRAIN_ORDER = ("CHECKPOINT", "ON", "WHERE", "VALIDATE", "FROM", "WITH")
ORDER = ("CHECKPOINT", "ON", "WHERE", "WITH")


def train(cursor: Cursor) -> TrainModel:
    """TRAIN MODEL, after the word TRAIN."""
    cursor.expect("MODEL", context="after TRAIN")
    name = parts.name(cursor, "the model name", parts=3)
    checkpoint: Text | None = None
    data: DataSource | None = None
    validation: DataSource | None = None
    base: Text | None = None
    with_: tuple[OptionItem, ...] = ()
    for clause in clauses(cursor, TRAIN_ORDER):
        match clause:
            case "CHECKPOINT":
                checkpoint = parts.checkpoint_name(cursor)
            case "ON":
                data = source(cursor)
            case "VALIDATE":
                cursor.expect("ON", context="after VALIDATE")
                validation = source(cursor)
            case "FROM":
                base = parts.string(cursor, "the base checkpoint")
            case "WITH":
                with_ = options(cursor)
            case _:
                raise _where_alone(cursor)
    if checkpoint is None:
        raise _missing(cursor, "TRAIN MODEL needs CHECKPOINT = 'name'")
    if data is None:
        raise _missing(cursor, "TRAIN MODEL needs ON: the table, or (query), to train on")
    return TrainModel(
        span=cursor.span,
        name=name,
        checkpoint=checkpoint,
        data=data,
        validation=validation,
        base=base,
        options=with_,
    )


def export(cursor: Cursor) -> ExportModel:
    """EXPORT MODEL, after the word EXPORT."""
    name, checkpoint, sample, with_ = _measured(cursor, "EXPORT MODEL")
    return ExportModel(span=cursor.span, name=name, checkpoint=checkpoint, sample=sample, options=with_)


def evaluate(cursor: Cursor) -> EvaluateModel:
    """EVALUATE MODEL, after the word EVALUATE."""
    name, checkpoint, data, with_ = _measured(cursor, "EVALUATE MODEL")
    if data is None:
        raise _missing(cursor, "EVALUATE MODEL needs ON: the table, or (query), to measure on")
    return EvaluateModel(span=cursor.span, name=name, checkpoint=checkpoint, data=data, options=with_)


def _measured(cursor: Cursor, of: str) -> tuple[Ident, Text, DataSource | None, tuple[OptionItem, ...]]:
    """``MODEL name CHECKPOINT = 'name' [ON …] [WHERE …] [WITH …]``."""
    cursor.expect("MODEL", context=f"after {of.split()[0]}")
    name = parts.name(cursor, "the model name", parts=3)
    checkpoint: Text | None = None
    data: DataSource | None = None
    with_: tuple[OptionItem, ...] = ()
    for clause in clauses(cursor, ORDER):
        match clause:
            case "CHECKPOINT":
                checkpoint = parts.checkpoint_name(cursor)
            case "ON":
                data = source(cursor)
            case "WITH":
                with_ = options(cursor)
            case _:
                raise _where_alone(cursor)
    if checkpoint is None:
        raise _missing(cursor, f"{of} needs CHECKPOINT = 'name'")
    return name, checkpoint, data, with_


def _missing(cursor: Cursor, message: str) -> SyntaxProblem:
    first, second = cursor.tokens[0], cursor.tokens[1]
    return problem("SR101", message, first.span.to(second.span), "add the clause after the model's name")


def _where_alone(cursor: Cursor) -> SyntaxProblem:
    message = "WHERE needs ON before it: the table it filters"
    return problem("SR103", message, cursor.previous.span, "write ON table WHERE …")
