"""What is said about the word under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlrec.assist import describe
from sqlrec.assist.notation import IN_QUERIES, QUERY, Word
from sqlrec.assist.options import CHOOSING
from sqlrec.assist.queries import BEFORE_TABLES, BEGIN, tables_of
from sqlrec.assist.subject import Subject, subject_at
from sqlrec.assist.world import World
from sqlrec.codes.statements import StatementEntry, statement_entries
from sqlrec.errors import Span
from sqlrec.models.lookup import model_type
from sqlrec.plan.variables import BUILT_IN
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import Ident

LEFT_OUT = ("OR", "REPLACE", "TEMPORARY", "TEMP", "IF", "NOT", "EXISTS", "FORMATTED", "EXTENDED")


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about a piece of the script."""

    text: str
    span: Span


def hover(text: str, offset: int, world: World) -> Hover | None:
    """What is known of the word at a place: an option, a model type, a name, a statement."""
    subject = subject_at(text, offset, world)
    if subject is None:
        return None
    found = next((said for said in _said(subject) if said), "")
    return Hover(found, subject.span) if found else None


def _said(subject: Subject) -> Iterator[str]:
    """What may be said, the best first."""
    roles = subject.roles
    for role in roles:
        if isinstance(role.node, Word):
            continue
        about = _ABOUT.get(role.node.name)
        if about is not None:
            yield about(subject)
    if any(isinstance(role.node, Word) and role.node.text == subject.word.upper() for role in roles):
        yield from (describe.statement_text(entry) for entry in _statement(subject))
    if not subject.sketch.tokens and subject.word.upper() in BEGIN:
        yield from (describe.statement_text(e) for e in statement_entries() if e.name == QUERY)


def _statement(subject: Subject) -> Iterator[StatementEntry]:
    """The entry of the statement at hand: the one with most of its first words."""
    keys = [token.key for token in subject.own if token.key and token.key not in LEFT_OUT]
    known = sorted(statement_entries(), key=lambda entry: -len(entry.name))
    return (entry for entry in known if entry.name.split() == keys[: len(entry.name.split())])


def _key(subject: Subject) -> str:
    options = subject.sketch.options
    option = options.declared.find(subject.word) if options else None
    if option is not None:
        return describe.option_text(option)
    folded = canonical_key(subject.word)
    return f"**{folded}**: {CHOOSING[folded]}" if folded in CHOOSING else ""


def _value(subject: Subject) -> str:
    """A value that names a model type tells about the type; another about its option."""
    sketch = subject.sketch
    key = canonical_key(sketch.key)
    if sketch.verb == "CREATE" and key in CHOOSING:
        name = model_type({**sketch.given, key: subject.word})
        controller = sketch.names.controller_of(name) if name else None
        if controller is not None:
            return describe.type_text(controller)
    option = sketch.options.declared.find(sketch.key) if sketch.options and sketch.key else None
    return describe.option_text(option) if option else ""


def _model(subject: Subject) -> str:
    scope = subject.sketch.names
    if not 0 < len(subject.parts) <= 3 or not all(subject.parts):
        return ""
    spec = scope.model(scope.model_name(Ident(subject.parts, subject.span)))
    return describe.model_text(spec, scope) if spec else ""


def _service(subject: Subject) -> str:
    served = subject.sketch.names.service(subject.word)
    return describe.service_text(served) if served else ""


def _checkpoint(subject: Subject) -> str:
    model = subject.sketch.model
    made = subject.sketch.names.checkpoint(model, subject.word) if model else None
    return describe.checkpoint_text(made) if made else ""


def _table(subject: Subject) -> str:
    """A table that is declared or cached; of the warehouse's, those whose columns can be read."""
    scope = subject.sketch.names
    source = scope.table(Ident(subject.parts, subject.span))
    known = source.name.casefold() in (*scope.tables, *scope.caches)
    schema = scope.schema(source)
    return describe.table_text(source, schema) if known or len(schema) else ""


def _function(subject: Subject) -> str:
    if subject.word.casefold() in BUILT_IN:
        return f"**{subject.word}** ({', '.join(BUILT_IN[subject.word.casefold()])})"
    spec = subject.sketch.names.function(subject.word)
    return f"**function {spec.name}**\n\n```sql\n{spec.source}\n```" if spec else ""


def _api(subject: Subject) -> str:
    spec = subject.sketch.names.api(subject.word)
    return f"**API {spec.name}** of function `{spec.function}`" if spec else ""


def _named(subject: Subject) -> str:
    """The name after SHOW CREATE and a kind."""
    last = subject.sketch.keys[-1] if subject.sketch.keys else ""
    kind = {"VIEW": "table"}.get(last, last.lower())
    about = _ABOUT.get(kind)
    return about(subject) if about else ""


def _query(subject: Subject) -> str:
    """A function on models, a table or model after its word, or a column of the statement's tables."""
    word, last = subject.parts[-1], subject.sketch.keys[-1] if subject.sketch.keys else ""
    entry = next((e for e in statement_entries() if e.group == IN_QUERIES and e.name == word.upper()), None)
    if entry is not None:
        return describe.statement_text(entry)
    if last in BEFORE_TABLES:
        return _table(subject)
    if last == "MODEL":
        return _model(subject)
    scope = subject.sketch.names
    for table, _ in tables_of(subject.own):
        field = scope.schema(scope.table(table)).get(word)
        if field is not None:
            comment = f"\n\n{field.comment}" if field.comment else ""
            return f"**{field.name}** {field.type}, column of `{table.text}`{comment}"
    return ""


_ABOUT: dict[str, Callable[[Subject], str]] = {
    "api": _api,
    "checkpoint": _checkpoint,
    "condition": _query,
    "expression": _query,
    "function": _function,
    "key": _key,
    "model": _model,
    "name": _named,
    "query": _query,
    "service": _service,
    "table": _table,
    "text": _service,
    "value": _value,
}
