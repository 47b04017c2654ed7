"""Formatting keeps what a script says and every comment, and is done after one time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.codes.index import entries
from sqlrec.codes.statements import statement_entries
from sqlrec.errors import ScriptError
from sqlrec.sql.formatting import format_script
from sqlrec.sql.lexer import comments, tokens
from sqlrec.sql.script import parse
from sqlrec.sql.weaving import meaning, woven

SCRIPT = """\
create or replace model `m x` (a int not null comment 'it''s', b array<row<c int>>) comment "x"
with (model = 'a.b', column.c.d = -1e-3, "q" = true, 'k' = '{{ secret.x }}',);
create model n output (a integer) input (b float); create temp model o with (model = 'x') as select 1;
train model m checkpoint = 'v{{ ds }}' on (select * from `t` where d = date '{{ ds }}') where a is not
distinct from 'x' validate on c.d.t where b from 'v0' with (n = 2); ;
export model m checkpoint = 'v1' on t where (a + [1, 2][1]) in (select {'x': 1}.x from u);
create service if not exists s on model m checkpoint = 'v1_export'; drop model if exists m;
create table t (a decimal(10,2)) partitioned by (a) with (connector = 'csv'); cache table r as call f('s', t);
insert overwrite t with c as (select cast(x as array<bytes>) from u) select case when a then 1 end from c;
set a.b = 10 min; declare n int default -1; values (1, interval '{{ n }}' day); select * from a.b limit 3;
cache table z as
    select 'two
  lines  ' as a,
        b
    from t
"""
GAPS = st.sampled_from(
    [
        " ",
        "  \t",
        "\n",
        " \n\n\n  ",
        " -- one\n",
        "\n  -- two; 'x\n",
        " /* three */ ",
        "\n /* four\n     4 */\n",
        "\r\n",
    ]
)


def told(text: str) -> list[list[str]]:
    """The comments of a text, line by line without the blanks around."""
    found = (text[place.start : place.end] for place in comments(text))
    return [[line.strip() for line in comment.split("\n")] for comment in found]


def says(text: str) -> list[object]:
    parsed = parse(text)
    assert parsed.diagnostics == ()
    return [meaning(statement) for statement in parsed.statements]


def check(text: str) -> str:
    """The formatted text; nothing is lost, and formatting it changes nothing."""
    done = format_script(text, path="x.sql")
    assert told(done) == told(text)
    assert says(done) == says(text.removeprefix("\ufeff"))
    assert format_script(done, path="x.sql") == done
    return done


EXAMPLES = [entry.example for entry in statement_entries()]
STATEMENTS = [text[s.span.start : s.span.end] for text in (SCRIPT, *EXAMPLES) for s in parse(text).statements]


def divisible(text: str) -> list[int]:
    """Places where blanks may stand: those that have some, and around punctuation."""
    found = tokens(text)
    return [
        after.start
        for token, after in pairwise(found)
        if after.start > token.end or token.key in ("(", ",") or after.key in ("(", ")", ",")
    ]


@st.composite
def disturbed(draw: st.DrawFn) -> str:
    """A statement with other blanks and comments at some of the places where it may have blanks."""
    text = draw(st.sampled_from(STATEMENTS))
    places = draw(st.lists(st.sampled_from([0, len(text), *divisible(text)]), max_size=4))
    for place in sorted(places, reverse=True):
        text = text[:place] + draw(GAPS) + text[place:]
    return text


@given(texts=st.lists(disturbed(), min_size=1, max_size=2))
def test_comments_and_meaning_are_kept(texts: list[str]) -> None:
    check(";".join(texts))


@pytest.mark.parametrize("text", [*EXAMPLES, *(entry.good for entry in entries().values())])
def test_every_documented_statement_has_its_canonical_form(text: str) -> None:
    check(text)
    assert all(woven(text, statement) for statement in parse(text).statements)


@given(
    text=st.lists(st.sampled_from([*";;\n\n\r\t ", "--c\n", "/*d\n e*/", "FLUSH", "select  1"])).map("".join)
)
def test_what_stands_between_statements(text: str) -> None:
    try:
        check(text)
    except ScriptError:
        assert parse(text).diagnostics


def test_statements_in_canonical_form() -> None:
    text = """

-- head
/* block
   two */

create  model m (a INT, -- user
  b INTEGER not null /* the b */ -- item
  -- the end
) with ( -- opts
   model = 'tzrec.wide_and_deep', -- the type
   -- commented = 1,
   column.a.embedding_dim = 8 -- eight
   , /* x */ label_columns = "y"
) ; -- after


train model m checkpoint='{{ ds }}' on (select *
     from t
     where b = 1
     ) -- data
     /* cond */ where a = 1
       and b = 2;
drop -- gone
   -- really
   model /* y */ if exists m ; ; /* the
     end */
"""
    assert (
        check(text)
        == """\
-- head
/* block
   two */

CREATE MODEL m (
  a INT, -- user
  b INT NOT NULL /* the b */ -- item
  -- the end
)
WITH ( -- opts
  'model' = 'tzrec.wide_and_deep', -- the type
  -- commented = 1,
  'column.a.embedding_dim' = '8', -- eight
  /* x */
  'label_columns' = 'y'
); -- after

TRAIN MODEL m
CHECKPOINT = '{{ ds }}'
ON (select *
  from t
  where b = 1) -- data
/* cond */
WHERE a = 1
  and b = 2;
DROP -- gone
  -- really
  MODEL /* y */ IF EXISTS m; /* the
 end */
"""
    )


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("", ""),
        (" \n\t\n;;", ""),
        ("\n\n-- only a comment  ", "-- only a comment\n"),
        ("\ufeffselect 1", "select 1;\n"),
        ("select 1 -- one\n; select 2\n;-- two", "select 1; -- one\nselect 2; -- two\n"),
        ("select 1;\n\n\n\nselect 2;", "select 1;\n\nselect 2;\n"),
        ("/* a */ select 1; /* b */ select 2;", "/* a */\nselect 1; /* b */\nselect 2;\n"),
        ("   select a,\n     b\n   from t", "select a,\n  b\nfrom t;\n"),
        ("   select a,\n  b\n\n     /* c\n      d */  from t", "select a,\nb\n\n  /* c\n   d */  from t;\n"),
        ("cache table r as select a,\n      b  \n    from t", "CACHE TABLE r AS\nselect a,\n  b\nfrom t;\n"),
        ("  select '\n  x  \n ' as a,\n  1", "select '\n  x  \n ' as a,\n1;\n"),
    ],
)
def test_blanks(text: str, done: str) -> None:
    assert check(text) == done


def test_line_breaks_are_those_of_the_first_line() -> None:
    text = "-- a  \r\nselect 'x\ny',\r\n  1;\r\n\n/* b\r\n c */ drop model m"
    assert check(text) == "-- a\r\nselect 'x\ny',\r\n  1;\r\n\r\n/* b\r\n c */\r\nDROP MODEL m;\r\n"
    assert check("select 1;\nselect\r\n2") == "select 1;\nselect\n2;\n"


@pytest.mark.parametrize(
    "kept",
    [
        "drop model  m /* c */ . n;\n",
        "drop database  d -- one\n  restrict;\n",
        "create model m (a decimal(10, -- scale  x\n    2)) with (model = 'x');\n",
        "train model m checkpoint = 'a' -- more\n  'b' on t;\n",
        "create model m output /* o */ (b int) input /* i */ (a int);\n",
    ],
)
def test_a_comment_without_a_place_keeps_its_statement_as_it_is(kept: str) -> None:
    assert check(kept) == kept


def test_a_statement_left_as_it_is_loses_blanks_at_its_line_ends() -> None:
    kept = "drop model  \n m /* c */ . n"
    assert check(kept) == "drop model\n m /* c */ . n;\n"


def test_a_script_with_problems_is_not_formatted() -> None:
    with pytest.raises(ScriptError) as caught:
        format_script("\ufeffselect 1;\ntrian model m", path="x.sql")
    assert "x.sql:2:1" in str(caught.value)


def test_the_scripts_of_the_tests_stay_formatted_once_they_are() -> None:
    for path in Path(__file__).parents[1].glob("golden/plans/*/script.sql"):
        check(path.read_text())
