"""Secrets in options and texts are asterisks; what only looks a little like one stays."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.execution.masking import masked, masked_options
from sqlrec.models.lookup import get_controller
from sqlrec.spec.sensitive import MASK

AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "key", ["api_key", "openai.api-key", "apiKey", "ap-key", "db.password", "auth_token"]
)
def test_a_value_is_hidden_by_its_key(key: str) -> None:
    assert masked_options({key: "hello"}) == {key: MASK}


@pytest.mark.parametrize(
    "value",
    [
        "sk-abcdefghijklmnopqrstuvwx",
        "AKIAABCDEFGHIJKLMNOP",
        AWS,
        JWT,
        "https://user:pass@host/path",
        "secret:openai",
        "secret:conn.openai.password",
    ],
)
def test_a_value_is_hidden_by_its_shape(value: str) -> None:
    assert masked_options({"comment": value, "n": 3}) == {"comment": MASK, "n": 3}


def test_a_value_is_hidden_when_its_option_is_declared_sensitive() -> None:
    declared = get_controller("provider.triton").options
    sensitive = [option.key for option in declared.options if option.sensitive]
    assert sensitive
    assert masked_options(dict.fromkeys(sensitive, "x"), declared) == dict.fromkeys(sensitive, MASK)


@pytest.mark.parametrize(
    "value",
    [
        "tzrec.wide_and_deep",
        "s3://bucket/Models/Rank_2024/v1_export/part-0001.parquet",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "http://localhost:8080/predict",
        "You are a helpful assistant that answers with one of three labels.",
        "512,256,128",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_a_plain_value_is_shown(value: str) -> None:
    assert masked_options({"comment": value}) == {"comment": value}
    assert masked(value) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("WITH ('api_key' = 'hello', 'n' = 3)", f"WITH ('api_key' = '{MASK}', 'n' = 3)"),
        ("'openai.api-key'='it''s'", f"'openai.api-key'='{MASK}'"),
        ('{"token": "abc", "rows": 1}', f'{{"token": "{MASK}", "rows": 1}}'),
        ("password=hunter2 rows=3", f"password={MASK} rows=3"),
        ("from https://u:pw@h/x on", f"from https://{MASK}@h/x on"),
        ("Authorization: Bearer abcdefghijkl", f"Authorization: Bearer {MASK}"),
        (f"key {AWS}, then {JWT}.", f"key {MASK}, then {MASK}"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb", f"a\n{MASK}\nb"),
        ("CREATE MODEL m (user_token BIGINT)", "CREATE MODEL m (user_token BIGINT)"),
        ("'api_key' = ''", "'api_key' = ''"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown, "once is enough"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_masked(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_random_keys_are_recognised() -> None:
    letters, generator = string.ascii_letters + string.digits, random.Random(7)
    keys = ["".join(generator.choice(letters) for _ in range(48)) for _ in range(50)]
    hidden = [masked_options({"x": key})["x"] == MASK for key in keys]
    assert sum(hidden) >= 48
