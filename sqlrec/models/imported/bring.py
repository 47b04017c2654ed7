"""The import of a model file: read, converted, checked against its columns, proved, written as an export.

Nothing is written before the file has answered made-up rows through its columns exactly as it does without
them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx

from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.folder import write_signature
from sqlrec.errors import DataError
from sqlrec.models.controller import Progress
from sqlrec.models.exporting.session import latency_ms
from sqlrec.models.imported.file import kind_of, read
from sqlrec.models.imported.graph import (
    input_column,
    inputs_of,
    output_column,
    outputs_of,
    parse,
    wrapped,
)
from sqlrec.models.imported.ports import Feed, Yield, feeds, yields
from sqlrec.models.imported.proof import proved
from sqlrec.models.objective import Objective
from sqlrec.models.tables.sample import json_row
from sqlrec.spec.job import ImportWork, JobResult
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import Signature, Variant
from sqlrec.spec.task import Task, task_of

FILE, VARIANT = "model.onnx", "fp32"
SHOWN_ROWS = 5
RUNTIMES = {"pytorch": ("TorchScript", "PT2"), "onnx": ("ONNX",)}
"""Kinds of files by the words of ``provider = 'local'``."""


def bring(work: ImportWork, output: Path, progress: Progress) -> JobResult:
    """Make the file at ``work.source_uri`` an export in the folder ``output``.

    Raises ``DataError`` SR555 … SR559 (the file), SR463 (it does not run), ``SchemaError`` SR460 … SR462
    (INPUT and OUTPUT do not fit it).
    """
    started = time.perf_counter()
    progress(f"reading {work.source_uri}", done=0.0)
    content = read(work.source_uri)
    model = _model(work, content, progress)
    taken = feeds(work.model.features, inputs_of(model))
    given = yields(work.model.outputs, outputs_of(model))
    whole = wrapped(model, taken, given)
    progress("trying it on made-up rows", done=0.5)
    proof = proved(model.SerializeToString(), whole, taken, given, str(work.source_uri))
    latency = latency_ms(proof.session, proof.raw)
    with writing(output):
        (output / FILE).write_bytes(whole)
        write_signature(output, _signature(work, taken, given, len(whole), proof.raw))
    return JobResult(
        rows=0,
        seconds=time.perf_counter() - started,
        metrics={f"{VARIANT}.bytes": float(len(whole)), f"{VARIANT}.latency_ms": latency},
        params={"source": work.source_uri, "inputs": ", ".join(str(feed.port) for feed in taken)},
        warnings=(*proof.warnings, *_renamed(taken, given)),
    )


def _renamed(taken: Sequence[Feed], given: Sequence[Yield]) -> Iterator[str]:
    """What was paired by position is told, since only names would show a mistake."""
    pairs = [("input", one.columns[0].name, one.port.name) for one in taken if not one.is_matrix]
    pairs += [("output", one.column.name, one.port.name) for one in given if one.part is None]
    for kind, column, tensor in pairs:
        if column.casefold() != tensor.casefold():
            yield f"{kind} {column!r} is {tensor!r} in the file: they were paired by their position"


def _model(work: ImportWork, content: bytes, progress: Progress) -> onnx.ModelProto:
    kind = kind_of(content, work.source_uri)
    said = str(work.options.get("format") or work.options.get("runtime") or kind)
    if kind not in RUNTIMES.get(said.casefold(), (said,)):
        raise DataError(
            "SR557",
            f"{work.source_uri} is a file of format {kind}, not {said}",
            hint=f"write format = '{kind}'" if "format" in work.options else "change the option 'runtime'",
        )
    if kind != "ONNX":
        from sqlrec.models.deep.convert import to_onnx  # torch, which an ONNX file does without

        progress(f"converting {kind} to ONNX")
        content = to_onnx(content, kind, work.model.features, work.source_uri)
    return parse(content, work.source_uri)


def _signature(
    work: ImportWork, taken: Sequence[Feed], given: Sequence[Yield], size: int, raw: dict[str, np.ndarray]
) -> Signature:
    inputs = tuple(input_column(feed, column) for feed in taken for column in feed.columns)
    return Signature(
        model=str(work.model.name),
        type=work.model.type,
        checkpoint=work.checkpoint,
        inputs=inputs,
        outputs=tuple(output_column(one) for one in given),
        variants={VARIANT: Variant(file=FILE, bytes=size)},
        sample=tuple(json_row(raw, inputs, row) for row in range(SHOWN_ROWS)),
        objective=objective_of(work.model).value,
    )


def objective_of(model: ModelSpec) -> Objective:
    """What the outputs are, by the task that the definition states: numbers, unless it says otherwise."""
    is_vector = any(column.type.kind is Kind.ARRAY for column in model.outputs)
    match task_of(str(model.options.get("task", ""))):
        case Task.CLASSIFICATION:
            return Objective.MULTICLASS if is_vector else Objective.BINARY
        case Task.CLUSTERING:
            return Objective.CLUSTERING
        case Task.EMBEDDING:
            return Objective.TRANSFORM
        case _:
            return Objective.TRANSFORM if is_vector else Objective.REGRESSION
