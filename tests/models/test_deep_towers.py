"""Two towers from table to files: trained, measured among all items, continued, exported one by one."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import torch

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import DataError, JobError, SchemaError, StateError
from sqlrec.features.raw import raw_inputs
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.dssm import ITEM, PARTS, USER
from sqlrec.models.deep.heads.dssm import Towers
from sqlrec.models.deep.towers.evaluate import evaluate
from sqlrec.models.deep.towers.export import export
from sqlrec.models.deep.towers.items import load_items
from sqlrec.models.deep.train import train
from sqlrec.models.exporting.session import open_session, run
from sqlrec.spec.job import EvaluateWork, ExportWork, JobResult
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.table import Relation
from tests.models.towers_world import COLUMNS, model, silent, stored, takings, work

pytestmark = pytest.mark.ml


@dataclass(frozen=True)
class World:
    """A checkpoint of two towers, its tables and its exports."""

    folder: Path
    data: Relation
    held_out: Relation
    trained: JobResult
    exported: JobResult

    @property
    def origin(self) -> Path:
        return self.folder / "v1"

    def export(self, tower: str) -> Path:
        return self.folder / "v1_export" / tower

    def evaluate(self, kind: CheckpointKind, name: str, data: Relation, to: Path) -> JobResult:
        to.mkdir()
        job = EvaluateWork(model=model(), checkpoint=name, kind=kind, source_uri=str(self.origin), data=data)
        return evaluate(job, to, silent)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("towers")
    data, held_out = (stored(takings(n, seed=n), folder / f"t{n}.parquet") for n in (1500, 200))
    for name in ("v1", "v1_export"):
        (folder / name).mkdir()
    trained = train(work(data, num_epochs=4), folder / "v1", silent)
    job = ExportWork(
        model=model(),
        checkpoint="v1",
        source_uri=str(folder / "v1"),
        sample=held_out,
        options={"variants": ("int8",)},
    )
    return World(folder, data, held_out, trained, export(job, folder / "v1_export", silent))


def test_it_finds_what_users_take_among_all_items(world: World) -> None:
    numbers = world.trained.metrics
    assert numbers["recall_10"] > 0.6, "by chance it is a quarter"
    assert 0 < numbers["ndcg_10"] < numbers["recall_10"]
    curve = [p.value for p in world.trained.curves if p.name == "recall_10"]
    assert curve[-1] == numbers["recall_10"], "of the last epoch as of the report"
    assert (world.origin / "plots").is_dir()
    assert load_items(world.origin).num_rows == 40


def test_an_evaluation_measures_what_training_would(world: World, tmp_path: Path) -> None:
    found = world.evaluate(CheckpointKind.ORIGIN, "v1", world.held_out, tmp_path / "out")
    assert found.rows == 200
    assert found.metrics["recall_10"] > 0.6
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert report["validation"]["rows"] == sum(takings(200, seed=200)["taken"].to_pylist())
    three = takings(200, seed=200).slice(0, 3)
    few = world.evaluate(
        CheckpointKind.ORIGIN, "v1", stored(three, tmp_path / "t3.parquet"), tmp_path / "few"
    )
    assert few.metrics["mrr"] < 1, "all items of the training are candidates, not three"


def test_one_tower_cannot_be_measured(world: World, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="one tower") as caught:
        world.evaluate(CheckpointKind.EXPORT, "v1_export/item", world.held_out, tmp_path / "out")
    assert caught.value.code == "SR561"
    assert "'v1'" in caught.value.hint


def test_each_tower_is_a_model_of_its_own_columns(world: World) -> None:
    names = {tower: [c.name for c in read_signature(world.export(tower)).inputs] for tower in PARTS}
    assert names == {ITEM: ["item", "kind", "image"], USER: ["user", "age", "seen"]}
    for tower in PARTS:
        signature = read_signature(world.export(tower))
        assert signature.checkpoint == f"v1_export/{tower}"
        assert [(o.name, str(o.type)) for o in signature.outputs] == [(f"{tower}_tower_emb", "ARRAY<FLOAT>")]
        assert signature.objective == "retrieval"
        assert signature.variants["fp32"].max_delta < 1e-5
        assert signature.variants["fp32"].metrics["recall_10"] > 0.6


def _answer(folder: Path, table: pa.Table, file: str = "model.onnx") -> npt.NDArray[np.float32]:
    inputs = read_signature(folder).inputs
    session = open_session((folder / file).read_bytes())
    answer: npt.NDArray[np.float32] = run(session, raw_inputs(table, inputs))[0]
    return answer


def test_exported_towers_answer_as_the_trained_model(world: World) -> None:
    table = takings(50, seed=5)
    unseen = pa.table(
        {"user": [10**9, None], "age": [None, 1e9], "seen": [[10**9, 3], None], "item": [None, 7],
         "kind": ["new", None], "image": [None, [0.5]], "taken": [1, 1]}
    )  # fmt: skip
    for rows in (table, unseen):
        users, items = checkpoint.load(world.origin).predict(rows)
        np.testing.assert_allclose(_answer(world.export(USER), rows), users, atol=1e-5)
        np.testing.assert_allclose(_answer(world.export(ITEM), rows), items, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(items, axis=1), 1, atol=1e-5)
    other = table.set_column(0, "user", pa.array([1] * 50))
    np.testing.assert_array_equal(_answer(world.export(ITEM), table), _answer(world.export(ITEM), other))


def test_a_tower_holds_its_own_embedding_rows_only(world: World) -> None:
    sizes = {tower: (world.export(tower) / "model.onnx").stat().st_size for tower in PARTS}
    whole = checkpoint.load(world.origin).table.nbytes
    assert sizes[ITEM] < whole + 8000
    assert world.exported.metrics["item.fp32.bytes"] == sizes[ITEM]


def test_a_checkpoint_is_continued_with_new_items(world: World, tmp_path: Path) -> None:
    more = stored(takings(400, seed=9, items=50), tmp_path / "more.parquet")
    before, output = checkpoint.load(world.origin), tmp_path / "v2"
    output.mkdir()
    job = work(more, base=str(world.origin), sparse_lr=1e-9, dense_lr=1e-9, num_epochs=1)
    train(job, output, silent)
    after, rows = checkpoint.load(output), takings(30, seed=3)
    for old, new in zip(before.predict(rows), after.predict(rows), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-4)
    assert after.encoder.table_rows > before.encoder.table_rows
    assert load_items(output).num_rows == 50


def test_without_a_label_every_row_was_taken(tmp_path: Path) -> None:
    columns = {name: kind for name, kind in COLUMNS.items() if name != "taken"}
    spec = model(columns, label_columns="", similarity="dot")
    data, output = stored(takings(300).drop_columns(["taken"]), tmp_path / "t.parquet"), tmp_path / "v1"
    output.mkdir()
    job = work(data, spec=spec, num_epochs=1, validation_fraction=0.5)
    found = train(job, output, silent)
    assert found.metrics["recall_10"] > 0
    assert found.params["validation_rows"] == "150"


def test_items_that_a_row_has_seen_are_not_looked_for(tmp_path: Path) -> None:
    table = takings(600)
    everything = [[item for item in range(40) if item != taken] for taken in table["item"].to_pylist()]
    seen = table.set_column(table.column_names.index("seen"), "seen", pa.array(everything))
    data = stored(seen, tmp_path / "t.parquet")
    for exclude, name in ((True, "v1"), (False, "v2")):
        output, spec = tmp_path / name, model(exclude_seen=exclude)
        output.mkdir()
        trained = train(work(data, spec=spec, num_epochs=1), output, silent).metrics
        job = EvaluateWork(
            model=spec, checkpoint=name, kind=CheckpointKind.ORIGIN, source_uri=str(output), data=data
        )
        (tmp_path / f"{name}_evaluated").mkdir()
        found = evaluate(job, tmp_path / f"{name}_evaluated", silent).metrics
        assert (trained["mrr"] == found["mrr"] == 1) == exclude, "nothing else is left to look for"


def _with(column: str, values: list[object]) -> pa.Table:
    table = takings(60)
    return table.set_column(table.column_names.index(column), column, pa.array(values))


@pytest.mark.parametrize(
    ("table", "kind", "code", "words"),
    [
        (_with("taken", [0] * 60), DataError, "SR452", "have label 0"),
        (_with("item", [3] * 60), DataError, "SR589", "have 1 item by 'item'"),
        (_with("item", [None] * 60), DataError, "SR589", "have 0 items by 'item'"),
        (takings(60).drop_columns(["kind", "seen"]), SchemaError, "SR450", "no columns 'seen', 'kind'"),
        (takings(0), DataError, "SR451", "no rows"),
    ],
)
def test_tables_that_teach_nothing(
    table: pa.Table, kind: type[DataError], code: str, words: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with pytest.raises(kind, match=words) as caught:
        train(work(stored(table, tmp_path / "t.parquet")), output, silent)
    assert caught.value.code == code
    assert not list(output.iterdir())


def test_a_checkpoint_without_its_items_is_damaged(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.origin, tmp_path / "v1")
    (tmp_path / "v1" / "items.parquet").unlink()
    with pytest.raises(StateError) as caught:
        load_items(tmp_path / "v1")
    assert caught.value.code == "SR521"


@pytest.mark.parametrize("exclude", [False, True])
def test_each_exported_tower_measures_what_the_checkpoint_measures(tmp_path: Path, exclude: bool) -> None:
    """Also of an item whose other columns differ by row, and of items that the training has not seen."""
    data = stored(takings(600), tmp_path / "data.parquet")
    held_out = stored(takings(200, seed=7, items=45), tmp_path / "held_out.parquet")
    changed = replace(held_out, query="SELECT * REPLACE (kind || user AS kind) FROM held_out")
    spec = model(exclude_seen=exclude)
    for name in ("v1", "v1_export", "evaluated"):
        (tmp_path / name).mkdir()
    train(work(data, spec=spec), tmp_path / "v1", silent)
    origin = str(tmp_path / "v1")
    to_export = ExportWork(model=spec, checkpoint="v1", source_uri=origin, sample=changed)
    exported = export(to_export, tmp_path / "v1_export", silent).metrics
    job = EvaluateWork(
        model=spec, checkpoint="v1", source_uri=origin, kind=CheckpointKind.ORIGIN, data=changed
    )
    found = evaluate(job, tmp_path / "evaluated", silent).metrics
    for tower in PARTS:
        assert exported[f"{tower}.fp32.recall_10"] == pytest.approx(found["recall_10"], abs=1e-6)
        assert exported[f"{tower}.fp32.mrr"] == pytest.approx(found["mrr"], abs=1e-6)


def test_nothing_is_measured_of_made_up_rows(world: World, tmp_path: Path) -> None:
    job = ExportWork(model=model(), checkpoint="v1", source_uri=str(world.origin))
    found = export(job, tmp_path, silent).metrics
    assert found["item.fp32.max_delta"] < 1e-5
    assert not [name for name in found if "recall" in name]


def test_a_long_array_weighs_as_much_as_one_value(tmp_path: Path) -> None:
    """With normalize_arrays a tower answers the same however short the mean of an array is."""
    data = stored(takings(300), tmp_path / "data.parquet")
    spec = model(normalize_arrays=True)
    for name in ("v1", "v1_export"):
        (tmp_path / name).mkdir()
    train(work(data, spec=spec, num_epochs=1), tmp_path / "v1", silent)
    trained = checkpoint.load(tmp_path / "v1")
    towers = trained.head
    assert isinstance(towers, Towers)
    embedded, dense = torch.rand(4, 3, 9), torch.rand(4, 2)
    short = embedded.clone()
    short[:, 2] /= 4  # the columns of the user tower are the user, the age and what was seen
    torch.testing.assert_close(towers.user(embedded, dense), towers.user(short, dense), rtol=0, atol=0.01)
    job = ExportWork(model=spec, checkpoint="v1", source_uri=str(tmp_path / "v1"), sample=data)
    assert export(job, tmp_path / "v1_export", silent).metrics["user.fp32.max_delta"] < 1e-5
