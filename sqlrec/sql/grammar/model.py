"""CREATE MODEL, ALTER MODEL and DROP MODEL."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import columns, parts
from sqlrec.sql.grammar.clauses import clauses, query
from sqlrec.sql.grammar.options import keys, new_options, options
from sqlrec.sql.statements import (
    AlterModel,
    Columns,
    CreateModel,
    DropAlias,
    DropCheckpoint,
    DropModel,
    OptionItem,
    QueryText,
    RenameTo,
    ResetOptions,
    SetAlias,
    SetOptions,
    Text,
)

ORDER = ("INPUT", "OUTPUT", "COMMENT", "WITH", "AS")
CHANGES = ("RENAME", "SET", "RESET", "DROP")
BOTH_FORMS = "a model has either a plain column list or INPUT/OUTPUT, not both"


def create_model(cursor: Cursor, *, replace: bool, temporary: bool) -> CreateModel:
    """CREATE [OR REPLACE] [TEMPORARY] MODEL, after the word MODEL."""
    if_not_exists = parts.if_absent(cursor, replace=replace)
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
                    cursor.report("SR107", BOTH_FORMS, cursor.previous.span, "keep one of the two forms")
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
            cursor.report("SR107", message, signature[given].span, f"add {other} (name TYPE, …)")
        if given in signature and as_ is not None:
            message = (
                f"CREATE MODEL AS SELECT syntax does not support to specify explicit {given.lower()} columns."
            )
            cursor.report(
                "SR107", message, signature[given].span, f"leave {given} out: the query has columns"
            )
    if len(signature) == 2:
        _check_clash(cursor, signature["INPUT"], signature["OUTPUT"])


def _check_clash(cursor: Cursor, inputs: Columns, outputs: Columns) -> None:
    taken = {column.name.text.casefold() for column in inputs.items}
    for column in outputs.items:
        if column.name.text.casefold() in taken:
            message = f"Field '{column.name.text}' exists in both input fields and output fields"
            hint = "rename one of them: the model's answer is added to the columns of the table"
            cursor.report("SR108", message, column.name.span, hint)


def drop_model(cursor: Cursor, *, temporary: bool) -> DropModel:
    """DROP [TEMPORARY] MODEL, after the word MODEL."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the model name", parts=3)
    parts.end(cursor)
    return DropModel(span=cursor.span, name=name, if_exists=if_exists, temporary=temporary)


def alter_model(cursor: Cursor) -> AlterModel:
    """ALTER MODEL, after the word MODEL."""
    if_exists = parts.if_present(cursor, *CHANGES)
    name = parts.name(cursor, "the model name", parts=3)
    change = _change(cursor)
    parts.end(cursor)
    return AlterModel(span=cursor.span, name=name, change=change, if_exists=if_exists)


def _change(
    cursor: Cursor,
) -> RenameTo | SetOptions | ResetOptions | DropCheckpoint | SetAlias | DropAlias:
    if cursor.accept("RENAME"):
        cursor.expect("TO", context="after RENAME")
        return RenameTo(parts.name(cursor, "the new model name", parts=3))
    if cursor.accept("SET"):
        return (
            _set_alias(cursor) if cursor.accept("ALIAS") else SetOptions(new_options(cursor, "ALTER MODEL"))
        )
    if cursor.accept("RESET"):
        return ResetOptions(keys(cursor, "ALTER MODEL"))
    if cursor.accept("DROP"):
        if_exists = parts.if_present(cursor)
        if cursor.accept("CHECKPOINT"):
            return DropCheckpoint(parts.checkpoint_name(cursor), if_exists)
        if cursor.accept("ALIAS"):
            return DropAlias(_alias(cursor), if_exists)
        raise parts.unknown(cursor, ("CHECKPOINT", "ALIAS"), "after DROP")
    raise parts.unknown(cursor, ("RENAME TO", "SET", "RESET", "DROP"), "after the model name")


def _set_alias(cursor: Cursor) -> SetAlias:
    alias = _alias(cursor)
    cursor.expect("=", context="after the alias")
    return SetAlias(alias, parts.label(cursor, "the checkpoint name"))


def _alias(cursor: Cursor) -> Text:
    found = parts.label(cursor, "the alias")
    if found.value.startswith("@"):
        hint = f"write '{found.value.lstrip('@')}': the @ belongs to CHECKPOINT = '@alias'"
        cursor.report("SR104", "an alias is given without '@'", found.span, hint)
    return found
