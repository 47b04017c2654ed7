"""A ``pipeline.config`` as a flat table of facts, so that two of them can be compared.

Spelling does not count: the order of features, the names of groups, or whether a default is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlrec.models.deep.pipeline.schema import ROOT, schema
from sqlrec.models.deep.pipeline.text import Field, Message, Name, Value

DEFAULTS: Mapping[str, Mapping[str, tuple[Value, ...]]] = {
    "MLP": {
        "activation": ("nn.ReLU",),
        "dropout_ratio": (),
        "use_bn": (False,),
        "use_ln": (False,),
        "bias": (True,),
    },
    "CrossV2": {"cross_num": (3,), "low_rank": (32,)},
    "DLRM": {"arch_with_sparse": (True,)},
    "DSSM": {"similarity": (Name("INNER_PRODUCT"),), "temperature": (1.0,), "in_batch_negative": (False,)},
    "DataConfig": {"batch_size": (1024,), "num_workers": (8,)},
    "ModelConfig": {"num_class": (1,)},
    "IdFeature": {"pooling": ("sum",), "trainable": (True,), "data_type": ("FP32",)},
    "RawFeature": {"value_dim": (1,), "trainable": (True,), "data_type": ("FP32",)},
    "TaskTower": {"num_class": (1,), "weight": (1.0,)},
    "ExponentialDecayLR": {
        "staircase": (True,),
        "warmup_size": (0,),
        "min_learning_rate": (0.0,),
        "by_epoch": (False,),
    },
}
"""Values of fields that are not written, where they make another model."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The values at a path, and the line of the first (0 where it is a default)."""

    values: tuple[Value, ...]
    line: int = field(default=0, compare=False)


Leaves = Mapping[str, Leaf]


@dataclass(frozen=True, slots=True)
class _Meanings:
    """What names that a file gives mean: a group its features, an embedding the features that use it."""

    groups: Mapping[str, str]
    embeddings: Mapping[str, str]


def leaves(config: Message) -> Leaves:
    """The facts of a file by path, such as ``model_config.deepfm.deep.hidden_units``."""
    return dict(_leaves(config, ROOT, "", _Meanings(_groups(config), _embeddings(config)), 0))


def _groups(config: Message) -> Mapping[str, str]:
    found = {}
    for group in _inner(config, "model_config", "feature_groups"):
        names = sorted(str(each.value) for each in group.all("feature_names"))
        kind = group.get("group_type")
        shown = kind.value.text if kind and isinstance(kind.value, Name) else "DEEP"
        found[_text(group, "group_name")] = f"{shown}({', '.join(names)})"
    return found


def _embeddings(config: Message) -> Mapping[str, str]:
    users: dict[str, list[str]] = {}
    for feature in _inner(config, "feature_configs"):
        for described in (each.value for each in feature.fields if isinstance(each.value, Message)):
            users.setdefault(_embedding(described), []).append(_text(described, "feature_name"))
    return {name: ", ".join(sorted(features)) for name, features in users.items()}


def _embedding(feature: Message) -> str:
    return _text(feature, "embedding_name") or f"{_text(feature, 'feature_name')}_emb"


def _inner(config: Message, *path: str) -> list[Message]:
    found = [config]
    for name in path:
        found = [f.value for m in found for f in m.all(name) if isinstance(f.value, Message)]
    return found


def _text(message: Message, name: str) -> str:
    found = message.get(name)
    return str(found.value) if found else ""


def _leaves(
    message: Message, kind: str, path: str, meanings: _Meanings, line: int
) -> Iterator[tuple[str, Leaf]]:
    known = schema().messages[kind]
    for name in dict.fromkeys(each.name for each in message.fields):
        fields, inner = message.all(name), known[name].type
        if inner not in schema().messages:
            values: tuple[Value, ...] = tuple(each.value for each in fields)
            if name == "input":
                values = tuple(meanings.groups.get(str(value), value) for value in values)
            yield f"{path}{name}", Leaf(values, fields[0].line)
            continue
        for index, each in enumerate(fields):
            if isinstance(each.value, Message):
                step = _step(each, each.value, index, meanings, repeated=known[name].repeated)
                yield from _message(each, each.value, inner, f"{path}{step}", meanings)
    for name, value in DEFAULTS.get(kind, {}).items():
        if message.get(name) is None:
            yield f"{path}{name}", Leaf(value, line)
    if kind == "IdFeature":
        yield f"{path}embedding_name", Leaf((meanings.embeddings[_embedding(message)],), line)


def _step(each: Field, value: Message, index: int, meanings: _Meanings, *, repeated: bool) -> str:
    """A place of the path: a feature goes by its name, a group by what it holds, others by their order."""
    if each.name == "feature_configs":
        inner = [f.value for f in value.fields if isinstance(f.value, Message)]
        names = [_text(m, "feature_name") or _text(m, "sequence_name") for m in inner]
        return f"feature_configs[{''.join(names).casefold()}]"
    if each.name == "feature_groups":
        return f"feature_groups[{meanings.groups[_text(value, 'group_name')]}]"
    return f"{each.name}[{index}]" if repeated else each.name


def _message(
    each: Field, value: Message, kind: str, path: str, meanings: _Meanings
) -> Iterator[tuple[str, Leaf]]:
    """Of a group its kind and features are its place; an empty message is a fact by being there."""
    if kind == "FeatureGroupConfig":
        known = ("group_name", "feature_names", "group_type")
        value = Message(tuple(field for field in value.fields if field.name not in known))
    found = list(_leaves(value, kind, f"{path}.", meanings, each.line))
    yield from found
    if not found:
        yield path, Leaf((), each.line)
