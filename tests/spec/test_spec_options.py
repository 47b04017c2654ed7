from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import OptionError
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, OptionValue, Scope, canonical_key

BOTH = frozenset({Scope.MODEL, Scope.TRAIN})


def option(key: str, kind: OptionKind = OptionKind.STRING, **facts: Any) -> Option:
    return Option(**{"key": key, "kind": kind, "doc": "…", "scopes": BOTH, **facts})


OPTIONS = OptionSet(
    (
        option("batch_size", OptionKind.INT, default=8192, minimum=1),
        option("embedding_dim", OptionKind.INT, default=16, scopes=frozenset({Scope.MODEL})),
        option("replicas", OptionKind.INT, default=1, scopes=frozenset({Scope.SERVICE})),
        option("column.{f}.bucket_size", OptionKind.INT, scopes=frozenset({Scope.MODEL})),
    )
)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (OptionKind.STRING, "  kept ", "  kept "),
        (OptionKind.STRING, 7, "7"),
        (OptionKind.STRING, True, "true"),
        (OptionKind.INT, " 12 ", 12),
        (OptionKind.INT, -3, -3),
        (OptionKind.DOUBLE, "1e-3", 0.001),
        (OptionKind.DOUBLE, 2, 2.0),
        (OptionKind.BOOLEAN, " TRUE ", True),
        (OptionKind.BOOLEAN, False, False),
        (OptionKind.STRING_LIST, "a, b ,", ("a", "b")),
        (OptionKind.INT_LIST, "512, 256", (512, 256)),
        (OptionKind.DURATION, "150ms", 0.15),
        (OptionKind.DURATION, 30, 30.0),
        (OptionKind.DURATION, "5min", 300.0),
        (OptionKind.DURATION, "1.5 h", 5400.0),
        (OptionKind.DURATION, "1d", 86400.0),
    ],
)
def test_values_are_read_by_kind(kind: OptionKind, raw: OptionValue, value: object) -> None:
    assert option("k", kind).parse(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        (OptionKind.INT, "1.5", "an int"),
        (OptionKind.INT, 1.0, "an int"),
        (OptionKind.INT, "1_000", "an int"),
        (OptionKind.INT, True, "an int"),
        (OptionKind.INT, "9" * 5000, "an int"),
        (OptionKind.DOUBLE, "nan", "a double"),
        (OptionKind.DOUBLE, "inf", "a double"),
        (OptionKind.DOUBLE, "many", "a double"),
        (OptionKind.BOOLEAN, 1, "a boolean"),
        (OptionKind.INT_LIST, "512, wide", "an int list"),
        (OptionKind.DURATION, "soon", "a duration"),
        (OptionKind.DURATION, "-1s", "a duration"),
    ],
)
def test_a_wrong_type_is_sr302(kind: OptionKind, raw: OptionValue, words: str) -> None:
    with pytest.raises(OptionError, match=f"option 'k' takes {words}") as caught:
        option("k", kind).parse(raw)
    assert caught.value.code == "SR302"


@pytest.mark.parametrize(
    ("bounds", "raw", "words"),
    [
        ({"minimum": 1}, 0, "at least 1, not 0"),
        ({"maximum": 10}, 11, "at most 10, not 11"),
        ({"minimum": 1, "maximum": 10}, 11, "between 1 and 10, not 11"),
    ],
)
def test_a_value_out_of_range_is_sr303(bounds: dict[str, float], raw: int, words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        option("k", OptionKind.INT, **bounds).parse(raw)
    assert caught.value.code == "SR303"


def test_every_number_of_a_list_is_in_range() -> None:
    layers = option("layers", OptionKind.INT_LIST, minimum=1)
    assert layers.parse("4,2") == (4, 2)
    with pytest.raises(OptionError, match="at least 1, not 4,0"):
        layers.parse("4,0")
    assert option("names", OptionKind.STRING_LIST, minimum=1).parse("a") == ("a",)
    assert option("flag", OptionKind.BOOLEAN, minimum=1).parse(False) is False


def test_a_choice_is_returned_as_declared() -> None:
    precision = option("precision", choices=("BF16", "FP16"))
    assert precision.parse(" bf16") == "BF16"
    with pytest.raises(OptionError, match="one of BF16, FP16, not 'FP17'") as caught:
        precision.parse("FP17")
    assert (caught.value.code, caught.value.hint) == ("SR303", "Did you mean 'FP16'?")


def test_the_range_in_words() -> None:
    assert option("k").range_text == "any number"


@given(st.text(max_size=20))
def test_a_key_is_found_in_every_spelling(key: str) -> None:
    assert canonical_key(canonical_key(key)) == canonical_key(key)


def test_keys_are_found_without_case_and_by_pattern() -> None:
    assert OPTIONS.find("Batch-Size") is OPTIONS.options[0]
    assert OPTIONS.find("column.user_id.bucket_size") is OPTIONS.options[3]
    assert OPTIONS.find("column..bucket_size") is None
    assert OPTIONS.check("batch-size", "64", Scope.TRAIN) == 64


@pytest.mark.parametrize(
    ("key", "scope", "code", "message", "hint"),
    [
        ("batch_sise", Scope.TRAIN, "SR301", "unknown option 'batch_sise'", "Did you mean 'batch_size'?"),
        ("colour", Scope.TRAIN, "SR301", "unknown option 'colour'", "TRAIN MODEL takes batch_size"),
        ("colour", Scope.TABLE, "SR301", "unknown option 'colour'", "CREATE TABLE takes no options"),
        (
            "replicas",
            Scope.TRAIN,
            "SR304",
            "belongs to CREATE SERVICE, not to TRAIN MODEL",
            "move it to CREATE SERVICE, or leave it out",
        ),
        (
            "batch_size",
            Scope.SERVICE,
            "SR304",
            "CREATE MODEL or TRAIN MODEL, not to CREATE SERVICE",
            "move it to CREATE MODEL or TRAIN MODEL, or leave it out",
        ),
    ],
)
def test_keys_are_checked_against_the_statement(
    key: str, scope: Scope, code: str, message: str, hint: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        OPTIONS.declared(key, scope)
    assert (caught.value.code, caught.value.hint) == (code, hint)


def test_stronger_layers_win_and_say_so() -> None:
    assert OPTIONS.effective(Scope.TRAIN) == {
        "batch_size": Effective(8192, "default"),
        "embedding_dim": Effective(16, "default"),
    }
    values = OPTIONS.effective(
        Scope.TRAIN,
        model={"Batch-Size": 1, "column.u.bucket_size": 9, "nonsense": 1},
        statement={"batch_size": "2", "replicas": 5},
    )
    assert values == {
        "batch_size": Effective(2, "statement"),
        "embedding_dim": Effective(16, "default"),
        "column.u.bucket_size": Effective(9, "model"),
    }


NAMED = OptionSet(
    (
        option("api_key", aliases=("token",)),
        option("top_p", OptionKind.DOUBLE, minimum=0, maximum=1),
        option("on_error", choices=("fail", "dead_letter")),
    ),
    prefixes=("openai.", "params."),
)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("api-key", "api_key"),
        ("apiKey", "api_key"),
        ("token", "api_key"),
        ("openai.token", "api_key"),
        ("openai.apiKey", "api_key"),
        ("OPENAI.API_KEY", "api_key"),
        ("openai.PARAMS.top_p", "top_p"),
        ("PARAMS.topP", "top_p"),
    ],
)
def test_one_option_has_many_spellings(written: str, key: str) -> None:
    found = NAMED.find(written)
    assert found is not None
    assert (found.key, NAMED.canonical(written)) == (key, key)


@pytest.mark.parametrize("written", ["ap-key", "anthropic.api_key", "openai", "openai."])
def test_what_is_no_spelling_of_an_option_is_none(written: str) -> None:
    assert NAMED.find(written) is None
    assert NAMED.canonical(written) == canonical_key(written)


def test_values_in_force_are_kept_under_the_key_of_the_declaration() -> None:
    found = NAMED.effective(Scope.MODEL, model={"openai.topP": "0.5"})
    assert found["top_p"] == Effective(0.5, "model")
    assert set(found) == {"api_key", "top_p", "on_error"}


def test_choices_are_read_as_keys_are() -> None:
    assert NAMED.check("on-error", "Dead-Letter", Scope.MODEL) == "dead_letter"


@pytest.mark.parametrize(
    ("key", "raw", "hint"),
    [
        ("top_p", "high", "write it like 0.5"),
        ("top_p", -1, "write 0, or another value in that range"),
        ("top_p", 3, "write 1, or another value in that range"),
        ("on_error", "explode", "write 'fail', or another of them"),
        ("on_error", "dead_leter", "Did you mean 'dead_letter'?"),
    ],
)
def test_a_wrong_value_comes_with_help_that_is_right(key: str, raw: OptionValue, hint: str) -> None:
    with pytest.raises(OptionError) as caught:
        NAMED.check(key, raw, Scope.MODEL)
    assert caught.value.hint == hint
