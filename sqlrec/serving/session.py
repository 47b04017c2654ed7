"""An exported model: found, verified against its digests and signature, and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime as ort

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.folder import combined, digests, read_result, read_signature
from sqlrec.errors import StateError, suggest
from sqlrec.serving.frame import Array
from sqlrec.serving.places import Place, Places, places_of
from sqlrec.spec.schema import Kind
from sqlrec.spec.service import ServedModel
from sqlrec.spec.signature import Signature

CHUNK_ROWS = 512
"""Rows of one ONNX Runtime call at most: what a core's cache holds (a network of 512-256-128 takes 5 to 15
percent longer for a row in calls of 2,048, and also in calls of 128), and a bound on the arena's growth."""

CATBOOST = ".cbm"
_TENSORS = {"tensor(int64)": "int64", "tensor(float)": "float32", "tensor(string)": "string"}


def verified_signature(model: ServedModel) -> Signature:
    """The signature of a model after every file's digest was checked.

    Raises ``StateError`` SR501 and SR502 for a folder that holds no export, SR671 for one that was
    changed or that is not the pinned checkpoint.
    """
    folder = local_copy(model.model_uri)
    recorded = read_result(folder).files
    found = digests(folder)
    changed = [name for name, digest in recorded.items() if found.get(name) != digest]
    if changed:
        raise StateError(
            "SR671",
            f"{folder} was changed after its export: {', '.join(changed)}",
            hint="export the checkpoint again",
        )
    if model.digest and model.digest != combined(dict(recorded)):
        pinned = f"checkpoint {model.checkpoint} version {model.version}"
        raise StateError("SR671", f"{folder} does not hold {pinned} of model {model.model.name}")
    return read_signature(folder)


class Session:
    """One file of an exported model, ready to run on ``threads`` threads; safe to share by threads."""

    def __init__(self, model: ServedModel, signature: Signature, threads: int) -> None:
        variant = signature.variants.get(model.variant)
        if variant is None:
            known = tuple(signature.variants)
            hint = suggest(model.variant, known) or f"it has {', '.join(known) or 'none'}"
            message = f"checkpoint {signature.checkpoint} has no variant {model.variant!r}"
            raise StateError("SR672", message, hint=hint)
        path = local_copy(model.model_uri) / variant.file
        try:
            self._session = _opened(path, threads)
        except Exception as error:  # ONNX Runtime has a dozen unrelated exception classes
            raise StateError("SR672", f"{path} cannot be loaded: {_first_line(error)}") from error
        self._places: Places | None = None
        if isinstance(self._session, ort.InferenceSession):
            _check_interface(path, self._session, signature)
            self._places = places_of(self._session, signature)
        self._outputs = [output.name for output in signature.outputs]

    def place(self, rows: int) -> Place | None:
        """Where a batch of so many rows is best put for :meth:`run`; None: anywhere. For one thread."""
        return self._places.of(rows) if self._places else None

    def run(self, tensors: Mapping[str, Array], rows: int) -> list[Array]:
        """Outputs ``[rows, …]`` in the signature's order. Exceptions are those of ONNX Runtime."""
        if type(tensors) is Place:
            return tensors.run()
        if rows <= CHUNK_ROWS:
            return cast(list[Array], self._session.run(self._outputs, dict(tensors)))
        size = ceil(rows / ceil(rows / CHUNK_ROWS))  # calls of one size: a short one costs more a row
        pieces = [
            self._session.run(self._outputs, {k: v[start : start + size] for k, v in tensors.items()})
            for start in range(0, rows, size)
        ]
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _opened(path: Path, threads: int) -> Any:
    """ONNX Runtime's session of a file, or CatBoost's model with the same ``run``."""
    if path.suffix != CATBOOST:
        options = _session_options(threads)
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    from sqlrec.models.gbdt.catboost_file import open_export  # CatBoost, which other models do without

    return open_export(path.parent, path.name)


def _session_options(threads: int) -> ort.SessionOptions:
    """All optimisations, no spinning threads (they would starve the event loop), quiet log."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_mem_pattern = False  # patterns are kept per input shape; batches have any number of rows
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return options


def _check_interface(path: Path, session: ort.InferenceSession, signature: Signature) -> None:
    if not signature.inputs or not signature.outputs:
        raise StateError("SR672", f"the signature beside {path} has no inputs or no outputs")
    declared = {column.name: column.tensor for column in signature.inputs}
    real = {node.name: _TENSORS.get(node.type, node.type) for node in session.get_inputs()}
    if declared != real:
        told = f"the file takes {_listed(real)}; its signature says {_listed(declared)}"
        raise StateError("SR672", f"{path} does not fit its signature: {told}")
    given = {node.name for node in session.get_outputs()}
    absent = [output.name for output in signature.outputs if output.name not in given]
    if absent:
        raise StateError("SR672", f"{path} does not give the output(s) {', '.join(absent)}")


def check_outputs(signature: Signature, outputs: Sequence[Array], rows: int) -> None:
    """Raise ``StateError`` SR672 unless every output has a value (or, for an ARRAY, a row) per row."""
    for column, array in zip(signature.outputs, outputs, strict=True):
        rank = 2 if column.type.kind is Kind.ARRAY else 1
        if array.ndim != rank or len(array) != rows:
            shape = list(array.shape)
            message = f"output {column.name!r} of type {column.type} has shape {shape} for {rows} row(s)"
            raise StateError("SR672", message, hint=f"it must have {rank} dimension(s), rows first")


def _listed(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in sorted(types.items())) or "nothing"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]
