"""What a training table must be, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pytest
import torch

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError, SchemaError, SqlRecError
from sqlrec.features.encoder import fit
from sqlrec.models.deep import encoding
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.deep.encoding import encode, feature_configs
from sqlrec.models.deep.options import Architecture
from sqlrec.models.tables.labels import read_labels
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.source import Source, read, require_different_labels
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.table import Relation

Clicks: TypeAlias = Callable[..., pa.Table]
Make: TypeAlias = Callable[..., ModelSpec]
Stored: TypeAlias = Callable[..., Relation]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, 1, 1], pa.int8()),
        pa.array([False, True, True]),
        pa.array([0.0, 1.0, 1.0], pa.float32()),
        pa.array([0, 1, 1], pa.decimal128(10, 2)),
    ],
)
def test_labels_of_any_number_type_and_booleans(column: pa.Array) -> None:
    labels = read_labels(pa.chunked_array([column]), "y", "t")
    assert labels.dtype == np.float32
    assert labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ([0, 1, 2, 5], "SR454", "holds 2, 5 in 2 of 4 rows (row 3, 4)"),
        ([0, None, 1, None], "SR453", "no value in 2 of 4 rows (row 2, 4)"),
        ([0.0, float("nan")], "SR453", "1 of 2 rows (row 2)"),
        ([0.0, float("inf")], "SR454", "holds inf"),
        ([0.5] * 9, "SR454", "9 of 9 rows (row 1, 2, 3, 4, 5, …)"),
        (["<=50K", ">50K"], "SR454", "values such as '<=50K', '>50K'"),
    ],
)
def test_other_labels_are_refused_by_value_and_row(values: list[Any], code: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(pa.chunked_array([pa.array(values)]), "y", "t")
    assert caught.value.code == code
    assert words in caught.value.message
    assert "'y' of t" in caught.value.message


def test_only_the_models_columns_are_read(clicks: Clicks, make_model: Make, stored: Stored) -> None:
    table = clicks(20).append_column("ignored", pa.array(["x"] * 20))
    relation = stored(table.rename_columns([n.upper() for n in table.column_names]))
    with Engine() as engine:
        source = read(relation, roles_of(make_model()), "ctr", engine)
    assert source.table.column_names == ["USER", "SHOP", "PRICE", "IS_NEW", "TAGS", "LABEL"]
    assert source.labels.tolist() == table["label"].to_pylist()


@pytest.mark.parametrize(
    ("query", "kind", "code", "words", "hint"),
    [
        ("SELECT * EXCLUDE (label) FROM clicks", SchemaError, "SR450", "no label column 'label'", "columns:"),
        (
            "SELECT * EXCLUDE (shop), shop AS shopp FROM clicks",
            SchemaError,
            "SR450",
            "no column 'shop', which model ctr needs",
            "Did you mean 'shopp'?",
        ),
        ("SELECT * EXCLUDE (shop, price) FROM clicks", SchemaError, "SR450", "columns 'shop', 'price'", ""),
        ("SELECT * FROM clicks WHERE user < 0 -- none", DataError, "SR451", "clicks has no rows", "WHERE"),
    ],
)
def test_tables_that_cannot_be_trained_on(
    clicks: Clicks,
    make_model: Make,
    stored: Stored,
    query: str,
    kind: type[SqlRecError],
    code: str,
    words: str,
    hint: str,
) -> None:
    relation = Relation(query=query, sources=stored(clicks(20)).sources)
    with Engine() as engine, pytest.raises(kind) as caught:
        read(relation, roles_of(make_model()), "ctr", engine)
    assert caught.value.code == code
    assert words in caught.value.message
    assert hint in caught.value.hint


def test_labels_of_one_class_are_refused() -> None:
    source = Source(name="clicks", table=pa.table({"a": [1, 2]}), labels=np.ones(2, np.float32))
    with pytest.raises(DataError, match="all 2 rows of clicks have label 1"):
        require_different_labels(source)


def test_per_column_options_reach_the_encoder(make_model: Make) -> None:
    model = make_model(**{"column.User.bucket_size": 10, "column.shop.embedding_dim": 2, "num_buckets": 99})
    shape = Architecture.read(WIDE_AND_DEEP.options, model.options)
    user, shop, *_ = feature_configs(model, shape)
    assert (user.bucket_size, user.embedding_dim) == (10, 4)
    assert (shop.bucket_size, shop.embedding_dim) == (99, 2)


def test_encoding_in_blocks_is_encoding_at_once(
    clicks: Clicks, make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, table = make_model(), clicks(1000)
    encoder = fit(table, feature_configs(model, Architecture.read(WIDE_AND_DEEP.options, model.options)))
    source = Source(name="clicks", table=table, labels=table["label"].to_numpy().astype(np.float32))
    whole = encode(encoder, source, threads=1)
    monkeypatch.setattr(encoding, "ENCODING_ROWS", 96)
    blocks = encode(encoder, source, threads=3)
    assert torch.equal(whole.ids, blocks.ids)
    assert torch.equal(whole.bags[0], blocks.bags[0])
    assert torch.equal(whole.dense, blocks.dense)
    assert whole.ids.dtype is torch.int32
