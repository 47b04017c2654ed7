from __future__ import annotations

import pytest

from sqlrec.spec.sensitive import is_sensitive_key, looks_secret


@pytest.mark.parametrize(
    "key",
    [
        *("api_key", "openai.api_key", "apiKey", "API-KEY", "ap-key", "password", "db.password"),
        *("auth_token", "aws_secret_access_key", "s3.secret_key", "token", "azure.accessKey"),
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert is_sensitive_key(key)


@pytest.mark.parametrize(
    "key", ["max_tokens", "top_k", "model", "tokenizer", "column.secretary.bucket_size", "author", "key"]
)
def test_keys_of_other_things(key: str) -> None:
    assert not is_sensitive_key(key)


@pytest.mark.parametrize(
    "value",
    [
        "sk-abcdefghijklmnop",
        "sk-proj-abcdefghijklmnop",
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_abcdefghijklmnopqrstuv",
        "eyJhbGciOiJI.eyJzdWIiOiIx.abc",
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgresql://user:hunter2@db/x",
        "Bearer abcdefgh",
    ],
)
def test_shapes_of_secrets(value: str) -> None:
    assert looks_secret(value)


@pytest.mark.parametrize(
    "value",
    ["", "tzrec.wide_and_deep", "https://api.openai.com/v1", "risk-free", "s3://models/a.onnx", "@daily"],
)
def test_shapes_of_other_things(value: str) -> None:
    assert not looks_secret(value)
