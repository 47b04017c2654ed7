"""The conditions of a lowered query, one by one: which of them choose partitions can be told from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from sqlrec.sql.reading import DIALECT


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions that AND joins. ``columns`` are the columns of the table it tests.

    They are empty when that is not clear: over a subquery, or with a subquery in the condition.
    """

    text: str
    columns: tuple[str, ...]


def conditions(query: str, parameters: Mapping[str, str]) -> tuple[Condition, ...]:
    """What the outermost WHERE of ``query`` demands, parameters shown by their templates."""
    (tree,) = DIALECT.parse(query)
    where = tree.args.get("where") if tree else None
    if tree is None or where is None:
        return ()
    source = tree.args["from_"].this
    return tuple(
        Condition(_text(part, parameters), _columns(part) if isinstance(source, exp.Table) else ())
        for part in _parts(where.this)
    )


def _parts(condition: exp.Expr) -> list[exp.Expr]:
    bare = condition.unnest()
    if isinstance(bare, exp.And):
        return [*_parts(bare.left), *_parts(bare.right)]
    return [bare]


def _columns(condition: exp.Expr) -> tuple[str, ...]:
    if condition.find(exp.Query):
        return ()
    return tuple(dict.fromkeys(column.name for column in condition.find_all(exp.Column)))


def _text(condition: exp.Expr, parameters: Mapping[str, str]) -> str:
    shown = condition.transform(lambda node: _template(node, parameters))
    return shown.sql(DIALECT)


def _template(node: exp.Expr, parameters: Mapping[str, str]) -> exp.Expr:
    template = parameters.get(node.name) if isinstance(node, exp.Parameter | exp.Placeholder) else None
    return node if template is None else exp.Literal.string(template)
