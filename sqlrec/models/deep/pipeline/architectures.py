"""``model_config``: the architecture of each model type in TorchEasyRec's terms.

Where TorchEasyRec's networks differ from ours, its schema cannot say more: ``dcn_v2`` (parallel) and ``din``
have one layer more, as wide as the last of ``hidden_units``, since its ``final`` cannot be empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from sqlrec.models.controller import Problem
from sqlrec.models.deep.dssm import TEMPERATURES
from sqlrec.models.deep.pipeline.columns import ITEM, USER, Column
from sqlrec.models.deep.pipeline.text import Message, Name, Value, message
from sqlrec.spec.options import Parsed

Values = Mapping[str, Parsed]
"""Effective options of CREATE MODEL."""

Network = tuple[tuple[Message, ...], dict[str, Value]]
"""Feature groups, and the field of ModelConfig that is the network."""

ACTIVATIONS: Mapping[str, str] = {
    "relu": "nn.ReLU",
    "leaky_relu": "nn.LeakyReLU",
    "prelu": "nn.PReLU",
    "dice": "Dice",
    "gelu": "nn.GELU",
    "silu": "nn.SiLU",
    "tanh": "nn.Tanh",
    "sigmoid": "nn.Sigmoid",
}
"""What TorchEasyRec calls our activations."""

WIDE = {"tzrec.wide_and_deep": "wide_and_deep", "tzrec.deepfm": "deepfm"}
SIMILARITIES: Mapping[str, str] = {"cosine": "COSINE", "dot": "INNER_PRODUCT"}
RECALLS = (1, 5, 10)


def model_config(kind: str, values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Message:
    """The ModelConfig of a model of that type."""
    groups, network = _NETWORKS[kind](values, columns, labels)
    if kind == "tzrec.dssm":
        metrics = [message(recall_at_k=message(top_k=k)) for k in RECALLS]
        return message(
            feature_groups=groups, **network, metrics=metrics, losses=message(softmax_cross_entropy=Message())
        )
    if kind == "tzrec.mmoe":
        return message(feature_groups=groups, **network)
    return message(feature_groups=groups, **network, metrics=AUC, losses=LOGLOSS)


AUC = message(auc=Message())
LOGLOSS = message(binary_cross_entropy=Message())


def mlp(units: Sequence[int], values: Values) -> Message:
    """Dense layers in the model's style."""
    kind, dropout = str(values["activation"]), cast(float, values["dropout_ratio"])
    return message(
        hidden_units=units,
        dropout_ratio=[dropout] * len(units) if dropout else None,
        activation=ACTIVATIONS[kind] if kind != "relu" else None,
        use_bn=True if values["normalization"] == "batch" else None,
        use_ln=True if values["normalization"] == "layer" else None,
    )


def layers(values: Values, key: str = "hidden_units") -> tuple[int, ...]:
    """The widths that an option lists."""
    return cast(tuple[int, ...], values[key])


def _group(name: str, columns: Sequence[Column], kind: str = "DEEP") -> Message:
    names = [column.name for column in columns]
    return message(group_name=name, feature_names=names, group_type=Name(kind))


def _embedded(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column.is_embedded]


def _numbers(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if not column.is_embedded]


def _wide_and_deep(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    groups = (_group("wide", _embedded(columns), "WIDE"), _group("deep", columns))
    return groups, {"wide_and_deep": message(deep=mlp(layers(values), values), wide_embedding_dim=1)}


def _deepfm(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    embedded = _embedded(columns)
    groups = (_group("wide", embedded, "WIDE"), _group("fm", embedded), _group("deep", columns))
    return groups, {"deepfm": message(deep=mlp(layers(values), values), wide_embedding_dim=1)}


def _dcn_v2(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    """The rank of a full matrix is the width of the input."""
    rank = cast(int, values["cross_rank"]) or input_width(columns)
    cross = message(cross_num=cast(int, values["cross_num"]), low_rank=rank)
    hidden, is_stacked = layers(values), values["structure"] == "stacked"
    network = message(
        cross=cross,
        deep=None if is_stacked else mlp(hidden, values),
        final=mlp(hidden if is_stacked else hidden[-1:], values),
    )
    return (_group("all", columns),), {"dcn_v2": network}


def input_width(columns: Sequence[Column]) -> int:
    """Numbers that a row is to the layers."""
    return sum(column.dim for column in columns)


def _dlrm(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    embedded, numbers = _embedded(columns), _numbers(columns)
    dim = embedded[0].dim if embedded else cast(int, values["embedding_dim"])
    network = message(
        dense_mlp=mlp((*layers(values, "bottom_hidden_units"), dim), values) if numbers else None,
        arch_with_sparse=True,
        final=mlp(layers(values), values),
    )
    groups = (_group("dense", numbers),) if numbers else ()
    return (*groups, _group("sparse", embedded)), {"dlrm": network}


def _din(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    by_name = {column.name: column for column in columns}
    histories: dict[str, list[Column]] = {}
    for column in columns:
        if column.history:
            histories.setdefault(f"{column.history}_seq", []).append(column)
    groups = [_group("deep", [column for column in columns if not column.history])]
    for name, sequences in histories.items():
        targets = [by_name[column.target] for column in sequences]
        groups.append(_group(name, [*dict.fromkeys(targets), *sequences], "SEQUENCE"))
    attention = mlp(
        layers(values, "attention_hidden_units"),
        {"activation": values["attention_activation"], "dropout_ratio": 0.0, "normalization": None},
    )
    hidden = layers(values)
    network = message(
        towers=message(input="deep", mlp=mlp(hidden, values)),
        din_towers=[message(input=name, attn_mlp=attention) for name in histories],
        final=mlp(hidden[-1:], values),
    )
    return tuple(groups), {"multi_tower_din": network}


def _mmoe(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    towers = [
        message(
            tower_name=label,
            label_name=label,
            metrics=AUC,
            losses=LOGLOSS,
            mlp=mlp(layers(values, "tower_hidden_units"), values),
        )
        for label in labels
    ]
    network = message(
        expert_mlp=mlp(layers(values, "expert_hidden_units"), values),
        num_expert=cast(int, values["num_expert"]),
        task_towers=towers,
    )
    return (_group("all", columns),), {"mmoe": network}


def _dssm(values: Values, columns: Sequence[Column], labels: Sequence[str]) -> Network:
    similarity = str(values["similarity"])
    network = message(
        user_tower=message(input=USER, mlp=mlp(layers(values, "user_hidden_units"), values)),
        item_tower=message(input=ITEM, mlp=mlp(layers(values, "item_hidden_units"), values)),
        output_dim=cast(int, values["output_dim"]),
        similarity=Name(SIMILARITIES[similarity]),
        temperature=cast(float, values["temperature"] or TEMPERATURES[similarity]),
        in_batch_negative=True,
    )
    sides = [_group(side, [c for c in columns if c.side == side]) for side in (USER, ITEM)]
    return tuple(sides), {"dssm": network}


_NETWORKS: Mapping[str, Callable[[Values, Sequence[Column], Sequence[str]], Network]] = {
    "tzrec.wide_and_deep": _wide_and_deep,
    "tzrec.deepfm": _deepfm,
    "tzrec.dcn_v2": _dcn_v2,
    "tzrec.dlrm": _dlrm,
    "tzrec.din": _din,
    "tzrec.mmoe": _mmoe,
    "tzrec.dssm": _dssm,
}

LAYERED: Mapping[str, tuple[str, ...]] = {
    "tzrec.mmoe": ("expert_hidden_units", "tower_hidden_units"),
    "tzrec.dssm": ("user_hidden_units", "item_hidden_units"),
    "tzrec.din": ("hidden_units", "attention_hidden_units"),
}
"""Options that list the widths of layers, of which TorchEasyRec needs one at least."""


def network_problems(kind: str, values: Values, columns: Sequence[Column]) -> Iterator[Problem]:
    """What TorchEasyRec's network of the type needs and the definition lacks."""
    for key in LAYERED.get(kind, ("hidden_units",)):
        if not layers(values, key):
            yield Problem(
                code="SR382",
                message=f"{key} lists no layer, and TorchEasyRec needs one",
                hint=f"write the width of a layer: {key} = '64'",
                option=key,
            )
    if kind in ("tzrec.wide_and_deep", "tzrec.deepfm", "tzrec.dlrm") and not _embedded(columns):
        yield Problem(
            code="SR382",
            message=f"TorchEasyRec's {kind.removeprefix('tzrec.')} needs a column with an embedding",
            hint="add a column of integers, BOOLEAN or STRING, or leave trainer = 'tzrec' out",
            option="model",
        )
