"""Calls of models in a query: made before it, or offered to it as functions.

A call over a table is scored like CALL does, shard by shard, into a table of the run's folder; then the rest
of the query reads that table. A call for values is a function that DuckDB calls for columns of values; a
query that uses one is run here and its rows are kept, so that whoever asked for the query, be it a training
job, reads plain tables.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from sqlrec.errors import SchemaError
from sqlrec.execution.call import Call
from sqlrec.execution.interruptible import interruptible
from sqlrec.execution.predictor import Predictor, predictor_of
from sqlrec.execution.tables import source
from sqlrec.spec import codec
from sqlrec.spec.job import ScoreWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.prediction import label_of, measured_task, wrong_number
from sqlrec.spec.table import (
    EvaluatedRows,
    EvaluatedTable,
    ModelCall,
    PredictedRow,
    PredictedTable,
    PredictedValue,
    Relation,
    SearchedTable,
    TableFormat,
    TableSource,
    UsedModel,
)
from sqlrec.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from sqlrec.data.functions import Function
    from sqlrec.scoring.vectors import VectorScorer


_MISTYPED = re.compile(r"argument types '(\w+)\((.*?)\)'\.")
"""What DuckDB says of a function that it has not for the types of the values."""


def without_calls(relation: Relation, call: Call) -> Relation:
    """The relation over plain tables: what its calls give is among them.

    Raises what :func:`predictor_of`, scoring and the engine raise; ``SchemaError`` SR430 (number of values),
    SR432 (label or outputs that cannot be measured), SR435 (the task is not known).
    """
    digest = hashlib.sha256(codec.dumps(relation).encode()).hexdigest()[:12]
    with ExitStack() as stack:
        answers = _Answers(call, call.folder / "inference" / call.key.task_id / digest, stack)
        for made in relation.calls:
            answers.add(made)
        return answers.settled(replace(relation, calls=()), "rows")


@dataclass(slots=True)
class _Answers:
    """What the calls made so far give: ``tables`` by name, ``functions`` with the tables these read."""

    call: Call
    folder: Path
    stack: ExitStack
    tables: dict[str, TableSource] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    searched: dict[str, TableSource] = field(default_factory=dict)
    models: dict[str, ModelSpec] = field(default_factory=dict)

    def add(self, made: ModelCall) -> None:
        """Make a call, or the function that makes it."""
        match made:
            case PredictedTable():
                inputs = self.settled(made.inputs, f"{made.name}_input")
                self._score(made.name, made.model, inputs, made.columns)
            case EvaluatedTable():
                self._evaluate(made)
            case PredictedRow() | PredictedValue() | EvaluatedRows():
                self._define(made)
            case SearchedTable():
                self._search(made)
            case _:
                assert_never(made)

    def settled(self, relation: Relation, name: str) -> Relation:
        """The relation over plain tables; its rows are kept as table ``name`` if it uses functions."""
        sources = {n: source(table, self.call) for n, table in relation.sources.items()}
        sources |= {n: table for n, table in self.tables.items() if _names(relation.query, n)}
        plain = replace(relation, sources=sources)
        uses = any(_names(relation.query, function.name) for function in self.functions)
        return self._kept(plain, name) if uses else plain

    def _kept(self, relation: Relation, name: str) -> Relation:
        """All rows of the table ``name``, which gets those of the relation now."""
        from sqlrec.data.engine import Engine
        from sqlrec.data.write import write_table

        into = self._table(name)
        whole = replace(relation, sources={**self.searched, **relation.sources})

        def work() -> None:
            write_table(engine.reader(whole), into, key=self.call.key.job, mode="overwrite")

        with Engine(functions=self.functions) as engine:
            try:
                interruptible(work, engine.interrupt)
            except SchemaError as error:
                raise self._mistyped(error) from None
        return Relation(query=f'FROM "{name}"', sources={name: into})

    def _mistyped(self, error: SchemaError) -> SchemaError:
        """The error, in words about the model when a function was given values of wrong types."""
        wrong = _MISTYPED.search(error.message)
        model = self.models.get(wrong[1].removesuffix("_row")) if wrong else None
        if wrong is None or model is None:
            return error
        takes = ", ".join(f"{field.name} {field.type}" for field in model.features)
        message = f"model {model.name} takes {takes}; values of types ({wrong[2]}) cannot be assigned"
        return SchemaError("SR431", message, hint="CAST it in the query")

    def _table(self, name: str) -> TableSource:
        return TableSource(name=name, format=TableFormat.PARQUET, path=str(self.folder / name))

    def _score(self, name: str, used: UsedModel, inputs: Relation, columns: tuple[str, ...]) -> TableSource:
        """The rows of ``inputs`` with predictions, as a table called ``name``."""
        from sqlrec.jobs.score import score

        predictor = predictor_of(used, self.call)
        into = self._table(name)
        served = predictor.checkpoint
        work = ScoreWork(
            service=predictor.service,
            url=predictor.url,
            model=predictor.model,
            inputs=inputs,
            output=into,
            columns=columns,
            headers=predictor.headers,
            options={
                **predictor.options,
                **used.options,
                "checkpoint": f"{served.name} version {served.version}",
            },
        )

        def progress(message: str, *, done: float | None = None) -> None:
            self.call.report(message if done is None else f"[{done:4.0%}] {message}")

        result = score(work, self.call.own_output, progress)
        self.call.report(f"{name}: predicted {result.rows} rows with {predictor.service}")
        self.tables[name] = into
        return into

    def _evaluate(self, made: EvaluatedTable) -> None:
        """A table of one row: the metrics."""
        import pyarrow as pa

        from sqlrec.data.write import write_table
        from sqlrec.scoring.evaluation import evaluate

        predictor = predictor_of(made.model, self.call)
        task, label = measured_task(predictor.model, made.task), label_of(predictor.model, made.label)
        wanted = dict.fromkeys((*([] if task is Task.CLUSTERING else [label]), *made.columns))
        shown = ", ".join(map(_quoted, wanted))
        query = f"FROM ({made.inputs.query}) SELECT {shown}"
        inputs = self.settled(replace(made.inputs, query=query), f"{made.name}_input")
        scored = self._score(f"{made.name}_scored", made.model, inputs, made.columns)
        actual, predicted = self._compared(scored, label, made.columns, task)
        found = evaluate(task, actual, predicted)
        metrics = pa.array([list(found.items()) if found else None], pa.map_(pa.string(), pa.float64()))
        rows = pa.table([metrics], names=["result"]).to_reader()
        write_table(rows, self._table(made.name), key=self.call.key.job, mode="overwrite")
        self.tables[made.name] = self._table(made.name)

    def _compared(
        self, scored: TableSource, label: str, features: Sequence[str], task: Task
    ) -> tuple[pa.Array, pa.Array]:
        """Label and prediction of every row; for clustering, the features as vectors instead of a label."""
        from sqlrec.data.engine import Engine

        sources = {scored.name: scored}
        vector = f"[{', '.join(f'CAST({_quoted(name)} AS DOUBLE)' for name in features)}]"
        actual = vector if task is Task.CLUSTERING else _quoted(label)
        with Engine() as engine:
            *_, output = engine.schema(Relation(query=f"FROM {scored.name}", sources=sources)).names
            query = f"FROM {scored.name} SELECT {actual} AS actual, {_quoted(output)} AS predicted"
            table = engine.table(Relation(query=query, sources=sources))
        return table.column(0).combine_chunks(), table.column(1).combine_chunks()

    def _define(self, made: PredictedRow | PredictedValue | EvaluatedRows) -> None:
        """Functions that ask the model's service."""
        from sqlrec.execution.inference_functions import functions_of

        predictor = predictor_of(made.model, self.call)
        if made.arity != len(predictor.model.features):
            raise SchemaError("SR430", wrong_number(predictor.model, made.arity))
        self.models[made.name] = predictor.model
        self.functions += functions_of(made, predictor.model, self._scorer(made.model, predictor))

    def _scorer(self, used: UsedModel, predictor: Predictor) -> VectorScorer:
        from sqlrec.data.types import arrow_schema
        from sqlrec.scoring.client import client_of
        from sqlrec.scoring.options import effective
        from sqlrec.scoring.vectors import VectorScorer

        options = effective({**predictor.options, **used.options})
        client = client_of(predictor, options, concurrency=options.concurrency)
        scorer = VectorScorer(
            client,
            predictor.model,
            arrow_schema(predictor.model.outputs),
            batch_size=options.batch_size,
            concurrency=options.concurrency,
        )
        return self.stack.enter_context(scorer)

    def _search(self, made: SearchedTable) -> None:
        """A function that finds rows; parameters cannot stand in it, so an input with one is kept first."""
        from sqlrec.data.engine import Engine
        from sqlrec.data.search import search_function

        inputs = self.settled(made.inputs, f"{made.name}_input")
        if re.search(r"\$p\d", inputs.query):
            inputs = self._kept(inputs, f"{made.name}_input")
        with Engine() as engine:
            columns = engine.schema(inputs)
        self.searched |= inputs.sources
        self.functions.append(
            search_function(
                made.name, inputs.query, columns, column=made.column, top_k=made.top_k, metric=made.metric
            )
        )


def _names(query: str, name: str) -> bool:
    """Whether a query uses a name; names of calls are such that no other word is the same."""
    return re.search(rf"\b{re.escape(name)}\b", query) is not None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
