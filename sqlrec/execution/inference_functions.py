"""Functions of a query that ask a model's service: a value, a row, or metrics over rows."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from sqlrec.data.functions import Function, ScalarFunction, TableFunction
from sqlrec.data.types import quote
from sqlrec.scoring.evaluation import evaluate
from sqlrec.scoring.merge import output_schema
from sqlrec.scoring.vectors import VectorScorer
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.prediction import measured_task, one_output
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.table import EvaluatedRows, PredictedRow, PredictedValue
from sqlrec.spec.task import Task

METRICS = DataType(Kind.MAP, arguments=(DataType(Kind.STRING), DataType(Kind.DOUBLE)))


def functions_of(
    made: PredictedRow | PredictedValue | EvaluatedRows, model: ModelSpec, scorer: VectorScorer
) -> tuple[Function, ...]:
    """The functions that stand for a call of values, the one that the query names last.

    Raises ``SchemaError`` SR432 and SR435.
    """
    match made:
        case PredictedRow():
            return _row(made, model, scorer)
        case PredictedValue():
            output = one_output(model, "a prediction that stands for one value")
            return (_scalar(made.name, model, output.type, lambda *c: scorer.predict(*c).field(0)),)
        case EvaluatedRows():
            return (_evaluating(made.name, model, scorer),)


def _scalar(name: str, model: ModelSpec, returns: DataType, compute: object) -> ScalarFunction:
    assert callable(compute), "a function computes"
    parameters = tuple(_widest(field.type) for field in model.features)
    return ScalarFunction(name=name, parameters=parameters, returns=returns, compute=compute)


def _widest(kind: DataType) -> DataType:
    """The type that takes all numbers that may be meant: the service judges their range, as for a table."""
    if kind.is_integer:
        return DataType(Kind.BIGINT)
    if kind.is_float:
        return DataType(Kind.DOUBLE)
    if kind.kind is Kind.ARRAY:
        return DataType(Kind.ARRAY, arguments=(_widest(kind.element),))
    return kind


def _row(made: PredictedRow, model: ModelSpec, scorer: VectorScorer) -> tuple[Function, ...]:
    """A function of structs, and the table function that takes one apart."""
    struct = DataType(
        Kind.ROW,
        arguments=tuple(field.type for field in model.outputs),
        names=model.outputs.names,
    )
    asking = _scalar(f"{made.name}_row", model, struct, scorer.predict)
    parameters = tuple(f"value_{index}" for index in range(made.arity))
    table = pa.schema([(column, pa.null()) for column in made.columns])
    names = output_schema(table, scorer.outputs).names[len(made.columns) :]
    shown = [f"{p} AS {quote(c)}" for p, c in zip(parameters, made.columns, strict=False)]
    shown += [f"answer.{quote(o)} AS {quote(n)}" for o, n in zip(model.outputs.names, names, strict=True)]
    query = f"FROM (SELECT {asking.name}({', '.join(parameters)}) AS answer) SELECT {', '.join(shown)}"
    return asking, TableFunction(name=made.name, parameters=parameters, query=query)


def _evaluating(name: str, model: ModelSpec, scorer: VectorScorer) -> ScalarFunction:
    """A function of lists of rows: the label, then the features."""
    task, output = measured_task(model, ""), one_output(model, "an evaluation")
    row = DataType(
        Kind.ROW,
        arguments=tuple(map(_widest, (output.type, *(field.type for field in model.features)))),
        names=("label", *(f"feature_{index}" for index in range(len(model.features)))),
    )
    return ScalarFunction(
        name=name,
        parameters=(DataType(Kind.ARRAY, arguments=(row,)),),
        returns=METRICS,
        compute=partial(_metrics, scorer, task),
    )


def _metrics(scorer: VectorScorer, task: Task, groups: pa.ListArray) -> pa.Array:
    """Metrics of each list of rows."""
    rows = groups.flatten()
    label, *features = rows.flatten()
    predicted = scorer.predict(*features).field(0)
    found, start = [], 0
    for rows_of_group in groups.value_lengths().fill_null(0).to_pylist():
        part = slice(start, start + rows_of_group)
        metrics = evaluate(task, _actual(task, label, features)[part], predicted[part])
        found.append(list(metrics.items()) if metrics else None)
        start += rows_of_group
    return pa.array(found, pa.map_(pa.string(), pa.float64()))


def _actual(task: Task, label: pa.Array, features: list[pa.Array]) -> pa.Array:
    """What predictions are compared with: the label, or for clustering the features as vectors."""
    if task is not Task.CLUSTERING:
        return label
    columns = [column.cast(pa.float64()).to_pylist() for column in features]
    return pa.array([list(row) for row in zip(*columns, strict=True)], pa.list_(pa.float64()))
