"""One small definition of every model type that trains, and its life: trained, exported, served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.folder import read_result, read_signature
from sqlrec.execution.options import values
from sqlrec.jobs.harness import run
from sqlrec.models.lookup import get_controller
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.scorer import Scorer, load_scorer
from sqlrec.spec.job import EvaluateWork, ExportWork, JobKind, JobResult, JobSpec, TrainWork, Work
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.signature import Signature
from sqlrec.spec.table import Relation, TableFormat, TableSource

FEATURES = "user_id BIGINT, item_id BIGINT, shop STRING, price DOUBLE, hour INT"
HISTORY = f"{FEATURES}, seen ARRAY<BIGINT>"
HIDDEN = "hidden_units = '16,8'"
TRAINED = {"batch_size": 64, "sparse_lr": 0.1, "dense_lr": 0.01}
TREES = {"num_iterations": 8}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A model type: its definition, the options of TRAIN, and the label column (empty: none)."""

    ddl: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    label: str = "label"


def _deep(name: str, sizes: str = HIDDEN, columns: str = FEATURES, labels: str = "label") -> Kind:
    declared = ", ".join(f"{label} INT" for label in labels.split(", "))
    return Kind(
        ddl=f"CREATE MODEL m ({columns}, {declared}) "
        f"WITH (model = 'tzrec.{name}', label_columns = '{labels}', embedding_dim = 4, {sizes});",
        options=TRAINED,
        label=labels.split(", ")[0],
    )


def _trees(name: str, label: str, more: str, columns: str = FEATURES) -> Kind:
    return Kind(
        ddl=f"CREATE MODEL m ({columns}, {label} {'STRING' if label == 'grade' else 'DOUBLE'}) "
        f"WITH (model = 'gbdt.{name}', label_columns = '{label}', {more});",
        options=TREES,
        label=label,
    )


def _classic(name: str, label: str = "", more: str = "", columns: str = FEATURES) -> Kind:
    types = {"": "", "label": ", label INT", "amount": ", amount DOUBLE", "grade": ", grade STRING"}
    labels = f", label_columns = '{label}'" if label else ""
    return Kind(
        ddl=f"CREATE MODEL m ({columns}{types[label]}) "
        f"WITH (type = 'training', algorithm = '{name}'{labels}{more});",
        label=label,
    )


KINDS = {
    "wide_and_deep": _deep("wide_and_deep"),
    "deepfm": _deep("deepfm"),
    "dcn_v2": _deep("dcn_v2"),
    "dlrm": _deep("dlrm", f"{HIDDEN}, bottom_hidden_units = '16'"),
    "din": _deep(
        "din",
        f"{HIDDEN}, attention_hidden_units = '16,8', 'column.seen.target' = 'item_id'",
        columns=HISTORY,
    ),
    "mmoe": _deep(
        "mmoe", "num_expert = 2, expert_hidden_units = '16', tower_hidden_units = '8'", labels="label, bought"
    ),
    "dssm": _deep(
        "dssm",
        "item_features = 'item_id, price', output_dim = 4, "
        "user_hidden_units = '16', item_hidden_units = '16'",
    ),
    "lightgbm": _trees("lightgbm", "label", "objective = 'binary'"),
    "lightgbm multiclass": _trees("lightgbm", "grade", "objective = 'multiclass'"),
    "lightgbm ranking": _trees(
        "lightgbm", "relevance", "objective = 'ranking', group_column = 'hour'", FEATURES
    ),
    "xgboost": _trees("xgboost", "label", "objective = 'binary'"),
    "xgboost regression": _trees("xgboost", "amount", "objective = 'regression'"),
    "catboost": _trees("catboost", "label", "objective = 'binary'"),
    "catboost multiclass": _trees("catboost", "grade", "objective = 'multiclass'"),
    "kmeans": _classic("kmeans", more=", num_clusters = 3"),
    "linear_reg": _classic("linear_reg", "amount"),
    "logistic_reg": _classic("logistic_reg", "label"),
    "random_forest": _classic("random_forest", "label", ", n_estimators = 5"),
    "pca": _classic("pca", more=", n_components = 2", columns="price DOUBLE, hour INT, amount DOUBLE"),
}


def rows(count: int, seed: int = 0) -> pa.Table:
    """A table that has the columns of all kinds; labels follow user, shop, price and history."""
    random = np.random.default_rng(seed)
    user, item, shop = (random.integers(0, n, count) for n in (30, 20, 4))
    price = random.gamma(2.0, 10.0, count)
    seen = [random.integers(0, 20, random.integers(0, 4)).tolist() for _ in range(count)]
    known = np.array([i in s for i, s in zip(item.tolist(), seen, strict=True)])
    score = np.sin(user) + 0.8 * (shop % 3 - 1) - price / 20 + 1 + 1.5 * known
    label = (random.random(count) < 1 / (1 + np.exp(-2 * score))).astype(np.int32)
    return pa.table(
        {
            "user_id": user,
            "item_id": item,
            "shop": pa.array([f"shop-{s}" for s in shop]),
            "price": pa.array(price, mask=random.random(count) < 0.1),
            "hour": pa.array(random.integers(0, 24, count), pa.int32()),
            "seen": pa.array(seen, pa.list_(pa.int64())),
            "label": label,
            "bought": (label & (random.random(count) < 0.7)).astype(np.int32),
            "amount": score * 10 + random.normal(size=count),
            "relevance": np.digitize(score, [-0.5, 1.0]),
            "grade": pa.array(np.array(["low", "mid", "top"])[np.digitize(score, [-0.5, 1.0])]),
        }
    )


def model_of(kind: Kind) -> ModelSpec:
    """The definition that the kind's statement makes."""
    (step,) = build_plan(kind.ddl, path="m.sql", name="m").steps
    return cast(DefineModelStep, step).model


@dataclass(frozen=True)
class Life:
    """The jobs of one model over tables in a folder."""

    kind: Kind
    model: ModelSpec
    folder: Path

    def relation(self, table: pa.Table, name: str = "clicks") -> Relation:
        """The table as a parquet file, all of it."""
        path = self.folder / f"{name}.parquet"
        pq.write_table(table, path)
        source = TableSource(name=name, format=TableFormat.PARQUET, path=str(path))
        return Relation(query=f"SELECT * FROM {name}", sources={name: source})

    def train(self, table: pa.Table, name: str, base: Path | None = None, **options: OptionValue) -> Path:
        """A published training checkpoint."""
        work = TrainWork(
            model=self.model,
            checkpoint=name,
            data=self.relation(table, f"for_{name}"),
            base_uri=str(base) if base else "",
            options=self._options(Scope.TRAIN, {**self.kind.options, **options}),
        )
        return self._run(JobKind.TRAIN, work, name)

    def export(self, source: Path, name: str, sample: pa.Table) -> tuple[Path, ...]:
        """Published exports: one, or one of each part of the model."""
        work = ExportWork(
            model=self.model,
            checkpoint=name,
            source_uri=str(source),
            sample=self.relation(sample, f"for_{name}"),
            options=self._options(Scope.EXPORT, {}),
        )
        made = self._run(JobKind.EXPORT, work, name)
        parts = [export.partition("/")[2] for export in get_controller(self.model.type).exports("v1")]
        return tuple(made / part for part in parts)

    def evaluate(self, source: Path, kind: CheckpointKind, table: pa.Table, name: str) -> JobResult:
        """What EVALUATE MODEL measures."""
        work = EvaluateWork(
            model=self.model,
            checkpoint=name,
            kind=kind,
            source_uri=str(source),
            data=self.relation(table, f"for_{name}"),
            options=self._options(Scope.EVALUATE, {}),
        )
        return read_result(self._run(JobKind.EVALUATE, work, name))

    def _options(self, scope: Scope, written: Mapping[str, OptionValue]) -> dict[str, Any]:
        declared = get_controller(self.model.type).options
        return values(declared.effective(scope, model=self.model.options, statement=written))

    def _run(self, kind: JobKind, work: Work, name: str) -> Path:
        output = self.folder / name
        run(JobSpec(id=name, kind=kind, work=work, output_uri=str(output)))
        return output


def served(life: Life, folder: Path) -> tuple[Scorer, Signature]:
    """The export as the predict server loads it."""
    spec = ServiceSpec(
        name="s",
        models=(ServedModel(model=life.model, checkpoint="c", version=1, model_uri=str(folder)),),
        options={},
    )
    ignore: Callable[[Any], None] = lambda report: None  # noqa: E731 - a callback that needs no name
    return load_scorer(spec.own, threads=1, observe=ignore), read_signature(folder)


def answers(scorer: Scorer, table: pa.Table, signature: Signature) -> dict[str, list[Any]]:
    """What the service answers for a table, by output."""
    names = [column.name for column in signature.inputs]
    body = orjson.dumps(table.select(names).to_pylist(), option=orjson.OPT_SERIALIZE_NUMPY)
    wire = JsonWire(signature, missing_as_null=False, max_rows=10_000)
    reading = wire.read(body, lambda name: "")
    (outputs,) = scorer.score([reading.frame])
    assert not isinstance(outputs, RequestError), outputs
    found: dict[str, list[Any]] = orjson.loads(reading.write(outputs))
    return found
