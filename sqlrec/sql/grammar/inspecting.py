"""SHOW, DESCRIBE and SHOW CREATE."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor, SyntaxProblem, closest, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Describe, ObjectKind, Show, ShowCreate, Text

LISTED = {
    ("MODELS",): ObjectKind.MODEL,
    ("SERVICES",): ObjectKind.SERVICE,
    ("CHECKPOINTS",): ObjectKind.CHECKPOINT,
    ("APIS",): ObjectKind.API,
    ("SQL", "FUNCTIONS"): ObjectKind.FUNCTION,
    ("TABLES",): ObjectKind.TABLE,
    ("VIEWS",): ObjectKind.VIEW,
    ("DATABASES",): ObjectKind.DATABASE,
    ("CATALOGS",): ObjectKind.CATALOG,
}
"""Words after SHOW."""
CREATED = (
    *(ObjectKind.MODEL, ObjectKind.SERVICE, ObjectKind.API),
    *(ObjectKind.FUNCTION, ObjectKind.TABLE, ObjectKind.VIEW),
)
"""Kinds after SHOW CREATE."""
DESCRIBED = (ObjectKind.MODEL, ObjectKind.SERVICE, ObjectKind.FUNCTION, ObjectKind.API, ObjectKind.TABLE)
"""Kinds after DESCRIBE."""
PARTS = {ObjectKind.MODEL: 3, ObjectKind.SERVICE: 2, ObjectKind.TABLE: 3, ObjectKind.VIEW: 3}
"""How many parts the names of a kind have when it is more than one."""


def show(cursor: Cursor) -> Show | ShowCreate:
    """SHOW, after its word."""
    if cursor.accept("CREATE"):
        return _show_create(cursor)
    kind = next((kind for words, kind in LISTED.items() if cursor.accept(*words)), None)
    if kind is None:
        raise _unknown(cursor, [" ".join(words) for words in LISTED], "SHOW")
    of = None
    named = cursor.accept("FROM") or cursor.accept("IN")
    if kind is ObjectKind.CHECKPOINT:
        of = parts.name(cursor, "the model name", parts=3)
    elif named:
        of = parts.name(cursor, "the database name", parts=2)
    negated = cursor.accept("NOT")
    like: Text | None = None
    if negated or cursor.at("LIKE"):
        cursor.expect("LIKE", context="after NOT" if negated else "")
        like = parts.string(cursor, "the pattern")
    elif cursor.at("ILIKE"):
        raise cursor.unexpected("LIKE", hint="LIKE does not regard case")
    parts.end(cursor)
    return Show(span=cursor.span, kind=kind, of=of, like=like, negated=negated)


def _show_create(cursor: Cursor) -> ShowCreate:
    kind = _kind(cursor, CREATED)
    if kind is None:
        raise _unknown(cursor, CREATED, "SHOW CREATE")
    name = parts.name(cursor, f"the {_noun(kind)} name", parts=PARTS.get(kind, 1))
    parts.end(cursor)
    return ShowCreate(span=cursor.span, kind=kind, name=name)


def describe(cursor: Cursor) -> Describe:
    """DESCRIBE | DESC, after its word. Its further words are names when nothing follows them."""
    formatted = False
    if cursor.peek().key in ("FORMATTED", "EXTENDED") and cursor.peek(1).kind in parts.NAMES:
        cursor.next()
        formatted = True
    kind = _kind(cursor, DESCRIBED)
    if kind is None:
        if cursor.peek().kind is Kind.WORD and cursor.peek(1).kind in parts.NAMES:
            if cursor.peek(1).key == "CHECKPOINT":
                raise cursor.unexpected(
                    "MODEL before a model's name", hint="write DESCRIBE MODEL … CHECKPOINT = …"
                )
            raise _unknown(cursor, DESCRIBED, "DESCRIBE")
        kind = ObjectKind.TABLE
    name = parts.name(cursor, f"the {_noun(kind)} name", parts=PARTS.get(kind, 1))
    checkpoint: Text | None = None
    if kind is ObjectKind.MODEL and cursor.accept("CHECKPOINT"):
        checkpoint = parts.checkpoint_name(cursor)
    parts.end(cursor)
    return Describe(span=cursor.span, kind=kind, name=name, checkpoint=checkpoint, formatted=formatted)


def _kind(cursor: Cursor, kinds: tuple[ObjectKind, ...]) -> ObjectKind | None:
    """Read the words of a kind, if a name follows them."""
    for kind in kinds:
        words = kind.split()
        if cursor.at(*words) and cursor.peek(len(words)).kind in parts.NAMES:
            cursor.accept(*words)
            return kind
    return None


def _noun(kind: ObjectKind) -> str:
    return kind if kind is ObjectKind.API else kind.lower().replace("sql ", "")


def _unknown(cursor: Cursor, known: list[str] | tuple[ObjectKind, ...], verb: str) -> SyntaxProblem:
    word = cursor.peek()
    shown = f"{', '.join(known[:-1])} or {known[-1]}"
    if word.kind is not Kind.WORD:
        return cursor.unexpected(f"{shown} after {verb}")
    if word.key in (kind.split()[0] for kind in known):
        cursor.next()
        expected = f"FUNCTION{'S' if verb == 'SHOW' else ''}" if word.key == "SQL" else "a name"
        return cursor.unexpected(f"{expected} after {verb} {word.key}")
    last = {kind.split()[-1]: kind for kind in known}
    close = last.get(word.key) or last.get(closest(word.value, last), "")
    hint = f"Did you mean {verb} {close}?" if close else f"{verb} takes {shown}"
    return problem("SR111", f"unknown {verb} target '{word.value}'", word.span, hint)
