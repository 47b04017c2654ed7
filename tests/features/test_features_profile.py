from __future__ import annotations

import json
from datetime import date, datetime

import pyarrow as pa

from sqlrec.features.encoder import Encoder, FeatureConfig, fit
from sqlrec.features.profile import profile_of
from sqlrec.spec import codec
from sqlrec.spec.profile import MOST_VALUES, InputProfile, Profile
from sqlrec.spec.schema import DataType

ROWS = pa.table(
    {
        "city": ["x", "x", "y", "y", "once", None],
        "user": [7, 7, 3, 3, 9, None],
        "tags": [["b"], ["a", "b"], ["a"], [], None, ["rare"]],
        "price": [2.5, -1.0, None, 40.0, 3.0, 3.0],
        "day": [date(1970, 1, d) for d in (3, 4, 5, 11, 7, 8)],
        "seen": [datetime(1970, 1, 1, 0, 0, s) for s in range(6)],
        "gap": pa.array([None] * 6, pa.float64()),
        "image": [[1.0], [2.0], [3.0], None, [4.0], [5.0]],
    }
)
TYPES = ("STRING", "BIGINT", "ARRAY<STRING>", "DOUBLE", "DATE", "TIMESTAMP", "DOUBLE", "ARRAY<FLOAT>")


def fitted() -> Encoder:
    return fit(
        ROWS,
        [
            FeatureConfig(name=n, type=DataType.parse(t), embedding_dim=4, bucket_size=100, max_length=3)
            for n, t in zip(ROWS.column_names, TYPES, strict=True)
        ],
    )


def test_a_profile_tells_known_values_and_ranges() -> None:
    assert profile_of(fitted()).inputs == {
        "city": InputProfile(values=("x", "y")),
        "user": InputProfile(values=(3, 7)),
        "tags": InputProfile(values=("a", "b")),
        "price": InputProfile(low=-1.0, high=40.0),
        "day": InputProfile(low=2.0, high=10.0),
        "seen": InputProfile(low=0.0, high=5_000_000.0),
        "gap": InputProfile(),
        "image": InputProfile(),
    }


def test_a_stored_encoder_has_the_same_profile() -> None:
    encoder = fitted()
    assert profile_of(Encoder.from_json(json.loads(json.dumps(encoder.to_json())))) == profile_of(encoder)
    assert codec.loads(Profile, codec.dumps(profile_of(encoder))) == profile_of(encoder)


def test_too_many_values_are_not_listed() -> None:
    many = pa.table({"user": list(range(MOST_VALUES + 1)) * 2})
    size = MOST_VALUES + 10
    config = FeatureConfig(
        name="user", type=DataType.parse("BIGINT"), embedding_dim=4, bucket_size=size, max_length=1
    )
    assert profile_of(fit(many, [config])).inputs == {"user": InputProfile()}
