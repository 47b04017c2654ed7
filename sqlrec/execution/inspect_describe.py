"""DESCRIBE of models, checkpoints, functions and APIs.

Without FORMATTED the columns are shown; with it, sections of names and values, as Hive and Flink lay them
out. A model name may end with a version (``m$2``): the definition is the one that version was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.ddl import declared_options, function_ddl
from sqlrec.execution.find import find_checkpoint, find_model
from sqlrec.execution.inspect_rows import (
    CheckpointRow,
    base_of,
    checkpoint_rows,
    moment,
    numbers,
    table,
)
from sqlrec.execution.masking import masked, masked_options
from sqlrec.execution.outcome import Preview
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.plan.plan import InspectStep
from sqlrec.registry.view import RegistryCatalog
from sqlrec.spec.function import ApiSpec, FunctionSpec, ProgramIf, ProgramScore, ProgramStep
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Field, Schema

COLUMNS = ("name", "type", "null", "role", "comment")
SECTIONS = ("col_name", "data_type")
FACTS = ("property", "value")
VERSION = "$"
"""What stands between a model's name and a version of it."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Described:
    """A definition. ``version`` is the version that the name asked for; a temporary one has none."""

    model: ModelSpec
    version: Checkpoint | None = None
    temporary: bool = False


def named_model(step: InspectStep, call: Call) -> Described:
    """The definition that a statement names; raises SR205, or SR207 for a version that is not there."""
    if step.temporary:
        return Described(step.temporary[0], temporary=True)
    registry, name = call.env.registry, ModelName.parse(step.name)
    base, mark, version = name.name.rpartition(VERSION)
    if not mark or registry.model(name) is not None:
        return Described(find_model(registry, name))
    model = find_model(registry, ModelName(name.catalog, name.database, base))
    if version.casefold() == "all":
        return Described(model)
    found = registry.version(model.name, int(version)) if version.isdecimal() else None
    if found is None:
        known = [str(c.version) for c in registry.checkpoints(model.name)]
        listed = f"versions: {', '.join(known[-10:])}" if known else f"model {model.name} has no version yet"
        raise NameNotFoundError("SR207", f"version not exists: {version} for model {model.name}", hint=listed)
    return Described(registry.definition(found), found)


def describe_model(step: InspectStep, call: Call) -> Preview:
    """A model's columns, all there is about it, or how one of its checkpoints was made."""
    described = named_model(step, call)
    if step.checkpoint:
        name = described.model.name
        return table(
            FACTS, _lineage(find_checkpoint(call.env.registry, name, step.checkpoint, call.key.run), call)
        )
    if not step.formatted:
        return table(COLUMNS, _model_columns(described.model))
    return table(SECTIONS, _model_sections(described, call))


def _model_columns(model: ModelSpec) -> Iterator[tuple[str, ...]]:
    labels = {label.casefold() for label in model.labels}
    for field in model.columns:
        feature = "feature" if labels else "input"
        yield _column(field, "label" if field.name.casefold() in labels else feature)
    for field in model.outputs:
        yield _column(field, "output")


def _column(field: Field, role: str) -> tuple[str, ...]:
    return field.name, str(field.type), str(field.nullable).upper(), role, masked(field.comment)


def _model_sections(described: Described, call: Call) -> Iterator[Pair]:
    model = described.model
    yield from section("Model Information", _model_facts(described))
    yield from section("Input Fields", _fields(model.columns))
    yield from section("Output Fields", _fields(model.outputs))
    options = masked_options(model.options, declared_options(model))
    yield from section("Model Parameters", ((key, shown(value)) for key, value in options.items()))
    rows = [] if described.temporary else checkpoint_rows(RegistryCatalog(call.env.registry), model.name)
    if described.version:
        rows = [row for row in rows if row.checkpoint.version == described.version.version]
    yield from section("Checkpoint Information", _checkpoints(rows))


def _model_facts(described: Described) -> Iterator[Pair]:
    model = described.model
    yield "Name", model.name.name
    yield "Database", model.name.database
    yield "Catalog", model.name.catalog
    yield "Type", model.type
    yield "Comment", masked(model.comment)
    yield "Temporary", shown(described.temporary)
    yield "Digest", model.digest
    if described.version:
        yield "Version", str(described.version.version)


def _fields(schema: Schema) -> Iterator[Pair]:
    for field in schema:
        null = "" if field.nullable else " NOT NULL"
        comment = f" COMMENT '{masked(field.comment)}'" if field.comment else ""
        yield field.name, f"{field.type}{null}{comment}"


def _checkpoints(rows: Iterable[CheckpointRow]) -> Iterator[Pair]:
    for index, row in enumerate(rows):
        if index:
            yield "", ""
        made = row.checkpoint
        yield "Name", made.name
        yield "Version", str(made.version)
        yield "Type", made.kind.value
        yield "Status", made.status.value
        yield from _given(("Base", base_of(made)), ("Metrics", numbers(made.metrics)))
        yield from _given(("Classes", masked(made.facts.get("classes", ""))))
        yield "Started", moment(row.started)
        yield "Finished", moment(made.created_at)
        aliases = ", ".join(f"@{alias}" for alias in row.aliases)
        yield from _given(("Aliases", aliases), ("Used By", ", ".join(row.services)))


def _lineage(made: Checkpoint, call: Call) -> Iterator[Pair]:
    """What a checkpoint was made from, with what, by which statement."""
    rows = checkpoint_rows(RegistryCatalog(call.env.registry), made.model)
    row = next(row for row in rows if row.checkpoint.version == made.version)
    facts = dict(made.facts)
    yield "model", str(made.model)
    yield "checkpoint", made.name
    yield "version", str(made.version)
    yield "type", made.kind.value
    yield "status", made.status.value
    yield "base", base_of(made)
    yield "statement", masked(made.statement)
    yield "tables", facts.pop("tables", "")
    yield "rows", str(made.rows)
    yield "metrics", numbers(made.metrics)
    yield "started", moment(row.started)
    yield "finished", moment(made.created_at)
    yield "sqlrec", facts.pop("sqlrec", "")
    yield "image", facts.pop("image", "")
    yield from ((key, masked(value)) for key, value in facts.items())
    yield "made by", made.key
    yield "digest", made.digest
    yield "uri", made.uri
    yield "aliases", ", ".join(f"@{alias}" for alias in row.aliases)
    yield "used by", ", ".join(row.services)


# Functions and APIs


def named_function(step: InspectStep, call: Call) -> FunctionSpec:
    """The function that a statement names; raises SR240."""
    catalog = call.env.catalog
    if (found := catalog.function(step.name)) is None:
        known = catalog.functions()
        hint = suggest(step.name, known) or f"SQL functions: {', '.join(known) or 'none'}"
        raise NameNotFoundError("SR240", f"SQL function {step.name} does not exist", hint=hint)
    return found


def named_api(step: InspectStep, call: Call) -> ApiSpec:
    """The API that a statement names; raises SR241."""
    catalog = call.env.catalog
    if (found := catalog.api(step.name)) is None:
        known = catalog.apis()
        hint = suggest(step.name, known) or f"APIs: {', '.join(known) or 'none'}"
        raise NameNotFoundError("SR241", f"API {step.name} does not exist", hint=hint)
    return found


def describe_function(step: InspectStep, call: Call) -> Preview:
    """The tables that a function takes, with their columns, and the one it gives."""
    function = named_function(step, call)
    if not step.formatted:
        return table(("input", "columns"), ((i.name, _shape(i.like, i.columns)) for i in function.inputs))
    sections = [
        *section("Function Information", (("Name", function.name), ("Returns", function.returns))),
        *section("Input Tables", ((i.name, _shape(i.like, i.columns)) for i in function.inputs)),
        *section("Definition", ((line, "") for line in function_ddl(function).splitlines())),
    ]
    return table(SECTIONS, sections)


def _shape(like: str, columns: Schema) -> str:
    listed = ", ".join(f"{field.name} {field.type}" for field in columns)
    return listed or (f"LIKE {like}" if like else "")


def describe_api(step: InspectStep, call: Call) -> Preview:
    """What an API runs, where it is asked, what it takes and gives, how its server is run."""
    api = named_api(step, call)
    options = masked_options(api.options, API_OPTIONS)
    inputs = ((f"input {i.name}", _shape(i.like, i.columns)) for i in api.program.inputs)
    facts = (
        ("api", api.name),
        ("function", api.function),
        ("path", api.path),
        *inputs,
        ("returns", api.program.returns),
        ("services", ", ".join(dict.fromkeys(_services_of(api.program.steps)))),
        *((f"option {key}", shown(value)) for key, value in options.items()),
    )
    return table(FACTS, facts)


def _services_of(steps: Iterable[ProgramStep]) -> Iterator[str]:
    """Services that a program may ask."""
    for step in steps:
        match step:
            case ProgramScore(service=service):
                yield service
            case ProgramIf(then=then, otherwise=otherwise):
                yield from _services_of((*then, *(otherwise or ())))
            case _:
                pass


# Layout


def section(title: str, pairs: Iterable[Pair]) -> Iterator[Pair]:
    """A titled block, followed by an empty row; nothing when there is nothing to say."""
    if found := list(pairs):
        yield f"# {title}", ""
        yield from found
        yield "", ""


def _given(*pairs: Pair) -> Iterator[Pair]:
    """The pairs that have a value."""
    return (pair for pair in pairs if pair[1])


def shown(value: OptionValue) -> str:
    """A value of an option as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
