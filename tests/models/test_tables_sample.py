"""Sample rows of an export: which are read, what is done without, how they look as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.errors import SchemaError
from sqlrec.features.encoder import Encoder, fit
from sqlrec.features.raw import raw_inputs
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.deep.encoding import feature_configs
from sqlrec.models.deep.options import Architecture
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.sample import MADE_UP_ROWS, SAMPLE_ROWS, json_row, read_sample
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.table import Relation


@pytest.fixture
def model(make_model: Callable[..., ModelSpec]) -> ModelSpec:
    return make_model()


@pytest.fixture
def encoder(model: ModelSpec, clicks: Callable[..., pa.Table]) -> Encoder:
    return fit(clicks(200), feature_configs(model, Architecture.read(WIDE_AND_DEEP.options, model.options)))


def test_labels_come_along_when_the_table_has_them(
    model: ModelSpec, encoder: Encoder, clicks: Callable[..., pa.Table], stored: Callable[..., Relation]
) -> None:
    table = clicks(100, seed=1)
    upper = table.rename_columns([name.upper() for name in table.column_names])
    for rows in (table, upper):
        sample = read_sample(stored(rows), roles_of(model), "ctr", encoder)
        assert sample.labels is not None
        assert (len(sample), sample.warnings) == (100, ())
        assert sample.labels.tolist() == sample.table.column(-1).to_pylist()
        assert sample.labels.sum() == sum(table["label"].to_pylist())
    assert read_sample(stored(table.drop_columns(["label"])), roles_of(model), "ctr", encoder).labels is None


@pytest.mark.parametrize(
    ("labels", "words"),
    [(pa.array([1] * 100), "all labels of the sample are 1"), (pa.nulls(100, pa.int32()), "has no value")],
)
def test_unusable_labels_are_a_warning(
    labels: pa.Array,
    words: str,
    model: ModelSpec,
    encoder: Encoder,
    clicks: Callable[..., pa.Table],
    stored: Callable[..., Relation],
) -> None:
    table = clicks(100, seed=1)
    broken = table.set_column(table.column_names.index("label"), "label", labels)
    sample = read_sample(stored(broken), roles_of(model), "ctr", encoder)
    assert sample.labels is None
    assert [words in w for w in sample.warnings] == [True]
    assert len(sample) == 100


def test_without_rows_made_up_ones_are_used(
    model: ModelSpec, encoder: Encoder, clicks: Callable[..., pa.Table], stored: Callable[..., Relation]
) -> None:
    assert len(read_sample(None, roles_of(model), "ctr", encoder)) == MADE_UP_ROWS
    empty = read_sample(stored(clicks(0)), roles_of(model), "ctr", encoder)
    assert len(empty) == MADE_UP_ROWS
    assert ["no rows" in w for w in empty.warnings] == [True]


def test_large_tables_are_sampled_over_their_whole_length(
    model: ModelSpec, encoder: Encoder, clicks: Callable[..., pa.Table], stored: Callable[..., Relation]
) -> None:
    rows = SAMPLE_ROWS * 2
    index = pa.array(np.arange(rows))
    table = clicks(100).take(pa.array(np.arange(rows) % 100)).set_column(0, "user", index)
    relation = stored(table)
    first, second = (read_sample(relation, roles_of(model), "ctr", encoder) for _ in range(2))
    assert first.table.equals(second.table)
    assert len(first) == SAMPLE_ROWS
    users = np.asarray(first.table["user"])
    assert len(set(users.tolist())) == SAMPLE_ROWS
    assert abs(users.mean() / rows - 0.5) < 0.02


def test_a_missing_feature_column_is_named_with_a_suggestion(
    model: ModelSpec, encoder: Encoder, clicks: Callable[..., pa.Table], stored: Callable[..., Relation]
) -> None:
    table = clicks(50)
    misspelt = table.rename_columns(["shopp" if n == "shop" else n for n in table.column_names])
    with pytest.raises(SchemaError, match="'shop'") as caught:
        read_sample(stored(misspelt), roles_of(model), "ctr", encoder)
    assert caught.value.code == "SR450"
    assert "shopp" in caught.value.hint


def test_rows_as_json(make_model: Callable[..., ModelSpec]) -> None:
    columns = {
        "user": "BIGINT",
        "shop": "STRING",
        "price": "DOUBLE",
        "is_new": "BOOLEAN",
        "tags": "ARRAY<STRING>",
        "flags": "ARRAY<BOOLEAN>",
        "day": "DATE",
        "label": "INT",
    }
    table = pa.table(
        {
            "user": [5, None],
            "shop": ["ü", None],
            "price": [0.5, float("nan")],
            "is_new": [False, None],
            "tags": [["a", None, "b"], None],
            "flags": [[True, False], []],
            "day": [date(1970, 1, 3), None],
        }
    )
    spec = make_model(columns)
    encoder = fit(table, feature_configs(spec, Architecture.read(WIDE_AND_DEEP.options, spec.options)))
    raw = raw_inputs(table, encoder.inputs)
    assert [json_row(raw, encoder.inputs, row) for row in range(2)] == [
        {
            "user": 5,
            "shop": "ü",
            "price": 0.5,
            "is_new": False,
            "tags": ["a", None, "b"],
            "flags": [True, False],
            "day": 2,
        },
        {"user": None, "shop": None, "price": None, "is_new": None, "tags": [], "flags": [], "day": None},
    ]
    json.dumps(json_row(raw, encoder.inputs, 1), allow_nan=False)
