"""Which columns are the user's and which the item's, and what is refused about them."""

from __future__ import annotations

import pytest

from sqlrec.models.controller import Problem
from sqlrec.models.deep.controllers import DSSM
from sqlrec.models.deep.dssm import Sides, sides_of
from sqlrec.models.lookup import get_controller
from sqlrec.models.objective import Objective
from sqlrec.spec.options import OptionValue
from tests.models.towers_world import COLUMNS, model

PLAIN = {"user": "BIGINT", "city": "STRING", "price": "DOUBLE", "item": "BIGINT"}


def _problems(columns: dict[str, str], **options: OptionValue | None) -> list[Problem]:
    given = {"label_columns": None, "item_features": None, "column.seen.shared_with": None, **options}
    return list(DSSM.check(model(columns, **given)))


def test_is_found_by_its_name_and_gives_an_embedding_a_tower() -> None:
    assert get_controller("tzrec.DSSM") is DSSM
    assert DSSM.objective is Objective.RETRIEVAL
    outputs = [(f.name, str(f.type)) for f in model().outputs]
    assert outputs == [("user_tower_emb", "ARRAY<FLOAT>"), ("item_tower_emb", "ARRAY<FLOAT>")]


def test_exports_the_item_tower_first() -> None:
    assert DSSM.exports("v1.0") == ("v1.0_export/item", "v1.0_export/user")


def test_a_good_model_has_no_problems() -> None:
    assert list(DSSM.check(model())) == []
    assert _problems(PLAIN, user_features="USER, city", item_features="item,Price") == []


def test_the_columns_that_one_tower_leaves_are_those_of_the_other() -> None:
    sides = sides_of(model(PLAIN, label_columns="", item_features="Price, item"))
    assert sides == Sides(user=("user", "city"), item=("price", "item"), item_id="price")
    sides = sides_of(model(PLAIN, item_features=None, user_features="city,user", item_id_column="ITEM"))
    assert sides == Sides(user=("city", "user"), item=("price", "item"), item_id="item")
    assert "taken" not in sides_of(model(COLUMNS, item_features=None, user_features="user")).item


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({}, "SR585", "At least one of user_features or item_features is required for DSSM model"),
        ({"item_features": "user,city,price,item"}, "SR585", "the user tower has no columns"),
        ({"user_features": "user,city,price,item"}, "SR585", "the item tower has no columns"),
        ({"item_features": "itemm"}, "SR586", "item_features names 'itemm', which is no column"),
        (
            {"item_features": "item", "label_columns": "price", "user_features": "price"},
            "SR586",
            "is the label",
        ),
        ({"item_features": "item", "item_id_column": "sku"}, "SR586", "item_id_column names 'sku'"),
        ({"item_features": "item,city", "user_features": "user,city"}, "SR587", "'city' is in user_features"),
        ({"item_features": "price,item"}, "SR588", "told apart by 'price', which is DOUBLE"),
        ({"item_features": "item", "item_id_column": "user"}, "SR588", "is a column of the user tower"),
    ],
)
def test_problems(options: dict[str, str], code: str, words: str) -> None:
    problem = _problems(PLAIN, **options)[0]
    assert (problem.code, problem.warning) == (code, False)
    assert words in problem.message
    assert problem.hint


def test_a_misspelt_column_names_the_one_meant() -> None:
    (problem,) = _problems(PLAIN, item_features="itemm")
    assert (problem.hint, problem.option) == ("Did you mean 'item'?", "item_features")


def test_a_column_of_no_tower_is_a_warning() -> None:
    (problem,) = _problems(PLAIN, user_features="user", item_features="item,price")
    assert (problem.code, problem.column, problem.warning) == ("SR587", "city", True)


def test_the_label_may_be_left_out() -> None:
    assert DSSM.options.find("label_columns") is not None
    assert not [o for o in DSSM.options.options if o.required and o.key != "model"]


def test_it_is_measured_as_retrieval_is() -> None:
    keys = {option.key for option in DSSM.options.options}
    assert {"min_recall_100", "min_ndcg_10", "max_mrr"} <= keys
    assert not {"min_auc", "threshold"} & keys
