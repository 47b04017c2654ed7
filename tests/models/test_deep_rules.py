"""What the deep types answer, and what each refuses beside the rules they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pyarrow as pa
import pytest
import torch

from sqlrec.errors import SchemaError
from sqlrec.features.encoder import fit
from sqlrec.models.controller import Problem
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.controllers import DCN_V2, DEEPFM, DIN, DLRM, MMOE, WIDE_AND_DEEP, deep_model
from sqlrec.models.deep.encoding import feature_configs
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.resume import require_same_shape
from sqlrec.models.lookup import get_controller
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.spec.schema import Schema

Make: TypeAlias = Callable[..., ModelSpec]
RANKING = (WIDE_AND_DEEP, DEEPFM, DCN_V2, DLRM, DIN, MMOE)
COLUMNS = {
    "item": "BIGINT",
    "kind": "STRING",
    "price": "DOUBLE",
    "items": "ARRAY<INT>",
    "kinds": "ARRAY<STRING>",
    "image": "ARRAY<FLOAT>",
    "label": "INT",
}


def problems(model: ModelSpec, model_type: str) -> list[Problem]:
    kind = deep_model(model_type)
    return list(kind.check(replace(model, type=kind.type)))


def test_all_are_found_by_their_names() -> None:
    for kind in RANKING:
        assert get_controller(kind.type) is kind
        assert kind.doc.endswith(".")


def test_one_probability_or_one_a_task() -> None:
    options: dict[str, object] = {"label_columns": ("click", "buy")}
    for kind in RANKING:
        names = kind.outputs(Schema(), options).names
        assert tuple(names) == (("probs_click", "probs_buy") if kind is MMOE else ("probs",))


def test_options_of_one_architecture_are_unknown_to_others() -> None:
    own = {
        "cross_num": {DCN_V2},
        "bottom_hidden_units": {DLRM},
        "attention_hidden_units": {DIN},
        "column.items.target": {DIN},
        "num_expert": {MMOE},
        "hidden_units": {*RANKING} - {MMOE},
        "dropout_ratio": {*RANKING},
        "column.items.shared_with": {*RANKING},
    }
    for key, kinds in own.items():
        assert {kind for kind in RANKING if kind.options.find(key)} == kinds, key


@pytest.mark.parametrize(
    ("model_type", "options"),
    [
        (
            "tzrec.deepfm",
            {"column.items.shared_with": "ITEM", "embedding_dim": 8, "column.item.embedding_dim": 8},
        ),
        ("tzrec.dcn_v2", {"column.item.embedding_dim": 8, "column.kinds.shared_with": "kind"}),
        ("tzrec.din", {"column.items.target": "item"}),
        (
            "tzrec.din",
            {"column.items.target": "item", "column.items.history": "seen", "column.item.bucket_size": 9},
        ),
        ("tzrec.mmoe", {"label_columns": "label, price"}),
    ],
)
def test_good_definitions(make_model: Make, model_type: str, options: dict[str, OptionValue]) -> None:
    assert problems(make_model(COLUMNS, **options), model_type) == []


@pytest.mark.parametrize(
    ("model_type", "options", "code", "words"),
    [
        ("tzrec.deepfm", {"label_columns": "label, price"}, "SR420", "names 2"),
        ("tzrec.mmoe", {"label_columns": "label, label"}, "SR420", "'label' more than once"),
        ("tzrec.deepfm", {"column.items.shared_with": "itm"}, "SR580", "no such feature"),
        ("tzrec.deepfm", {"column.items.shared_with": "label"}, "SR580", "no such feature"),
        ("tzrec.deepfm", {"column.items.shared_with": "items"}, "SR580", "the column itself"),
        ("tzrec.deepfm", {"column.items.shared_with": "price"}, "SR580", "'price' is DOUBLE"),
        (
            "tzrec.deepfm",
            {"column.items.shared_with": "kind"},
            "SR580",
            "it is ARRAY<INT>, and 'kind' is STRING",
        ),
        ("tzrec.deepfm", {"column.image.shared_with": "item"}, "SR580", "it is ARRAY<FLOAT>"),
        (
            "tzrec.dcn_v2",
            {"column.items.shared_with": "item", "column.items.bucket_size": 5},
            "SR581",
            "'item'",
        ),
        ("tzrec.din", {"column.kind.target": "kind"}, "SR580", "the column itself"),
        ("tzrec.din", {}, "SR583", "no column has a target"),
        ("tzrec.din", {"column.items.history": "a", "column.kinds.target": "kind"}, "SR582", "has no target"),
        ("tzrec.deepfm", {"column.item.embedding_dim": 8}, "SR584", "embedding_dim 8, the others 4"),
        ("tzrec.dlrm", {"column.kinds.embedding_dim": 8}, "SR584", "tzrec.dlrm"),
    ],
)
def test_bad_definitions(
    make_model: Make, model_type: str, options: dict[str, OptionValue], code: str, words: str
) -> None:
    found = problems(make_model(COLUMNS, **options), model_type)
    assert code in [problem.code for problem in found]
    problem = next(problem for problem in found if problem.code == code)
    assert words in problem.message
    assert problem.hint
    assert problem.option


def test_a_scalar_is_no_history(make_model: Make) -> None:
    columns = {"item": "BIGINT", "last": "BIGINT", "label": "INT"}
    (problem,) = problems(make_model(columns, **{"column.last.target": "item"}), "tzrec.din")
    assert (problem.code, problem.option) == ("SR582", "column.last.target")
    assert "BIGINT" in problem.message


def test_a_chain_of_shared_embeddings_is_refused(make_model: Make) -> None:
    columns = {"item": "BIGINT", "last": "BIGINT", "items": "ARRAY<BIGINT>", "label": "INT"}
    options = {"column.last.shared_with": "item", "column.items.shared_with": "last"}
    (problem,) = problems(make_model(columns, **options), "tzrec.deepfm")
    assert problem.code == "SR580"
    assert "'last' uses that of 'item'" in problem.message


def test_sharers_have_the_size_of_their_owner_and_their_role(make_model: Make) -> None:
    options: dict[str, OptionValue] = {
        "column.Items.target": "ITEM",
        "column.kinds.target": "kind",
        "column.kinds.history": "kinds seen",
        "column.item.bucket_size": 9,
        "column.item.embedding_dim": 2,
    }
    model = make_model(COLUMNS, **options)
    configs = {c.name: c for c in feature_configs(model, Architecture.read(DIN.options, model.options))}
    items, kinds = configs["items"], configs["kinds"]
    assert (items.shared_with, items.history) == ("item", "history")
    assert (items.bucket_size, items.embedding_dim) == (9, 2)
    assert (kinds.shared_with, kinds.history, kinds.embedding_dim) == ("kind", "kinds seen", 4)
    assert (configs["item"].shared_with, configs["image"].history) == ("", "")


def test_options_have_the_names_of_the_field() -> None:
    cross = DCN_V2.options.effective(Scope.MODEL, model={"low_rank": 8, "num_cross_layers": 2})
    assert (cross["cross_rank"].value, cross["cross_num"].value) == (8, 2)
    assert cross["structure"].value == "parallel"
    assert MMOE.options.effective(Scope.MODEL, model={"num_experts": 3})["num_expert"].value == 3


def test_a_training_goes_on_with_the_same_labels_in_their_order(make_model: Make) -> None:
    options = {"label_columns": "a, b", "expert_hidden_units": "4", "tower_hidden_units": "2"}
    model = replace(make_model({"item": "BIGINT"}, **options), type=MMOE.type)
    configs = feature_configs(model, Architecture.read(MMOE.options, model.options))
    encoder = fit(pa.table({"item": [1, 1, 2]}), configs)
    layout = layout_of(encoder, model)
    base = Trained(
        model=model,
        encoder=encoder,
        table=torch.zeros(encoder.table_rows, layout.row_width),
        head=new_head(model, layout, seed=0),
        options={},
        accumulator=torch.zeros(encoder.table_rows),
        adam={},
    )
    require_same_shape(base, model, configs)
    turned = replace(model, options={**model.options, "label_columns": "b, a"})
    with pytest.raises(SchemaError, match="its labels are a, b"):
        require_same_shape(base, turned, configs)
    shared = [replace(config, shared_with="other") for config in configs]
    with pytest.raises(SchemaError, match="shared_with none in it, other in the model"):
        require_same_shape(base, model, shared)
