"""The fitted encoder: layout of the fused table, tensors, JSON, errors."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.errors import DataError, SchemaError
from sqlrec.features.encoder import Encoder, FeatureConfig, fit
from sqlrec.features.fitting import MAX_VECTOR
from sqlrec.features.synthesis import made_up_rows
from sqlrec.spec.schema import DataType

ROWS = pa.table(
    {
        "price": [1.0, 2.0, None, 4.0],
        "city": ["x", "x", "y", "y"],
        "tags": [["a", "b"], ["b", "a", "a"], [], None],
        "user": [7, 7, 8, None],
        "seen": [datetime(2026, 1, d) for d in (1, 2, 3, 4)],
        "image": [[1.0, 2.0], [3.0], None, [5.0, 6.0]],
        "new": [True, False, True, False],
    }
)
TYPES = {
    "price": "DOUBLE",
    "city": "STRING",
    "tags": "ARRAY<STRING>",
    "user": "BIGINT",
    "seen": "TIMESTAMP",
    "image": "ARRAY<FLOAT>",
    "new": "BOOLEAN",
}


def config(name: str, text: str = "", **changes: Any) -> FeatureConfig:
    values = {"embedding_dim": 4, "bucket_size": 100, "max_length": 2, **changes}
    return FeatureConfig(name=name, type=DataType.parse(text or TYPES[name]), **values)


@pytest.fixture
def encoder() -> Encoder:
    return fit(ROWS, [config(name, embedding_dim=len(name)) for name in TYPES])


def test_layout_of_the_fused_table(encoder: Encoder) -> None:
    places = [(s.name, s.offset, s.rows, s.embedding_dim) for s in (*encoder.slots, *encoder.bags)]
    assert places == [
        ("city", 0, 4, 4),
        ("user", 4, 3, 4),
        ("new", 7, 4, 3),
        ("price", 11, 4, 5),
        ("seen", 15, 5, 4),
        ("tags", 20, 3, 4),
    ]
    assert encoder.table_rows == 23
    assert encoder.dense_width == 2 * 2 + 2


def test_tensors(encoder: Encoder) -> None:
    encoded = encoder.transform(ROWS)
    assert encoded.ids.tolist() == [
        [1, 5, 9, 12, 16],
        [1, 5, 8, 13, 17],
        [2, 6, 9, 11, 18],
        [2, 4, 8, 14, 19],
    ]
    assert [bag.tolist() for bag in encoded.bags] == [[[20, 21], [21, 20], [-1, -1], [-1, -1]]]
    assert encoded.dense.dtype == np.float32
    assert encoded.dense[:, 2:4].tolist() == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert encoded.dense[2, 0] == 0
    assert encoded.dense[1, 5] == encoded.dense[2, 4] == encoded.dense[2, 5] == 0


def test_unseen_values_and_infinities(encoder: Encoder) -> None:
    rows = pa.table(
        {
            "price": [float("inf"), float("-inf")],
            "city": ["z", ""],
            "tags": [["z", None, "a"], ["z"]],
            "user": [99, None],
            "seen": [datetime(1900, 1, 1), None],
            "image": [[1.0, 1.0, 1.0, 1.0], []],
            "new": [None, None],
        }
    )
    encoded = encoder.transform(rows)
    assert encoded.ids.tolist() == [[3, 6, 7, 14, 16], [0, 4, 7, 12, 15]]
    assert encoded.bags[0].tolist() == [[22, -1], [22, -1]]
    assert encoded.dense[:, 0].tolist() == [5, -5]


def test_blocks_of_a_table_join_to_the_whole(encoder: Encoder) -> None:
    whole = encoder.transform(ROWS)
    parts = [encoder.transform(batch) for batch in ROWS.to_batches(max_chunksize=1)]
    assert np.concatenate([p.ids for p in parts]).tolist() == whole.ids.tolist()
    assert np.concatenate([p.bags[0] for p in parts]).tolist() == whole.bags[0].tolist()
    assert np.concatenate([p.dense for p in parts]).tolist() == whole.dense.tolist()
    empty = encoder.transform(ROWS.slice(0, 0))
    assert (empty.ids.shape, empty.bags[0].shape, empty.dense.shape) == ((0, 5), (0, 2), (0, 6))


def test_json_gives_the_same_encoder(encoder: Encoder) -> None:
    text = json.dumps(encoder.to_json(), allow_nan=False)
    restored = Encoder.from_json(json.loads(text))
    assert json.dumps(restored.to_json()) == text
    made_up = made_up_rows(encoder, 500, seed=1)
    before, after = encoder.transform(made_up), restored.transform(made_up)
    np.testing.assert_array_equal(before.ids, after.ids)
    np.testing.assert_array_equal(before.bags[0], after.bags[0])
    assert before.dense.tobytes() == after.dense.tobytes()
    assert restored.inputs == encoder.inputs


def test_fitting_is_deterministic(encoder: Encoder) -> None:
    shuffled = ROWS.take([3, 1, 0, 2])
    again = fit(shuffled, [f.config for f in encoder.features])
    assert again.to_json()["features"][:5] == encoder.to_json()["features"][:5]


@pytest.mark.parametrize(
    "damage",
    [{"format": 2}, {"features": [{"kind": "tree"}]}, {"features": None}, {"features": [{}]}],
)
def test_unreadable_json_is_an_error(encoder: Encoder, damage: dict[str, Any]) -> None:
    data = encoder.to_json() | damage
    with pytest.raises(DataError) as caught:
        Encoder.from_json(data)
    assert caught.value.code == "SR445"


def test_a_feature_of_another_kind_is_an_error(encoder: Encoder) -> None:
    data = encoder.to_json()
    data["features"][0]["kind"] = "tree"
    with pytest.raises(DataError, match="tree"):
        Encoder.from_json(data)


def test_inputs_of_the_exported_model(encoder: Encoder) -> None:
    inputs = [(i.name, i.tensor, i.is_array, i.length) for i in encoder.inputs]
    assert inputs == [
        ("price", "float32", False, 0),
        ("city", "string", False, 0),
        ("tags", "string", True, 0),
        ("user", "int64", False, 0),
        ("seen", "int64", False, 0),
        ("image", "float32", True, 2),
        ("new", "int64", False, 0),
    ]


def test_infinite_training_values_are_refused_by_column_and_count() -> None:
    for name, values in {
        "price": [1.0, float("inf"), float("-inf")],
        "image": [[1.0, float("inf")], [float("-inf")], None],
    }.items():
        with pytest.raises(DataError, match=f"'{name}' has 2 infinite values") as caught:
            fit(pa.table({name: values}), [config(name)])
        assert caught.value.code == "SR443"
    assert fit(pa.table({"price": [1e300, -1e300, float("nan")]}), [config("price")]).table_rows == 3


@pytest.mark.parametrize(
    ("table", "configs", "code"),
    [
        (ROWS.slice(0, 0), [config("price")], "SR446"),
        (ROWS, [config("price"), config("image", "MAP<STRING, INT>")], "SR441"),
        (ROWS, [config("absent", "INT")], "SR440"),
        (ROWS, [config("city", "INT")], "SR442"),
        (pa.table({"image": [[0.0] * (MAX_VECTOR + 1)]}), [config("image")], "SR447"),
    ],
)
def test_tables_that_cannot_be_learnt_from(table: pa.Table, configs: list[FeatureConfig], code: str) -> None:
    with pytest.raises((SchemaError, DataError)) as caught:
        fit(table, configs)
    assert caught.value.code == code


def test_columns_that_are_missing_throughout() -> None:
    table = pa.table({name: pa.nulls(3) for name in TYPES})
    encoder = fit(table, [config(name) for name in TYPES])
    encoded = encoder.transform(table)
    assert (encoded.ids == [s.offset for s in encoder.slots]).all()
    assert (encoded.dense[:, :2] == 0).all()
    encoder.transform(ROWS)


def test_made_up_rows_hold_known_unseen_and_missing_values(encoder: Encoder) -> None:
    rows = made_up_rows(encoder, 1000, seed=0)
    assert rows.equals(made_up_rows(encoder, 1000, seed=0))
    encoded = encoder.transform(rows)
    for slot, column in zip(encoder.slots, encoded.ids.T, strict=True):
        unseen = 1 if slot.name == "new" else 0  # no third truth value exists
        assert set(column.tolist()) == set(range(slot.offset, slot.offset + slot.rows - unseen)), slot.name
    assert set(encoded.bags[0].ravel().tolist()) == {-1, 20, 21, 22}


def test_made_up_rows_of_dates_and_of_columns_without_values() -> None:
    table = pa.table({"day": [date(2026, 1, d) for d in (1, 2, 3)], "city": pa.nulls(3, pa.string())})
    encoder = fit(table, [config("day", "DATE"), config("city")])
    encoded = encoder.transform(made_up_rows(encoder, 500, seed=0))
    assert set(encoded.ids[:, 0].tolist()) == {0, 1}
    assert set(encoded.ids[:, 1].tolist()) == {2, 3, 4, 5}
