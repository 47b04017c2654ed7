"""Training tables by roles: the columns that are read, in memory or block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError, SchemaError
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.rows import Groups
from sqlrec.models.tables.source import checked, read, require_different_labels, select
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation

Stored = Callable[..., Relation]

TABLE = pa.table(
    {
        "A": [1, 2, 3],
        "y": ["u", "v", "u"],
        "z": [1, 0, 1],
        "W": [1.0, 2.0, 0.5],
        "q": [7, 8, 7],
        "more": [0] * 3,
    }
)
FEATURES = Schema((Field(name="a", type=DataType.parse("INT")),))


def test_all_roles_are_read(stored: Stored) -> None:
    roles = Roles(features=FEATURES, labels=("Y",), weight="w", group="Q")
    with Engine() as engine:
        source = read(stored(TABLE), roles, "m", engine, objective=Objective.MULTICLASS)
    assert source.table.column_names == ["A", "y", "W", "q"]
    assert (source.classes, source.labels.tolist()) == (("u", "v"), [0, 1, 0])
    assert source.weights is not None
    assert source.weights.tolist() == [1, 2, 0.5]
    assert source.groups is not None
    assert source.groups.tolist() == [0, 1, 0]
    assert len(source) == 3


def test_several_labels_stand_side_by_side_and_none_is_empty(stored: Stored) -> None:
    with Engine() as engine:
        both = read(stored(TABLE), Roles(features=FEATURES, labels=("z", "z")), "m", engine)
        none = read(stored(TABLE), Roles(features=FEATURES), "m", engine, objective=Objective.CLUSTERING)
    assert both.labels.shape == (3, 2)
    require_different_labels(both)
    assert none.labels.size == 0
    assert len(none) == 3
    require_different_labels(none, Objective.CLUSTERING)


def test_missing_columns_are_named_by_kind(stored: Stored) -> None:
    with Engine() as engine:
        for labels, words in ((("yy",), "no label column 'yy'"), (("yy", "zz"), "label columns 'yy', 'zz'")):
            with pytest.raises(SchemaError, match=words) as caught:
                select(stored(TABLE), Roles(features=FEATURES, labels=labels), "m", engine)
            assert caught.value.code == "SR450"
        with pytest.raises(SchemaError, match="no column 'weight', which model m needs"):
            select(stored(TABLE), Roles(features=FEATURES, labels=("z",), weight="weight"), "m", engine)
        chosen = select(stored(TABLE), Roles(features=FEATURES, labels=("z",)), "m", engine, "MORE")
        assert engine.schema(chosen.relation).names == ["A", "z", "more"]
        assert chosen.label == "z"


def test_blocks_share_groups_and_count_rows(stored: Stored) -> None:
    roles = Roles(features=FEATURES, labels=("z",), group="q")
    with Engine() as engine:
        chosen = select(stored(TABLE), roles, "m", engine)
    groups = Groups()
    first = checked(chosen, TABLE.slice(0, 2), groups=groups)
    second = checked(chosen, TABLE.slice(1, 2), groups=groups, before=2)
    assert first.groups is not None
    assert second.groups is not None
    assert np.concatenate([first.groups, second.groups]).tolist() == [0, 1, 1, 0]
    broken = TABLE.set_column(4, "q", pa.array([1, None, 3]))
    with pytest.raises(DataError, match=r"row 12") as caught:
        checked(chosen, broken, before=10)
    assert caught.value.code == "SR542"


@pytest.mark.parametrize(
    ("objective", "values", "words"),
    [
        (Objective.REGRESSION, [2.5, 2.5], "all 2 rows of clicks have label 2.5"),
        (Objective.MULTICLASS, ["u", "u"], "have label u"),
    ],
)
def test_equal_labels_teach_nothing(
    objective: Objective, values: list[object], words: str, stored: Stored
) -> None:
    table = pa.table({"a": [1, 2], "y": values})
    with Engine() as engine:
        source = read(
            stored(table), Roles(features=FEATURES, labels=("y",)), "m", engine, objective=objective
        )
    with pytest.raises(DataError, match=words) as caught:
        require_different_labels(source, objective)
    assert caught.value.code == "SR452"
