"""Models that are brought as a file: ``type = 'import'`` (FLIP-437) and ``provider = 'local'``.

Creating one imports the file: a job checks it against INPUT and OUTPUT and makes it an export, which is then
served, asked and measured like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlrec.models import pods
from sqlrec.models.controller import Problem, Programs
from sqlrec.models.described import MODEL, choice, common_options, needs_signature
from sqlrec.models.measuring.measures import measure_options
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, OptionValue
from sqlrec.spec.schema import INTEGERS, DataType, Kind, Schema

FORMATS = ("ONNX", "TorchScript", "PT2")
"""Formats of files: ONNX, ``torch.jit.save`` and ``torch.export.save``."""

SCALARS = INTEGERS | {Kind.BOOLEAN, Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL, Kind.STRING}

PROGRAMS = Programs(
    bring="sqlrec.models.imported.bring:bring",
    evaluate="sqlrec.models.imported.evaluate:evaluate",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    """Controller of models that are brought as a file."""

    type: str
    doc: str
    options: OptionSet
    programs: Programs = PROGRAMS

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """None of its own: OUTPUT says what such a model answers."""
        return Schema()

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition."""
        given = {self.options.canonical(key): value for key, value in model.options.items()}
        yield from needs_signature(model, given)
        yield from _columns(model)
        yield from _runtime(given)

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """None: there is no training checkpoint to export."""
        return ()

    def resources(self, options: dict[str, Effective]) -> Resources:
        """From the ``pod_…`` options; ``inference_threads`` asks for as many cores."""
        found = pods.resources(options)
        threads, cores = options.get("inference_threads"), options.get("pod_cpu_cores")
        wanted = threads.value if threads else None
        return replace(found, cpu=str(wanted)) if wanted and cores and cores.origin == "default" else found

    def topology(self, options: dict[str, Effective]) -> Topology:
        """One process."""
        return Topology()


def _columns(model: ModelSpec) -> Iterator[Problem]:
    for column in (*model.columns, *model.outputs):
        if not _is_tensor(column.type):
            yield Problem(
                code="SR423",
                message=f"column {column.name!r} is {column.type}, which no tensor of a file can be",
                hint="columns of an imported model are numbers, BOOLEAN, STRING, and ARRAYs of these",
                column=column.name,
            )


def _is_tensor(column: DataType) -> bool:
    return (column.element if column.kind is Kind.ARRAY else column).kind in SCALARS


def _runtime(options: Mapping[str, OptionValue]) -> Iterator[Problem]:
    """What the lesson's options may say and cannot be had."""
    if str(options.get("runtime", "")).casefold() == "tensorflow":
        yield Problem(
            code="SR213",
            message="a TensorFlow file cannot be imported",
            hint="convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx",
            option="runtime",
        )
    if str(options.get("gpu", "")).casefold() == "true":
        yield Problem(
            code="SR213",
            message="gpu = 'true' is not supported: a service runs on CPUs",
            hint="leave gpu out",
            option="gpu",
        )


def _text(key: str, doc: str, *aliases: str, required: bool = False) -> Option:
    return Option(key=key, kind=OptionKind.STRING, doc=doc, scopes=MODEL, required=required, aliases=aliases)


def _count(key: str, doc: str, *aliases: str) -> Option:
    return Option(key=key, kind=OptionKind.INT, doc=doc, scopes=MODEL, minimum=1, aliases=aliases)


def _options(*own: Option) -> tuple[Option, ...]:
    return (
        *own,
        _text("path", "The file: a path, from the project folder, or a URI.", "model_path", required=True),
        Option(
            key="label_columns",
            kind=OptionKind.STRING_LIST,
            doc="Column with the truth, for EVALUATE MODEL; no input.",
            scopes=MODEL,
        ),
        _count("batch_size", "Rows of a request when a query or CALL asks the model."),
        _count("inference_threads", "Threads of the model in a service.", "intra_op_threads"),
        *common_options(),
        *measure_options(),
        *pods.pod_options("sqlrec/tzrec"),
    )


IMPORT = ImportedModel(
    type="import",
    doc="A model file that was made elsewhere; INPUT and OUTPUT state its columns.",
    options=OptionSet(
        _options(
            choice("type", "Kind of model.", "import", required=True),
            choice("format", "Format of the file.", *FORMATS, required=True),
        ),
        prefixes=("onnx.",),
    ),
)
LOCAL = ImportedModel(
    type="provider.local",
    doc="A model file that was made elsewhere, in the words of a provider.",
    options=OptionSet(
        _options(
            choice("provider", "Who runs the model.", "local", required=True),
            choice("type", "Kind of model; with a provider it is remote.", "remote"),
            choice("runtime", "What the file is made for.", "onnx", "pytorch", "tensorflow", default="onnx"),
            Option(key="gpu", kind=OptionKind.BOOLEAN, doc="Use a GPU.", scopes=MODEL, default=False),
        ),
        prefixes=("local.", "params."),
    ),
)
