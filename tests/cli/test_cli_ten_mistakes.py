"""Ten mistakes of different kinds in one script: ten findings at their places, each with help that is right.

The help is followed as a reader would follow it, by what it says and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FINDINGS, EXIT_OK
from tests.cli.conftest import Command

SCRIPT = """\
SET 'dag.shedule' = '@daily';
DECLARE epochs INT DEFAULT 'three';
CREATE TABLE samples (user_id BIGINT, item_id BIGINT, is_click INT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'samples');
CREATE MODEL other (user_id BIGINT, is_click INT)
  WITH (model = 'tzrec.wide_and_dep', label_columns = 'is_click');
CREATE MODEL rank_model (user_id BIGINT, item_id BIGINT, is_click INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click', embedding_dim = 0);
TRAIN MODEL rank_mdel CHECKPOINT = 'v1' ON samples;
TRAIN MODEL rank_model CHECKPOINT = 'v2' ON samples WITH (num_epochs = 2) WHERE dt > '2026-01-01';
TRAIN MODEL rank_model CHECKPOINT = 'v3' ON samples;
EXPORT MODEL rank_model CHECKPOINT = 'v3';
CREATE SERVICE live ON MODEL rank_model CHECKPOINT = 'v3';
EXPORT MODEL rank_model CHECKPOINT 'v2';
CREATE MODEL helper INPUT (prompt STRING) OUTPUT (answer STRING)
  WITH (provider = 'openai', 'openai.api_key' = 'abcdefg');
CACHE TABLE scored AS CALL call_servce('live', samples);
"""
CODES = ["SR301", "SR216", "SR204", "SR303", "SR205", "SR103", "SR209", "SR101", "SR306", "SR214"]


@dataclass(frozen=True, slots=True)
class Place:
    """A finding, its place as offsets into the text."""

    text: str
    start: int
    end: int
    code: str
    hint: str

    def replaced(self, by: str) -> str:
        return self.text[: self.start] + by + self.text[self.end :]


def _meant(place: Place, word: str) -> str:
    """A misspelt word, in the quotes that it has."""
    quote = "'" if place.text[place.start] == "'" else ""
    return place.replaced(f"{quote}{word}{quote}")


def _moved_before(place: Place, word: str) -> str:
    end = place.text.index(";", place.start)
    clause = place.text[place.start : end]
    rest = place.text[: place.start].rstrip() + place.text[end:]
    at = rest.rindex(f"{word} ", 0, place.start)
    return f"{rest[:at]}{clause} {rest[at:]}"


def _as_in_the_form(place: Place, form: str) -> str:
    """Between the word before the place and the place: what the form has after that word."""
    before = place.text[: place.start].split()[-1]
    words = form.split()
    return place.replaced(f"{words[words.index(before) + 1]} {place.text[place.start : place.end]}")


FOLLOW: dict[str, Callable[[Place, str], str]] = {
    r"Did you mean '?([^'?]+)'?\?": _meant,
    r"write it like (.+)": Place.replaced,
    r"write ([^ ,]+), or another value in that range": Place.replaced,
    r"move it before (\w+)": _moved_before,
    r"use CHECKPOINT = ('[^']+'), which line \d+ makes": Place.replaced,
    r"the form is (.+)": _as_in_the_form,
    r"name it: ('\{\{ secret\.NAME \}\}') or .*": Place.replaced,
}


def _followed(place: Place) -> str:
    """The text after what the help says is done."""
    for pattern, follow in FOLLOW.items():
        if match := re.fullmatch(pattern, place.hint):
            return follow(place, match[1])
    raise AssertionError(f"nobody would know how to follow {place.hint!r}")


Check = Callable[[str], list[Place]]


@pytest.fixture
def check(sqlrec: Command, project: Path) -> Check:
    def call(text: str) -> list[Place]:
        path = project / "mistakes.sql"
        path.write_text(text)
        told = sqlrec("check", path, "--format", "json")
        found = json.loads(told.out)
        assert told.status == (EXIT_FINDINGS if found else EXIT_OK)
        starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]
        return [
            Place(
                text,
                starts[f["line"] - 1] + f["column"] - 1,
                starts[f["end_line"] - 1] + f["end_column"] - 1,
                f["code"],
                f["hint"],
            )
            for f in found
        ]

    return call


def test_ten_mistakes_are_ten_findings_in_one_run(check: Check) -> None:
    found = check(SCRIPT)
    assert [place.code for place in found] == CODES
    assert [SCRIPT[place.start : place.end] for place in found] == [
        "'dag.shedule'",
        "'three'",
        "'tzrec.wide_and_dep'",
        "0",
        "rank_mdel",
        "WHERE",
        "'v3'",
        "'v2'",
        "'abcdefg'",
        "call_servce",
    ]


@pytest.mark.parametrize("code", CODES)
def test_following_one_help_takes_one_finding_away(check: Check, code: str) -> None:
    before = check(SCRIPT)
    (place,) = [place for place in before if place.code == code]
    after = check(_followed(place))
    assert [p.code for p in after] == [p.code for p in before if p.code != code]


def test_following_all_help_leaves_a_script_without_findings(check: Check) -> None:
    text = SCRIPT
    for _ in CODES:
        text = _followed(check(text)[0])
    assert check(text) == []
