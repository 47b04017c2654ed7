"""Protobuf's text format, by ourselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import OptionError
from sqlrec.models.deep.pipeline.text import Field, Message, Name, message, parse, write

WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
NAMES = WORDS.filter(lambda w: w.casefold() not in ("true", "false", "inf", "infinity", "nan")).map(Name)
SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False),
    NAMES,
)
MESSAGES = st.recursive(
    st.lists(st.builds(Field, WORDS, SCALARS), max_size=4).map(lambda fields: Message(tuple(fields))),
    lambda inner: st.lists(st.builds(Field, WORDS, st.one_of(SCALARS, inner)), max_size=4).map(
        lambda fields: Message(tuple(fields))
    ),
    max_leaves=12,
)


@given(MESSAGES)
def test_what_is_written_is_read(made: Message) -> None:
    text = write(made)
    assert parse(text) == made
    assert write(parse(text)) == text


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    refused = None
    try:
        parse(text)
    except OptionError as error:
        refused = error
    assert refused is None or (refused.code, refused.message[:5]) == ("SR385", "line ")


def test_is_readable() -> None:
    made = message(a="x", b=[1, 2], c=message(d=Name("DEEP"), e=True), f=None, g=Message(), h=0.5)
    assert write(made) == 'a: "x"\nb: 1\nb: 2\nc {\n  d: DEEP\n  e: true\n}\ng {\n}\nh: 0.5\n'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'a: "tab\t\"q\" \x41\101é\n"', 'tab\t"q" AAé\n'),
        ("a: 'it\"s'", 'it"s'),
        ("a: 'one' \"two\"  # and\n 'three'", "onetwothree"),
        ("a: 0x1F", 31),
        ("a: -12", -12),
        ("a: 017", 15),
        ("a: .5", 0.5),
        ("a: 1.5e3f", 1500.0),
        ("a: 3f", 3.0),
        ("a: -inf", float("-inf")),
        ("a: True", True),
        ("a: DEEP", Name("DEEP")),
        ("a < b: 1 >", Message((Field("b", 1),))),
        ("a: { b: 1; }", Message((Field("b", 1),))),
    ],
)
def test_all_spellings_of_a_value(text: str, value: object) -> None:
    assert [field.value for field in parse(text).fields] == [value]


def test_lists_are_repeated_fields() -> None:
    assert parse("a: [1, 2] b: [] a { c: 3 } a [{}, {c: 4}]") == parse("a: 1 a: 2 a { c: 3 } a {} a { c: 4 }")


def test_lines_are_those_of_the_file() -> None:
    made = parse("# head\na: 1\n\nb {\n  c: 2 }\n")
    inner = made.fields[1].value
    assert isinstance(inner, Message)
    assert [made.fields[0].line, made.fields[1].line, inner.fields[0].line] == [2, 4, 5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb {\n c: 2\n", "line 4: expected the name of a field or }, the file ends"),
        ("a: 1\n}", "line 2: expected the name of a field, found '}'"),
        ("a 1", "line 1: expected :, found '1'"),
        ("a:", "line 1: expected a value, found 'the end'"),
        ("a: [1 2]", "line 1: expected , or ] in a list, found '2'"),
        ("a: [1", "line 1: expected , or ] in a list"),
        ("\n\na: @home", "line 3: '@home' cannot be read"),
        ("a: 'open", 'line 1: "\'open" cannot be read'),
        ("a: 12ab", "line 1: '12ab' cannot be read"),
        (r"a: '\q'", r"line 1: \q is no escape"),
        (r"a: '\xff'", r"line 1: '\xff' is no UTF-8"),
        ("[x] { }", "line 1: expected the name of a field, found '['"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(OptionError) as error:
        parse(text)
    assert words in error.value.message
    assert error.value.hint
