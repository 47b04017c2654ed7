"""Models of every type that TorchEasyRec trains, and random ones."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.controllers import DCN_V2, DEEPFM, DIN, DLRM, DSSM, MMOE, WIDE_AND_DEEP
from sqlrec.models.deep.pipeline.document import Places
from sqlrec.spec.job import ExportWork, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Parsed, Scope
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation

COLUMNS = {
    "user_id": "BIGINT",
    "item_id": "BIGINT",
    "shop": "STRING",
    "price": "DOUBLE",
    "is_new": "BOOLEAN",
    "seen": "ARRAY<BIGINT>",
    "tags": "ARRAY<STRING>",
    "clicked": "INT",
    "bought": "INT",
}

ONE = {"label_columns": "clicked", "sample_weight_column": "bought"}

CASES: Mapping[str, tuple[DeepModel, Mapping[str, OptionValue], Mapping[str, OptionValue]]] = {
    "wide_and_deep": (WIDE_AND_DEEP, {**ONE, "column.shop.bucket_size": 500, "dropout_ratio": 0.1}, {}),
    "deepfm": (DEEPFM, {**ONE, "embedding_dim": 8, "activation": "gelu"}, {"mixed_precision": "BF16"}),
    "dcn_v2": (DCN_V2, {**ONE, "cross_rank": 16, "column.user_id.embedding_dim": 32}, {"num_epochs": 3}),
    "dcn_v2_stacked": (DCN_V2, {**ONE, "structure": "stacked", "normalization": "layer"}, {"nnodes": 2}),
    "dlrm": (DLRM, {**ONE, "hidden_units": "64,32", "normalization": "batch"}, {"lr_schedule": "step"}),
    "din": (DIN, {**ONE, "column.seen.target": "item_id", "max_array_length": 50}, {"sparse_lr": 0.01}),
    "mmoe": (MMOE, {"label_columns": "clicked,bought", "num_expert": 2}, {"dense_weight_decay": 0.01}),
    "dssm": (DSSM, {"item_features": "item_id,shop,price", "label_columns": "clicked"}, {"batch_size": 512}),
}
"""Type, options of CREATE MODEL and options of TRAIN MODEL."""

PLACES = Places(train="/rows/train/*.parquet", evaluation="/rows/eval/*.parquet", model="/model")


def a_model(
    kind: DeepModel, columns: Mapping[str, str] = COLUMNS, options: Mapping[str, OptionValue] | None = None
) -> ModelSpec:
    fields = tuple(Field(name=name, type=DataType.parse(text)) for name, text in columns.items())
    return ModelSpec(
        name=ModelName.of("ctr"),
        type=kind.type,
        columns=Schema(fields),
        outputs=Schema(),
        options=options or {},
    )


def a_training(kind: DeepModel, model: ModelSpec, statement: Mapping[str, OptionValue]) -> TrainWork:
    """A job with its effective options, as a step has them."""
    effective = kind.options.effective(Scope.TRAIN, model=model.options, statement=statement)
    options: dict[str, Parsed] = {key: option.value for key, option in effective.items()}
    return TrainWork(model=model, checkpoint="v1", data=Relation(query="FROM clicks"), options=options)


def an_export(kind: DeepModel, model: ModelSpec, source: str = "/source") -> ExportWork:
    effective = kind.options.effective(Scope.EXPORT, model=model.options)
    options: dict[str, Parsed] = {key: option.value for key, option in effective.items()}
    return ExportWork(model=model, checkpoint="v1", source_uri=source, options=options)


def case(name: str) -> tuple[DeepModel, TrainWork]:
    kind, options, statement = CASES[name]
    return kind, a_training(kind, a_model(kind, options=options), statement)


_SCALARS = ("BIGINT", "INT", "STRING", "BOOLEAN", "DOUBLE", "DECIMAL(9,2)")
_ARRAYS = ("ARRAY<BIGINT>", "ARRAY<STRING>")
_WIDTHS = st.lists(st.integers(1, 900), min_size=1, max_size=4).map(lambda w: ",".join(map(str, w)))
_RATES = st.floats(1e-6, 10, allow_nan=False)


@st.composite
def trainings(draw: st.DrawFn) -> tuple[DeepModel, TrainWork]:
    """A model of any type with columns of any kind, and a training with options that a file can say."""
    kind = draw(st.sampled_from((WIDE_AND_DEEP, DEEPFM, DCN_V2, DLRM, DIN, MMOE, DSSM)))
    names = draw(st.lists(st.from_regex(r"[a-zé_][a-z0-9_]{0,7}", fullmatch=True), unique=True, max_size=5))
    columns = {"key": "BIGINT", "Word": "STRING", "past": "ARRAY<BIGINT>"}
    columns |= {f"x{name}": draw(st.sampled_from((*_SCALARS, *_ARRAYS))) for name in names}
    columns["label"] = "INT"
    options: dict[str, OptionValue] = {"label_columns": "label", "embedding_dim": draw(st.integers(1, 64))}
    options |= draw(_model_options(kind))
    if kind is DIN:
        options["column.past.target"] = "key"
    elif draw(st.booleans()):
        options["column.past.shared_with"] = "key"
    if kind is DSSM:
        options["user_features"] = "key,past"
        options.pop("column.past.shared_with", None)
    if kind not in (DEEPFM, DLRM) and draw(st.booleans()):
        options["column.word.embedding_dim"] = draw(st.integers(1, 64))
    return kind, a_training(kind, a_model(kind, columns, options), draw(_statements()))


@st.composite
def _model_options(draw: st.DrawFn, kind: DeepModel) -> dict[str, OptionValue]:
    choices: dict[str, st.SearchStrategy[OptionValue]] = {
        "hidden_units": _WIDTHS,
        "bottom_hidden_units": _WIDTHS,
        "attention_hidden_units": _WIDTHS,
        "expert_hidden_units": _WIDTHS,
        "tower_hidden_units": _WIDTHS,
        "user_hidden_units": _WIDTHS,
        "item_hidden_units": _WIDTHS,
        "num_expert": st.integers(1, 9),
        "cross_num": st.integers(1, 9),
        "cross_rank": st.integers(0, 99),
        "structure": st.sampled_from(("parallel", "stacked")),
        "activation": st.sampled_from(("relu", "prelu", "dice", "silu")),
        "dropout_ratio": st.sampled_from((0.0, 0.25)),
        "normalization": st.sampled_from(("batch", "layer")),
        "num_buckets": st.integers(1, 10**9),
        "output_dim": st.integers(1, 128),
        "similarity": st.sampled_from(("cosine", "dot")),
        "temperature": st.floats(0.01, 100),
    }
    known = {key: values for key, values in choices.items() if kind.options.find(key)}
    return draw(st.fixed_dictionaries({}, optional=known))


@st.composite
def _statements(draw: st.DrawFn) -> dict[str, OptionValue]:
    choices: dict[str, st.SearchStrategy[OptionValue]] = {
        "sparse_lr": _RATES,
        "dense_lr": _RATES,
        "num_epochs": st.integers(1, 99),
        "batch_size": st.integers(1, 10**6),
        "num_workers": st.integers(1, 64),
        "mixed_precision": st.sampled_from(("BF16", "FP16")),
        "lr_schedule": st.sampled_from(("constant", "step")),
        "lr_decay": st.floats(0.1, 1),
        "dense_weight_decay": st.sampled_from((0.0, 0.5)),
        "embedding_sharding": st.sampled_from(("none", "row_wise", "table_wise")),
        "checkpoint_steps": st.integers(0, 999),
        "nnodes": st.integers(1, 4),
        "nproc_per_node": st.integers(1, 8),
    }
    return draw(st.fixed_dictionaries({}, optional=choices))
