"""Every model type keeps one promise: train, continue, export, measure, serve, refuse bad tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.artifacts.folder import is_complete, read_result
from sqlrec.errors import JobError, SqlRecError
from sqlrec.models.deep.towers.items import load_items
from sqlrec.models.lookup import BUILT_IN, get_controller
from sqlrec.models.measuring import retrieval
from sqlrec.models.measuring.objectives import report_of
from sqlrec.models.tabular.evaluate import opened
from sqlrec.serving.scorer import Scorer
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.signature import Signature
from tests.contracts.model_types import KINDS, Life, answers, model_of, rows, served

pytestmark = pytest.mark.ml
TRAINED, HELD_OUT = rows(600), rows(200, seed=1)
PARTS = ("dssm",)
"""Kinds that are exported in parts, of which none can be evaluated alone."""
BLIND = ("kmeans", "pca")
"""Kinds whose exports have no matrix to measure in."""


@dataclass(frozen=True)
class Made:
    """A model's checkpoints."""

    life: Life
    origin: Path
    exports: tuple[Path, ...]

    def servers(self) -> list[tuple[Scorer, Signature]]:
        """Each export as the predict server loads it."""
        return [served(self.life, folder) for folder in self.exports]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """``made(kind)``: trained and exported once in this process; nobody changes the files."""
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in known:
            kind = KINDS[name]
            life = Life(kind, model_of(kind), tmp_path_factory.mktemp(name.replace(" ", "_")))
            origin = life.train(TRAINED, "v1")
            known[name] = Made(life, origin, life.export(origin, "v1_export", HELD_OUT))
        return known[name]

    return make


def test_no_type_that_trains_is_left_out() -> None:
    here = {model_of(kind).type for kind in KINDS.values()}
    trains = {name for name in BUILT_IN if get_controller(name).programs.train}
    assert trains <= here


@pytest.mark.parametrize("name", KINDS)
def test_training_is_measured_leaves_numbers_and_pictures_and_goes_on(
    name: str, made: Callable[[str], Made], tmp_path: Path
) -> None:
    of = made(name)
    again = Life(of.life.kind, of.life.model, tmp_path).train(
        TRAINED, "v2", base=of.origin, validation_fraction=0.0
    )
    before, result = read_result(of.origin), read_result(again)
    assert result.rows == TRAINED.num_rows > before.rows > 0, "some rows are held back to measure"
    assert before.seconds > 0
    assert before.metrics["rows_per_second"] > 0
    assert (of.origin / "evaluation.json").is_file()
    assert list((of.origin / "plots").glob("*.png"))
    assert before.files.keys() >= result.files.keys()
    assert {name: result.files[name] for name in before.files.keys() & result.files.keys()} != before.files


@pytest.mark.parametrize("name", KINDS)
def test_both_checkpoints_measure_the_same(name: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    of = made(name)
    life = Life(of.life.kind, of.life.model, tmp_path)
    origin = life.evaluate(of.origin, CheckpointKind.ORIGIN, HELD_OUT, "origin").metrics
    assert origin
    for export in of.exports:
        found = {key.removeprefix("fp32."): value for key, value in read_result(export).metrics.items()}
        found = {key: found[key] for key in found.keys() & origin.keys()}
        assert found or name in BLIND
        if name not in PARTS:
            found = dict(life.evaluate(export, CheckpointKind.EXPORT, HELD_OUT, "export").metrics)
            assert found.keys() == origin.keys() or name in BLIND
        assert found == pytest.approx({key: origin[key] for key in found}, rel=1e-3, abs=1e-3)
    if name in (*PARTS, *BLIND):
        found = dict((_pair if name in PARTS else _unblinded)(of))
        assert found.keys() >= origin.keys()
        assert origin == pytest.approx({key: found[key] for key in origin}, rel=1e-4, abs=1e-4)


def _pair(of: Made) -> Mapping[str, float]:
    """What both served towers measure together, among the items that the checkpoint is measured in."""
    items = load_items(of.origin)
    found = items["item_id"].to_pylist()
    assert set(HELD_OUT["item_id"].to_pylist()) <= set(found), "else the rows have candidates of their own"
    vectors = {}
    for (server, signature), table in zip(of.servers(), (items, HELD_OUT), strict=True):
        ((output, values),) = answers(server, table, signature).items()
        vectors[output] = np.array(values, np.float32)
    taken = HELD_OUT["label"].to_numpy() == 1
    truth = np.array([found.index(item) for item in HELD_OUT["item_id"].to_pylist()])
    return retrieval.numbers(
        retrieval.ranks(vectors["user_tower_emb"][taken], vectors["item_tower_emb"], truth[taken])
    )


def _unblinded(of: Made) -> Mapping[str, float]:
    """What the service's answers measure beside the matrix that only the training checkpoint has."""
    ((server, signature),), origin = of.servers(), opened(of.origin)
    outputs = tuple(map(np.array, answers(server, HELD_OUT, signature).values()))
    assert origin.matrix is not None
    matrix = origin.matrix(HELD_OUT)
    return report_of(origin.objective, None, outputs, matrix=matrix).numbers


@pytest.mark.parametrize("name", PARTS)
def test_one_part_of_a_model_is_not_measured(name: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    of = made(name)
    life = Life(of.life.kind, of.life.model, tmp_path)
    for folder in of.exports:
        with pytest.raises(JobError, match="one tower"):
            life.evaluate(folder, CheckpointKind.EXPORT, HELD_OUT, folder.name)


@pytest.mark.parametrize("name", KINDS)
def test_served_rows_are_the_same_alone_and_together(name: str, made: Callable[[str], Made]) -> None:
    for scorer, signature in made(name).servers():
        together = answers(scorer, HELD_OUT, signature)
        assert list(together) == [output.name for output in signature.outputs]
        for row in (0, 7, 199):
            alone = answers(scorer, HELD_OUT.slice(row, 1), signature)
            for output, values in together.items():
                np.testing.assert_allclose(
                    np.asarray(alone[output][0]), np.asarray(values[row]), rtol=0, atol=1e-6
                )


@pytest.mark.parametrize("name", KINDS)
def test_missing_and_unknown_values_are_answered(name: str, made: Callable[[str], Made]) -> None:
    for scorer, signature in made(name).servers():
        nothing = {c.name: pa.nulls(2, HELD_OUT.schema.field(c.name).type) for c in signature.inputs}
        for output, values in answers(scorer, pa.table(nothing), signature).items():
            assert np.isfinite(np.asarray(values, dtype=float)).all(), output


@pytest.mark.parametrize("name", KINDS)
def test_the_same_training_gives_the_same_files(
    name: str, made: Callable[[str], Made], tmp_path: Path
) -> None:
    """Of all kinds, and what is measured and drawn of the rows that are held back, too."""
    of = made(name)
    again = Life(of.life.kind, of.life.model, tmp_path).train(TRAINED, "v1")
    before, after = (read_result(folder).files for folder in (of.origin, again))
    assert before == after
    assert "evaluation.json" in before


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("damage", ["no rows", "no column", "other type", "no label"])
def test_bad_tables_are_refused_and_leave_nothing(name: str, damage: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    life, table = Life(kind, model_of(kind), tmp_path), TRAINED
    match damage:
        case "no rows":
            table = table.slice(0, 0)
        case "no column":
            table = table.drop_columns(["price"])
        case "other type":
            table = table.set_column(table.column_names.index("price"), "price", table["shop"])
        case _:
            if not kind.label:
                pytest.skip("it has no label")
            kinds = table.schema.field(kind.label).type
            nulls = pa.nulls(table.num_rows, kinds)
            table = table.set_column(table.column_names.index(kind.label), kind.label, nulls)
    with pytest.raises(SqlRecError) as caught:
        life.train(table, "bad")
    assert caught.value.code.startswith("SR4") or caught.value.code.startswith("SR5")
    assert caught.value.message
    assert not is_complete(tmp_path / "bad")
