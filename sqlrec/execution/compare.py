"""Checkpoints of a model side by side: what was measured of each, and what each was made from and with.

For ``sqlrec checkpoints compare``; the first checkpoint is the one that the others are compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlrec.artifacts.store import files
from sqlrec.errors import SetupError, SqlRecError
from sqlrec.execution.find import ALIAS
from sqlrec.execution.inspect_rows import base_of, checkpoint_rows, known_model, moment
from sqlrec.execution.masking import masked, masked_options
from sqlrec.models.lookup import get_controller
from sqlrec.models.measuring.measures import TITLES, higher_is_better
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.options import stored_options
from sqlrec.registry.absent import no_alias, no_checkpoint
from sqlrec.registry.registry import ModelRegistry
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Parsed, Scope
from sqlrec.sql.script import parse
from sqlrec.sql.statements import ExportModel, TrainModel

Value = str | float | None

LESS_IS_BETTER = frozenset({"latency_ms", "bytes", "max_delta", "loss"})
MORE_IS_BETTER = frozenset({"rows_per_second"})
EQUAL = 1e-9
"""Numbers that differ by a smaller share are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing about all checkpoints, a value each, None where a checkpoint has none.

    ``direction`` is 1 when a larger number is better, -1 when a smaller one is, 0 when neither is.
    """

    section: str
    name: str
    values: tuple[Value, ...]
    direction: int = 0

    @property
    def changes(self) -> tuple[float | None, ...]:
        """Difference of each number from the first; None where one is missing or a text."""
        first, *others = self.values
        return (None, *(_difference(first, other) for other in others))

    @property
    def verdicts(self) -> tuple[bool | None, ...]:
        """Whether each is better than the first; None where it is as good, or nobody can say."""
        return tuple(
            None if not change or not self.direction else change * self.direction > 0
            for change in self.changes
        )


def find_compared(catalog: Catalog, model: ModelName, names: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints that are named: by name, by ``@alias`` or by version number.

    Raises ``NameNotFoundError`` SR205 for a model and SR207 for a checkpoint or an alias that does not exist.
    """
    known_model(catalog, model)
    return [_found(catalog, model, name) for name in names]


def _found(catalog: Catalog, model: ModelName, name: str) -> Checkpoint:
    if name.startswith(ALIAS):
        aliases, alias = catalog.aliases(model), name.removeprefix(ALIAS)
        if (aliased := aliases.get(alias.casefold())) is None:
            raise no_alias(model, alias, aliases)
        return aliased
    if (named := catalog.checkpoint(model, name)) is not None:
        return named
    versions = catalog.checkpoints(model)
    by_number = next((c for c in versions if str(c.version) == name), None)
    if by_number is None:
        raise no_checkpoint(model, name, (c.name for c in versions))
    return by_number


def compared(catalog: Catalog, registry: ModelRegistry, found: Sequence[Checkpoint]) -> list[Row]:
    """All rows in the order they are shown; of options and facts only those that differ."""
    return [
        *_facts(catalog, found),
        *_metrics(found),
        *_differing("option", [_options(registry.definition(c), c) for c in found]),
    ]


def _facts(catalog: Catalog, found: Sequence[Checkpoint]) -> Iterator[Row]:
    rows = {row.checkpoint.version: row for row in checkpoint_rows(catalog, found[0].model)}
    texts = [
        {
            "version": str(c.version),
            "type": c.kind.value,
            "finished": moment(c.created_at),
            "base": base_of(c),
            "tables": masked(c.facts.get("tables", "")),
            "image": c.facts.get("image", ""),
            "sqlrec": c.facts.get("sqlrec", ""),
            "aliases": ", ".join(f"@{alias}" for alias in rows[c.version].aliases),
            "served by": ", ".join(rows[c.version].services),
        }
        for c in found
    ]
    yield from _differing("made", texts, always=("version", "finished"))
    yield Row(section="made", name="rows", values=tuple(float(c.rows) for c in found))
    yield Row(section="made", name="seconds", values=tuple(c.seconds for c in found), direction=-1)
    yield Row(section="made", name="bytes", values=tuple(map(_bytes, found)), direction=-1)


def _bytes(checkpoint: Checkpoint) -> float | None:
    """Size of the files of a checkpoint, where they can be reached."""
    try:
        sizes = files(checkpoint.uri).values()
    except SetupError:
        return None
    return float(sum(sizes)) or None


def _metrics(found: Sequence[Checkpoint]) -> Iterator[Row]:
    names = dict.fromkeys(name for c in found for name in c.metrics if name != "rows")
    for name in sorted(names, key=_place):
        values = tuple(c.metrics.get(name) for c in found)
        yield Row(section="metric", name=name, values=values, direction=direction(name))


def _place(name: str) -> tuple[int, int, str]:
    """Metrics that are known first, in their order, those of training before those of evaluations."""
    titles = list(TITLES)
    known = _known(name)
    return (name.count("."), titles.index(known) if known else len(titles), name)


def _known(name: str) -> str:
    """The metric that a name such as ``evaluation.auc.click`` or ``int8.logloss`` speaks of."""
    return next((p.removeprefix("train_") for p in name.split(".") if p.removeprefix("train_") in TITLES), "")


def direction(name: str) -> int:
    """Whether more of a metric is better (1) or worse (-1); 0 when that is not known."""
    known, last = _known(name), name.rsplit(".", 1)[-1]
    if known:
        return 1 if higher_is_better(known) else -1
    return -1 if last in LESS_IS_BETTER else 1 if last in MORE_IS_BETTER else 0


def _options(model: ModelSpec, checkpoint: Checkpoint) -> dict[str, str]:
    """Options in force when the checkpoint was made: defaults, the model's, the statement's."""
    scope = Scope.TRAIN if checkpoint.kind is CheckpointKind.ORIGIN else Scope.EXPORT
    written = _written(checkpoint.statement)
    try:
        declared = get_controller(model.type).options
        effective = declared.effective(scope, model=model.options, statement=written)
    except SqlRecError:  # a type that is not installed here, or an option it no longer takes
        return {k: str(v) for k, v in masked_options({**model.options, **written}).items()}
    given = {key: _text(found.value) for key, found in effective.items() if found.value is not None}
    return {key: str(value) for key, value in masked_options(given, declared).items()}


def _written(statement: str) -> dict[str, OptionValue]:
    """Options of the statement that made a checkpoint; none when it is not to be read any more."""
    for made in parse(statement).statements:
        if isinstance(made, TrainModel | ExportModel):
            return stored_options(made.options)
    return {}


def _text(value: Parsed) -> OptionValue:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else value


def _differing(
    section: str, texts: Sequence[Mapping[str, str]], *, always: Iterable[str] = ()
) -> Iterator[Row]:
    for name in dict.fromkeys(name for each in texts for name in each):
        values = tuple(each.get(name) or None for each in texts)
        if len(set(values)) > 1 or name in always:
            yield Row(section=section, name=name, values=values)


def _difference(first: Value, other: Value) -> float | None:
    if not isinstance(first, int | float) or not isinstance(other, int | float):
        return None
    change = other - first
    return 0.0 if abs(change) <= EQUAL * max(abs(first), abs(other)) else change
