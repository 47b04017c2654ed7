"""CREATE MODEL and DROP MODEL."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import columns, parts
from sqlrec.sql.grammar.clauses import clauses, query
from sqlrec.sql.grammar.options import options
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Columns, CreateModel, DropModel, OptionItem, QueryText, Text

ORDER = ("INPUT", "OUTPUT", "COMMENT", "WITH", "AS")
BOTH_FORMS = "a model has either a plain column list or INPUT/OUTPUT, not both"


def create_model(cursor: Cursor, *, replace: bool, temporary: bool) -> CreateModel:
    """CREATE [OR REPLACE] [TEMPORARY] MODEL, after the word MODEL."""
    if_not_exists = if_absent(cursor, replace=replace)
    name = parts.name(cursor, "the model name", parts=3)
    plain = columns.columns(cursor, "") if cursor.at("(") else None
    signature: dict[str, Columns] = {}
    comment: Text | None = None
    with_: tuple[OptionItem, ...] = ()
    as_: QueryText | None = None
    for clause in clauses(cursor, ORDER, either=("INPUT", "OUTPUT")):
        match clause:
            case "INPUT" | "OUTPUT":
                if plain is not None:
                    cursor.report("SR107", BOTH_FORMS, cursor.previous.span)
                signature[clause] = columns.columns(cursor, f"after {clause}")
            case "COMMENT":
                comment = parts.string(cursor, "the comment")
            case "WITH":
                with_ = options(cursor)
            case _:
                as_ = query(cursor)
    if plain is None:
        _check_signature(cursor, signature, as_)
    return CreateModel(
        span=cursor.span,
        name=name,
        columns=plain,
        inputs=signature.get("INPUT"),
        outputs=signature.get("OUTPUT"),
        options=with_,
        query=as_,
        comment=comment,
        replace=replace,
        temporary=temporary,
        if_not_exists=if_not_exists,
    )


def _check_signature(cursor: Cursor, signature: dict[str, Columns], as_: QueryText | None) -> None:
    """Both of INPUT and OUTPUT or none, none beside AS, and no name in both. Messages as Flink's."""
    for given, other in (("INPUT", "OUTPUT"), ("OUTPUT", "INPUT")):
        if given in signature and other not in signature:
            message = (
                f"{other.capitalize()} column list can not be empty "
                f"with non-empty {given.lower()} column list."
            )
            cursor.report("SR107", message, signature[given].span)
        if given in signature and as_ is not None:
            message = (
                f"CREATE MODEL AS SELECT syntax does not support to specify explicit {given.lower()} columns."
            )
            cursor.report("SR107", message, signature[given].span)
    if len(signature) == 2:
        _check_clash(cursor, signature["INPUT"], signature["OUTPUT"])


def _check_clash(cursor: Cursor, inputs: Columns, outputs: Columns) -> None:
    taken = {column.name.text.casefold() for column in inputs.items}
    for column in outputs.items:
        if column.name.text.casefold() in taken:
            message = f"Field '{column.name.text}' exists in both input fields and output fields"
            cursor.report("SR108", message, column.name.span)


def if_absent(cursor: Cursor, *, replace: bool) -> bool:
    """``IF NOT EXISTS``, which OR REPLACE excludes."""
    start = cursor.peek()
    found = cursor.at("IF", "NOT") or cursor.at("IF", "EXISTS")
    if found:
        cursor.expect("IF", "NOT", "EXISTS")
    if found and replace:
        message = "OR REPLACE and IF NOT EXISTS exclude each other"
        cursor.report("SR107", message, start.span.to(cursor.previous.span))
    return found


def if_present(cursor: Cursor) -> bool:
    """``IF EXISTS``."""
    if cursor.at("IF") and cursor.peek(1).kind is Kind.WORD:
        cursor.expect("IF", "EXISTS")
        return True
    return False


def drop_model(cursor: Cursor, *, temporary: bool) -> DropModel:
    """DROP [TEMPORARY] MODEL, after the word MODEL."""
    if_exists = if_present(cursor)
    name = parts.name(cursor, "the model name", parts=3)
    parts.end(cursor)
    return DropModel(span=cursor.span, name=name, if_exists=if_exists, temporary=temporary)
