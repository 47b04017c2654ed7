"""Two machines that define a function on one server at the same moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import StateError
from sqlrec.spec.function import FunctionSpec
from tests.mortal import two_machines
from tests.registries import open_registry

OLD = FunctionSpec(name="recall", inputs=(), returns="t", source="RETURN t")
MINE, THEIRS = replace(OLD, source="RETURN mine"), replace(OLD, source="RETURN theirs")


def test_the_first_definition_stands(tmp_path: Path) -> None:
    open_registry(tmp_path)
    slow, rival = two_machines(tmp_path, lambda rival: rival.put_function(THEIRS))
    with pytest.raises(StateError, match=r"\[SR201\] SQL function recall exists with another definition"):
        slow.put_function(MINE)
    assert slow.functions() == rival.functions() == (THEIRS,)


def test_the_same_definition_is_made_once(tmp_path: Path) -> None:
    open_registry(tmp_path)
    slow, rival = two_machines(tmp_path, lambda rival: rival.put_function(MINE))
    assert slow.put_function(MINE) is False
    assert slow.functions() == rival.functions() == (MINE,)


def test_of_two_replacements_the_later_one_stands(tmp_path: Path) -> None:
    open_registry(tmp_path).put_function(OLD)
    slow, rival = two_machines(tmp_path, lambda rival: rival.put_function(THEIRS, replace=True))
    assert slow.put_function(MINE, replace=True) is True
    assert slow.functions() == rival.functions() == (MINE,)
    rival.drop_function("recall")
    assert slow.functions() == ()
