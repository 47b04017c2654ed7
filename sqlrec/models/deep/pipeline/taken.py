"""Which of our options a ``pipeline.config`` sets, and what to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from sqlrec.models.deep.dssm import TEMPERATURES
from sqlrec.models.deep.pipeline.architectures import ACTIVATIONS, SIMILARITIES
from sqlrec.models.deep.pipeline.columns import ID, SEQUENCE
from sqlrec.models.deep.pipeline.document import Subject
from sqlrec.models.deep.pipeline.leaves import Leaf, Leaves
from sqlrec.models.deep.pipeline.text import Name
from sqlrec.spec.options import OptionValue, canonical_key
from sqlrec.spec.schema import Kind


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as a script writes it (empty: as if it did not), and the line it comes from."""

    key: str
    value: OptionValue
    line: int


NETWORKS: Mapping[str, str] = {
    "tzrec.wide_and_deep": "wide_and_deep",
    "tzrec.deepfm": "deepfm",
    "tzrec.dcn_v2": "dcn_v2",
    "tzrec.dlrm": "dlrm",
    "tzrec.din": "multi_tower_din",
    "tzrec.mmoe": "mmoe",
    "tzrec.dssm": "dssm",
}
"""The field of ModelConfig that each type is."""

_SPARSE, _DENSE = "train_config.sparse_optimizer", "train_config.dense_optimizer"

TRAINING: Mapping[str, str] = {
    f"{_SPARSE}.adagrad_optimizer.lr": "sparse_lr",
    f"{_DENSE}.adam_optimizer.lr": "dense_lr",
    f"{_DENSE}.adamw_optimizer.lr": "dense_lr",
    f"{_DENSE}.adamw_optimizer.weight_decay": "dense_weight_decay",
    f"{_DENSE}.exponential_decay_learning_rate.decay_factor": "lr_decay",
    "train_config.num_epochs": "num_epochs",
    "train_config.save_checkpoints_steps": "checkpoint_steps",
    "train_config.mixed_precision": "mixed_precision",
    "train_config.global_embedding_constraints.sharding_types": "embedding_sharding",
    "data_config.num_workers": "num_workers",
}

PLAIN: Mapping[str, Mapping[str, str]] = {
    "tzrec.wide_and_deep": {"deep.hidden_units": "hidden_units"},
    "tzrec.deepfm": {"deep.hidden_units": "hidden_units"},
    "tzrec.dcn_v2": {"cross.cross_num": "cross_num"},
    "tzrec.dlrm": {"final.hidden_units": "hidden_units"},
    "tzrec.din": {
        "towers[0].mlp.hidden_units": "hidden_units",
        "din_towers[0].attn_mlp.hidden_units": "attention_hidden_units",
    },
    "tzrec.mmoe": {
        "expert_mlp.hidden_units": "expert_hidden_units",
        "task_towers[0].mlp.hidden_units": "tower_hidden_units",
        "num_expert": "num_expert",
    },
    "tzrec.dssm": {
        "user_tower.mlp.hidden_units": "user_hidden_units",
        "item_tower.mlp.hidden_units": "item_hidden_units",
        "output_dim": "output_dim",
    },
}
"""Options of each network by their place in it."""

STYLED: Mapping[str, str] = {
    "tzrec.wide_and_deep": "deep",
    "tzrec.deepfm": "deep",
    "tzrec.dcn_v2": "final",
    "tzrec.dlrm": "final",
    "tzrec.din": "towers[0].mlp",
    "tzrec.mmoe": "expert_mlp",
    "tzrec.dssm": "user_tower.mlp",
}
"""Layers whose style is that of all."""


def settings(found: Leaves, subject: Subject) -> Iterator[Setting]:
    """All options that the facts of a file set; of some the value may be the one in force."""
    yield from _of_training(found, subject)
    yield from _of_columns(found, subject)
    yield from _of_network(found, subject)


def _of_training(found: Leaves, subject: Subject) -> Iterator[Setting]:
    for path, key in TRAINING.items():
        if path in found and key in subject.options:
            yield Setting(key, _text(found[path]), found[path].line)
    batch = found.get("data_config.batch_size")
    per_process = -(-cast(int, subject.options["batch_size"]) // subject.processes)
    if batch and batch.values != (per_process,):
        yield Setting("batch_size", cast(int, batch.values[0]) * subject.processes, batch.line)
    if "lr_schedule" in subject.options:
        yield from _of_optimisers(found, str(subject.options["lr_schedule"]))


def _of_optimisers(found: Leaves, schedule: str) -> Iterator[Setting]:
    """A constant rate stands for every schedule that the file cannot say, too."""
    decay, constant, adam = (
        found.get(f"{_DENSE}.{name}")
        for name in (
            "exponential_decay_learning_rate.decay_size",
            "constant_learning_rate",
            "adam_optimizer.lr",
        )
    )
    if decay:
        yield Setting("lr_schedule", "step", decay.line)
    if constant and schedule == "step":
        yield Setting("lr_schedule", "constant", constant.line)
    if adam:
        yield Setting("dense_weight_decay", 0.0, adam.line)


def _of_columns(found: Leaves, subject: Subject) -> Iterator[Setting]:
    """Of an embedding that several columns share its owner says the size."""
    owned = [
        c for c in subject.columns if c.is_embedded and canonical_key(c.name) not in subject.shape.owners
    ]
    dims = {c.name: _of_feature(found, c.name, "embedding_dim") for c in owned}
    for column in owned:
        dim, key = dims[column.name], canonical_key(column.name)
        if dim and dim.values != (column.dim,):
            yield Setting(f"column.{key}.embedding_dim", _text(dim), dim.line)
        size = _of_feature(found, column.name, "num_buckets") or _of_feature(
            found, column.name, "hash_bucket_size"
        )
        if size and size.values != (column.buckets,) and column.type.kind is not Kind.BOOLEAN:
            yield Setting(f"column.{key}.bucket_size", _text(size), size.line)
    for column in subject.columns:
        length = _of_feature(found, column.name, "sequence_length")
        if length and column.history:
            yield Setting("max_array_length", _text(length), length.line)
    if len(distinct := {leaf.values for leaf in dims.values() if leaf}) == 1:
        line = next(leaf.line for leaf in dims.values() if leaf)
        yield Setting("embedding_dim", cast(int, distinct.pop()[0]), line)


def _of_feature(found: Leaves, name: str, field: str) -> Leaf | None:
    places = (f"feature_configs[{name.casefold()}].{kind}.{field}" for kind in (ID, SEQUENCE))
    return next((found[place] for place in places if place in found), None)


def _of_network(found: Leaves, subject: Subject) -> Iterator[Setting]:
    kind = subject.kind.type
    network = f"model_config.{NETWORKS[kind]}."
    inside = {path.removeprefix(network): leaf for path, leaf in found.items() if path.startswith(network)}
    for path, key in PLAIN[kind].items():
        if path in inside:
            yield Setting(key, _text(inside[path]), inside[path].line)
    yield from _style(inside, STYLED[kind])
    match kind:
        case "tzrec.dcn_v2":
            yield from _dcn_v2(inside, found, subject)
        case "tzrec.dlrm" if "dense_mlp.hidden_units" in inside:
            below = inside["dense_mlp.hidden_units"]
            yield Setting("bottom_hidden_units", _text(Leaf(below.values[:-1])), below.line)
        case "tzrec.din" if "din_towers[0].attn_mlp.activation" in inside:
            leaf = inside["din_towers[0].attn_mlp.activation"]
            yield Setting("attention_activation", _ours(ACTIVATIONS, leaf), leaf.line)
        case "tzrec.dssm":
            yield from _comparison(inside)


def _comparison(inside: Leaves) -> Iterator[Setting]:
    """The usual temperature of a similarity need not be an option."""
    similarity, temperature = inside["similarity"], inside["temperature"]
    name = _ours(SIMILARITIES, similarity)
    yield Setting("similarity", name, similarity.line)
    is_usual = temperature.values == (TEMPERATURES.get(name),)
    yield Setting("temperature", "" if is_usual else _text(temperature), temperature.line)


def _style(inside: Leaves, layers: str) -> Iterator[Setting]:
    if f"{layers}.activation" not in inside:
        return
    activation, dropout = inside[f"{layers}.activation"], inside[f"{layers}.dropout_ratio"]
    yield Setting("activation", _ours(ACTIVATIONS, activation), activation.line)
    yield Setting("dropout_ratio", str(next(iter(dropout.values), 0.0)), dropout.line)
    for name, mode in (("use_bn", "batch"), ("use_ln", "layer")):
        if inside[f"{layers}.{name}"].values == (True,):
            yield Setting("normalization", mode, inside[f"{layers}.{name}"].line)


def _width(found: Leaves, subject: Subject) -> int:
    """Numbers that a row is to the layers, by the file."""
    dims = ((_of_feature(found, c.name, "embedding_dim"), c) for c in subject.columns)
    return sum(cast(int, dim.values[0]) if dim else column.dim for dim, column in dims)


def _dcn_v2(inside: Leaves, outside: Leaves, subject: Subject) -> Iterator[Setting]:
    """A rank as wide as the input is a full matrix, which we say by 0."""
    is_parallel = "deep.hidden_units" in inside
    hidden = inside.get("deep.hidden_units" if is_parallel else "final.hidden_units")
    if hidden:
        yield Setting("structure", "parallel" if is_parallel else "stacked", hidden.line)
        yield Setting("hidden_units", _text(hidden), hidden.line)
    rank = inside["cross.low_rank"]
    is_full = cast(int, rank.values[0]) >= _width(outside, subject)
    yield Setting("cross_rank", 0 if is_full else _text(rank), rank.line)


def _ours(names: Mapping[str, str], leaf: Leaf) -> str:
    """Our word for one of TorchEasyRec's, or that word: the option then says what it knows."""
    theirs = _text(leaf)
    return next((ours for ours, word in names.items() if word == theirs), theirs)


def _text(leaf: Leaf) -> str:
    return ",".join(value.text if isinstance(value, Name) else str(value) for value in leaf.values)
