"""What a call of a model must give it, and what an evaluation of it measures; judged before and in a run."""

from __future__ import annotations

from sqlrec.errors import NameNotFoundError, SchemaError, suggest
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.task import Task, task_of


def wrong_number(model: ModelSpec, given: int) -> str:
    """What is said of columns or values that are not as many as the model's features."""
    wants = ", ".join(f"{field.name} {field.type}" for field in model.features)
    size = len(model.features)
    counts = f"Number of descriptor input columns ({given}) does not match model input size ({size})"
    return f"{counts}: model {model.name} takes {wants}"


def one_output(model: ModelSpec, what: str) -> Field:
    """The model's output when it has just one; raises SR432."""
    if len(model.outputs) != 1:
        raise SchemaError(
            "SR432",
            f"Model output must have exactly one field for {what}: model {model.name} has "
            f"{', '.join(model.outputs.names) or 'none'}",
            hint="use ML_PREDICT over a table, which gives all of them",
        )
    return next(iter(model.outputs))


def label_of(model: ModelSpec, given: str) -> str:
    """The label column: the one given, else the model's; raises SR432 unless that is one."""
    if given:
        return given
    if len(model.labels) == 1:
        return model.labels[0]
    which = f"labels {', '.join(model.labels)}" if model.labels else "no label"
    raise SchemaError(
        "SR432", f"model {model.name} has {which}: ML_EVALUATE needs one", hint="add LABEL => DESCRIPTOR(…)"
    )


def measured_task(model: ModelSpec, given: str) -> Task:
    """What to measure: the task given, the model's own, or what its definition says; raises SR435."""
    named = task_of(given or str(model.options.get("task", "")))
    if named is not None:
        return named
    output = one_output(model, "an evaluation").type
    if str(model.options.get("objective", "")).casefold() == "regression":
        return Task.REGRESSION
    if output.kind is Kind.ARRAY:
        return Task.EMBEDDING
    if model.labels and (output.is_float or output.is_integer):
        return Task.CLASSIFICATION
    hint = f"add TASK => '…', one of {', '.join(task.value for task in Task)}"
    raise SchemaError("SR435", f"model {model.name} does not say what it is for", hint=hint)


def vector_column(schema: Schema, column: str) -> str:
    """The column of vectors that VECTOR_SEARCH means; without a name, the only one.

    Raises ``NameNotFoundError`` SR402 and ``SchemaError`` SR433, SR434.
    """
    vectors = [field.name for field in schema if _is_vector(field.type)]
    if not column:
        if len(vectors) == 1:
            return vectors[0]
        which = f"columns {', '.join(vectors)} hold vectors" if vectors else "no column holds vectors"
        what = f"VECTOR_SEARCH does not say where to search: {which}"
        raise SchemaError("SR434", what, hint="add DESCRIPTOR(column)")
    found = schema.get(column)
    if found is None:
        hint = suggest(column, schema.names) or f"columns: {', '.join(schema.names)}"
        raise NameNotFoundError("SR402", f"column {column!r} to search does not exist", hint=hint)
    if found.name not in vectors:
        wanted = "ARRAY<FLOAT> or ARRAY<DOUBLE>"
        what = f"Expect search column `{found.name}` type is {wanted}, but its type is {found.type}"
        hint = "search a column of numbers with a fraction, or CAST it in a query"
        raise SchemaError("SR433", what, hint=hint)
    return found.name


def _is_vector(kind: DataType) -> bool:
    return kind.kind is Kind.ARRAY and kind.element.kind in (Kind.FLOAT, Kind.DOUBLE)
