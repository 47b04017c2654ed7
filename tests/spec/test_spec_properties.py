"""Models as property maps: pinned text, exact round trip, nothing guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.spec.codec import CodecError
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.properties import from_properties, to_properties
from sqlrec.spec.schema import DataType, Field, Kind, Schema

REMOTE = ModelSpec(
    name=ModelName.of("shop", "ads", "Classifier"),
    type="provider.openai",
    columns=Schema(
        (
            Field(name="f1", type=DataType(Kind.INT), nullable=False),
            Field(name="f2", type=DataType(Kind.STRING), comment="the text"),
        )
    ),
    outputs=Schema((Field(name="probs", type=DataType.parse("ARRAY<FLOAT>")),)),
    options={
        "provider": "openai",
        "task": "classification",
        "openai.api_key": "secret:openai",
        "temperature": 0.5,
        "n": 3,
        "stream": True,
    },
    comment="who buys",
    ddl="CREATE MODEL …",
)

VERSION_1 = """\
version = 1
name = shop.ads.Classifier
type = provider.openai
kind = remote
task = classification
comment = who buys
ddl = CREATE MODEL …
input-schema.0.name = f1
input-schema.0.data-type = INT NOT NULL
input-schema.1.name = f2
input-schema.1.data-type = STRING
input-schema.1.comment = the text
output-schema.0.name = probs
output-schema.0.data-type = ARRAY<FLOAT>
option.n = 3
option-kind.n = int
option.openai.api_key = secret:openai
option.provider = openai
option.stream = true
option-kind.stream = bool
option.task = classification
option.temperature = 0.5
option-kind.temperature = float
"""


def test_the_text_of_version_1() -> None:
    assert "".join(f"{key} = {value}\n" for key, value in to_properties(REMOTE).items()) == VERSION_1


def test_a_text_of_version_1_is_read() -> None:
    pairs = (line.partition(" = ") for line in VERSION_1.splitlines())
    assert from_properties({key: value for key, _, value in pairs}) == REMOTE


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"model": "tzrec.wide_and_deep"}, "native"),
        ({"type": "training", "algorithm": "kmeans"}, "native"),
        ({"type": "Import", "format": "ONNX"}, "import"),
        ({"type": "remote"}, "remote"),
        ({"provider": "openai", "model": "gpt"}, "remote"),
    ],
)
def test_kinds(options: dict[str, str], kind: str) -> None:
    model = ModelSpec(name=ModelName.of("m"), type="t", columns=Schema(), outputs=Schema(), options=options)
    properties = to_properties(model)
    assert (properties["kind"], properties["version"]) == (kind, "1")
    assert not {"task", "comment", "ddl"} & set(properties)
    assert from_properties(properties) == model


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.sampled_from([k for k in Kind if k not in (Kind.ARRAY, Kind.MULTISET, Kind.MAP, Kind.ROW)])
NAMES = st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True)
TYPES = st.recursive(
    PLAIN.map(DataType) | st.just(DataType(Kind.DECIMAL, (10, 2))),
    lambda inner: st.one_of(
        inner.map(lambda t: DataType(Kind.ARRAY, arguments=(t,))),
        st.tuples(inner, inner).map(lambda ts: DataType(Kind.MAP, arguments=ts)),
        st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(
            lambda fields: DataType(
                Kind.ROW, arguments=tuple(t for _, t in fields), names=tuple(n for n, _ in fields)
            )
        ),
    ),
    max_leaves=5,
)
FIELDS = st.builds(Field, name=TEXT, type=TYPES, nullable=st.booleans(), comment=TEXT)
SCHEMAS = st.lists(FIELDS, max_size=4).map(lambda fields: Schema(tuple(fields)))
VALUES = TEXT | st.integers() | st.floats(allow_nan=False) | st.booleans()
MODELS = st.builds(
    ModelSpec,
    name=st.tuples(NAMES, NAMES, NAMES).map(lambda parts: ModelName.of(*parts)),
    type=TEXT,
    columns=SCHEMAS,
    outputs=SCHEMAS,
    options=st.dictionaries(TEXT, VALUES, max_size=5),
    comment=TEXT,
    ddl=TEXT,
)


@given(model=MODELS)
def test_every_model_comes_back(model: ModelSpec) -> None:
    read = from_properties(to_properties(model))
    assert read == model
    assert [type(value) for value in read.options.values()] == [
        type(model.options[key]) for key in read.options
    ]
    assert str(read.name) == str(model.name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": "2"}, r"version 1, not '2'"),
        ({"version": None}, r"version 1, not None"),
        ({"name": "a.b.c.d"}, "one to three parts"),
        ({"name": None}, "one to three parts"),
        ({"type": None}, "'type' is missing"),
        ({"kind": "import"}, "'kind' contradicts"),
        ({"task": None}, "'task' is missing"),
        ({"colour": "red"}, "'colour' is unknown"),
        ({"input-schema.0.data-type": "INTEGRAL"}, "unknown type INTEGRAL"),
        ({"input-schema.0.data-type": "INTEGER"}, "'input-schema.0.data-type' contradicts"),
        ({"input-schema.0.data-type": None}, "expected a type"),
        ({"input-schema.0.name": None}, "'input-schema.0.data-type' is unknown"),
        ({"input-schema.3.name": "f4"}, "'input-schema.3.name' is unknown"),
        ({"option-kind.n": "decimal"}, "option 'n' is no decimal: '3'"),
        ({"option.n": "three"}, "option 'n' is no int: 'three'"),
        ({"option.stream": "yes"}, "option 'stream' is no bool: 'yes'"),
        ({"option-kind.colour": "int"}, "'option-kind.colour' is unknown"),
    ],
)
def test_nothing_is_guessed(change: dict[str, str | None], told: str) -> None:
    properties = {k: v for k, v in {**to_properties(REMOTE), **change}.items() if v is not None}
    with pytest.raises(CodecError, match=rf"\[SR490\].*{told}"):
        from_properties(properties)
