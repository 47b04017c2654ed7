"""What there is to say about a thing, in Markdown: for hover, and beside what completion offers."""

from __future__ import annotations

from sqlrec.codes.index import Entry
from sqlrec.codes.statements import StatementEntry
from sqlrec.models.controller import ModelController
from sqlrec.plan.scope import Made, ScriptScope, Served
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Option, Parsed
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import TableFormat, TableSource

SHOWN_COLUMNS = 30


def option_summary(option: Option) -> str:
    """Type, range, default and whether it is required, in one line."""
    kind = " | ".join(option.choices) or str(option.kind)
    bounded = option.minimum is not None or option.maximum is not None
    facts = [kind, option.range_text if bounded else ""]
    facts.append("required" if option.required else f"default {default_text(option.default)}")
    return ", ".join(fact for fact in facts if fact)


def default_text(default: Parsed) -> str:
    """A default as it is written in an option."""
    if default is None or default in ((), ""):
        return "none"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def option_text(option: Option) -> str:
    """An option: what it is, where it may stand, what it means."""
    where = ", ".join(sorted(option.scopes))
    aliases = ", ".join(f"`{alias}`" for alias in option.aliases)
    names = f"\n\nOther names: {aliases}" if aliases else ""
    return f"**{option.key}** ({option_summary(option)}), in {where}\n\n{option.doc}{names}"


def type_text(controller: ModelController) -> str:
    """A model type with the names of its options."""
    keys = ", ".join(f"`{option.key}`" for option in controller.options.options)
    return f"**{controller.type}**\n\n{controller.doc}\n\nOptions: {keys}"


def statement_text(entry: StatementEntry) -> str:
    """A statement: what it does and its grammar."""
    return f"**{entry.name}**\n\n{entry.text}\n\n```sql\n{entry.grammar}\n```"


def code_text(entry: Entry) -> str:
    """A code of a finding: what it means and what to do."""
    return f"**{entry.code}: {entry.title}**\n\n{entry.meaning}\n\n{entry.fix}"


def model_text(spec: ModelSpec, names: ScriptScope) -> str:
    """A model: its type, columns and checkpoints."""
    made = ", ".join(f"`{c.name}`" for c in names.known_checkpoints(spec.name))
    lines = [f"**model {spec.name}** ({spec.type})", _columns(spec.columns)]
    lines += [f"Checkpoints: {made}"] if made else []
    return "\n\n".join(line for line in (*lines, spec.comment) if line)


def service_text(served: Served) -> str:
    """A service: what it serves."""
    members = (f"model `{m.model}`{_at(m.checkpoint)}" for m in served.members)
    return f"**service {served.name}**\n\n{'; '.join(members)}"


def _at(checkpoint: str) -> str:
    return f", checkpoint `{checkpoint}`" if checkpoint else ""


def checkpoint_text(made: Made) -> str:
    """A checkpoint: what kind it is and what it was made from."""
    source = f" of `{made.source}`" if made.source else ""
    return f"**checkpoint {made.name}**\n\n{made.kind}{source}, {made.status}"


def table_text(table: TableSource, columns: Schema) -> str:
    """A table: where its rows are, and its columns."""
    where = {TableFormat.CACHE: "cached", TableFormat.WAREHOUSE: "of the warehouse"}.get(
        table.format, f"{table.format} files at `{table.path}`"
    )
    return "\n\n".join(line for line in (f"**table {table.name}** ({where})", _columns(columns)) if line)


def _columns(columns: Schema) -> str:
    shown = [f"`{field.name}` {field.type}" for field in columns][:SHOWN_COLUMNS]
    more = [f"and {len(columns) - SHOWN_COLUMNS} more"] if len(columns) > SHOWN_COLUMNS else []
    return ", ".join([*shown, *more])
