"""Our trainer follows a file in all that makes a model, or refuses it with the line."""

from __future__ import annotations

import pytest

from sqlrec.errors import SqlRecError
from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.pipeline.document import Subject, document
from sqlrec.models.deep.pipeline.reading import followed
from sqlrec.spec.job import TrainWork
from tests.models.pipeline_world import CASES, PLACES, a_model, a_training, an_export, case


def _text(name: str) -> tuple[DeepModel, TrainWork, str]:
    kind, work = case(name)
    return kind, work, document(Subject.of(work, kind), PLACES)


def _edited(text: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("name", "edits", "options"),
    [
        ("deepfm", [("num_epochs: 1", "num_epochs: 4")], {"num_epochs": 4}),
        ("deepfm", [("batch_size: 8192", "batch_size: 100")], {"batch_size": 100}),
        ("dcn_v2_stacked", [("batch_size: 4096", "batch_size: 100")], {"batch_size": 200}),
        ("deepfm", [("num_workers: 8", "num_workers: 2")], {"num_workers": 2}),
        ("deepfm", [("lr: 0.001", "lr: 0.5")], {"sparse_lr": 0.5, "dense_lr": 0.5}),
        ("deepfm", [("BF16", "FP16")], {"mixed_precision": "FP16"}),
        ("deepfm", [('mixed_precision: "BF16"', 'mixed_precision: ""')], {"mixed_precision": None}),
        ("deepfm", [("embedding_dim: 8", "embedding_dim: 4")], {"embedding_dim": 4}),
        ("deepfm", [("num_epochs: 1", "num_epochs: 1\nsave_checkpoints_steps: 9")], {"checkpoint_steps": 9}),
        ("deepfm", [("hidden_units: 512", "hidden_units: 9")], {"hidden_units": (9, 256, 128)}),
        ("deepfm", [("hidden_units: 512", ""), ("hidden_units: 256", "")], {"hidden_units": (128,)}),
        ("deepfm", [("nn.GELU", "nn.ReLU")], {"activation": "relu"}),
        (
            "deepfm",
            [('activation: "nn.GELU"', "use_bn: true")],
            {"activation": "relu", "normalization": "batch"},
        ),
        ("wide_and_deep", [("hash_bucket_size: 500", "hash_bucket_size: 7")], {"column.shop.bucket_size": 7}),
        ("wide_and_deep", [("dropout_ratio: 0.1", "dropout_ratio: 0.3")], {"dropout_ratio": 0.3}),
        ("dcn_v2", [("low_rank: 16", "low_rank: 999")], {"cross_rank": 0}),
        ("dcn_v2", [("embedding_dim: 32", "embedding_dim: 16")], {"column.user_id.embedding_dim": 16}),
        ("dcn_v2_stacked", [("cross_num: 3", "cross_num: 5")], {"cross_num": 5}),
        ("dlrm", [("decay_factor: 0.5", "decay_factor: 0.9")], {"lr_decay": 0.9}),
        ("dlrm", [("hidden_units: 256", "hidden_units: 99")], {"bottom_hidden_units": (512, 99)}),
        ("din", [("sequence_length: 50", "sequence_length: 20")], {"max_array_length": 20}),
        ("din", [('"Dice"', '"nn.PReLU"')], {"attention_activation": "prelu"}),
        ("din", [("hidden_units: 80", "hidden_units: 8")], {"attention_hidden_units": (8, 40)}),
        ("mmoe", [("num_expert: 2", "num_expert: 8")], {"num_expert": 8}),
        ("mmoe", [("adamw_", "adam_"), ("weight_decay: 0.01", "")], {"dense_weight_decay": 0.0}),
        ("mmoe", [("hidden_units: 64", "hidden_units: 32")], {"tower_hidden_units": (128, 32)}),
        ("dssm", [("COSINE", "INNER_PRODUCT")], {"similarity": "dot", "temperature": 0.05}),
        ("dssm", [("output_dim: 64", "output_dim: 8")], {"output_dim": 8}),
    ],
)
def test_a_hyperparameter_of_the_file_counts(
    name: str, edits: list[tuple[str, str]], options: dict[str, object]
) -> None:
    kind, work, text = _text(name)
    changed = followed(_edited(text, *edits), work, kind)
    differ = {key for key, value in changed.options.items() if value != work.options.get(key)}
    assert {key: changed.options[key] for key in {*differ, *options}} == {
        **{key: work.options.get(key) for key in options},
        **options,
    }
    assert changed.data == work.data
    again = document(Subject.of(changed, kind), PLACES)
    assert followed(again, changed, kind) == changed


def test_the_model_is_the_one_of_the_file() -> None:
    kind, work, text = _text("deepfm")
    changed = followed(_edited(text, ("hidden_units: 512", "hidden_units: 9")), work, kind)
    assert changed.model.options == {**work.model.options, "hidden_units": "9,256,128"}
    assert changed.model.name == work.model.name


def test_spelling_does_not_count() -> None:
    """Another order, other names of groups, defaults written, paths and logging of somebody else."""
    kind, work, text = _text("deepfm")
    head, _, rest = text.partition("feature_configs {")
    features, model = ("feature_configs {" + rest).split("model_config {")
    blocks = [f"feature_configs {{{block}" for block in features.split("feature_configs {")[1:]]
    text = f"model_config {{{model}{''.join(reversed(blocks))}{head}"
    text = _edited(
        text,
        ('"/rows/train/*.parquet"', '"odps://p/tables/t"'),
        ('expression: "item:', 'expression: "user:'),
        ("num_epochs: 1", "num_epochs: 1 log_step_count_steps: 10 use_tensorboard: false"),
        ("wide_embedding_dim: 1", "wide_embedding_dim: 4"),
        ("feature_configs {\n  id_feature {", "feature_configs {\n  id_feature { trainable: true"),
        ("auc {\n    }", "grouped_auc { grouping_key: 'user_id' }"),
    )
    assert followed(text, work, kind) == work


@pytest.mark.parametrize(
    ("name", "edit", "code", "words"),
    [
        (
            "deepfm",
            ("num_epochs: 1", "num_steps: 100"),
            "SR386",
            "sqlrec's trainer has no train_config.num_steps",
        ),
        ("deepfm", ("num_epochs: 1", "num_epoch: 1"), "SR385", "TrainConfig has no field 'num_epoch'"),
        ("deepfm", ("num_epochs: 1", "num_epochs: 0"), "SR303", "option 'num_epochs' is at least 1, not 0"),
        (
            "deepfm",
            ("adagrad_optimizer", "adam_optimizer"),
            "SR386",
            "no train_config.sparse_optimizer.adam_",
        ),
        (
            "deepfm",
            ("adagrad_optimizer {", "adagrad_optimizer { max_gradient: 2"),
            "SR386",
            "no train_config.sparse_",
        ),
        (
            "deepfm",
            ('pooling: "mean"', 'pooling: "sum"'),
            "SR386",
            ".pooling is 'sum', where this model has 'mean'",
        ),
        ("deepfm", ("nn.GELU", "nn.Softsign"), "SR303", "option 'activation' is one of"),
        ("deepfm", ("fg_mode", "sample_mask_prob: 0.5 fg_mode"), "SR386", "no data_config.sample_mask_prob"),
        ("deepfm", ("deepfm {", "tdm {"), "SR386", "ModelConfig.tdm is a TDM, which sqlrec does not read"),
        ("deepfm", ("deepfm {", "wide_and_deep {"), "SR387", "no model_config.deepfm, which tzrec.deepfm is"),
        ("deepfm", ('"clicked"', '"bought"'), "SR387", "its labels are bought, those of"),
        ("deepfm", ('feature_name: "price"', 'feature_name: "cost"'), "SR387", "has a feature 'cost'"),
        ("deepfm", ("binary_cross_entropy", "l2_loss"), "SR386", "no model_config.losses[0].l2_loss"),
        (
            "deepfm",
            ("group_type: WIDE", "group_type: DEEP"),
            "SR386",
            "has no model_config.feature_groups[WIDE(",
        ),
        ("wide_and_deep", ("    deep {", "final { hidden_units: 4 } deep {"), "SR386", "wide_and_deep.final"),
        ("din", ('"item_id_emb"', '"other"'), None, ""),
        ("din", ('embedding_name: "item_id_emb"', ""), "SR386", "embedding_name is"),
        ("mmoe", ("num_expert: 2", "num_expert: 2 gate_mlp { hidden_units: 4 }"), "SR386", "mmoe.gate_mlp"),
        (
            "dssm",
            ("in_batch_negative: true", ""),
            "SR386",
            "in_batch_negative is false, where this model has true",
        ),
        ("dssm", ('input: "user"', 'input: "item"'), "SR386", "user_tower.input is"),
        ("dlrm", ("decay_size: 1", "decay_size: 2"), "SR386", "decay_size is 2, where this model has 1"),
    ],
)
def test_what_our_trainer_does_not_have_is_refused(
    name: str, edit: tuple[str, str], code: str | None, words: str
) -> None:
    kind, work, text = _text(name)
    text = _edited(text, edit)
    if code is None:
        assert followed(text, work, kind) == work
        return
    with pytest.raises(SqlRecError) as error:
        followed(text, work, kind)
    assert (error.value.code, words in error.value.message) == (code, True), error.value
    assert error.value.hint
    if code != "SR387":
        line = int(error.value.message.removeprefix("line ").partition(":")[0])
        assert 1 <= line <= text.count("\n") + 1


def test_the_line_is_that_of_the_edit() -> None:
    kind, work, text = _text("mmoe")
    lines = text.splitlines()
    index = next(i for i, line in enumerate(lines) if line.endswith("hidden_units: 64"))
    lines.insert(index, "      use_ln: true")
    with pytest.raises(SqlRecError, match=f"line {index + 1}: .*use_ln is true, where this model has false"):
        followed("\n".join(lines), work, kind)


def test_a_missing_feature_is_told() -> None:
    kind, options, _ = CASES["wide_and_deep"]
    small = a_training(
        kind, a_model(kind, {"user_id": "BIGINT", "shop": "STRING", "clicked": "INT"}, options), {}
    )
    text = document(Subject.of(small, kind), PLACES)
    _, work = case("wide_and_deep")
    with pytest.raises(SqlRecError, match="does not describe column 'is_new'") as error:
        followed(text, work, kind)
    assert error.value.code == "SR387"


def test_an_export_is_followed_too() -> None:
    kind, work = case("din")
    job = an_export(kind, work.model)
    text = document(Subject.of(job, kind), PLACES)
    assert followed(text, job, kind) == job
    assert followed(text.replace("batch_size: 8192", "batch_size: 64"), job, kind).options["batch_size"] == 64


def test_a_model_of_many_columns_is_followed_as_well() -> None:
    kind, options, _ = CASES["deepfm"]
    columns = {**{f"c{number}": "BIGINT" for number in range(1000)}, "clicked": "INT"}
    work = a_training(kind, a_model(kind, columns, {**options, "column.c7.bucket_size": 9}), {})
    text = document(Subject.of(work, kind), PLACES)
    changed = followed(_edited(text, ("num_buckets: 9\n", "num_buckets: 11\n")), work, kind)
    assert changed.model.options["column.c7.bucket_size"] == "11"
