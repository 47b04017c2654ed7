"""A project with a registry, a warehouse and a script, and questions about places marked in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sqlrec.assist.completion import complete
from sqlrec.assist.hover import hover
from sqlrec.assist.outline import definition_at
from sqlrec.assist.world import Project
from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import TableSource
from tests.plan.conftest import FakeCatalog, compile_text, get_fake

SCRIPT = """\
CREATE MODEL m (user_id BIGINT, item_id BIGINT, y INT) COMMENT 'clicks'
WITH (model = 'test.rank', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON t;
EXPORT MODEL m CHECKPOINT = 'v1';
ALTER MODEL m SET ALIAS 'prod' = 'v1_export';
CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';
CREATE TABLE items (item_id BIGINT, price DOUBLE COMMENT 'in euro') WITH (connector = 'parquet', path = 'x');
CACHE TABLE cached AS SELECT 1 AS a;
DECLARE day STRING DEFAULT 'x';
SET 'top' = '5';
"""
Ask = Callable[[str], list[str]]


def columns_of(table: TableSource) -> Schema | None:
    """Columns of one table of the warehouse."""
    if table.name != "behavior":
        return None
    return Schema(
        (
            Field(name="user_id", type=DataType.parse("BIGINT")),
            Field(name="dt", type=DataType.parse("STRING")),
        )
    )


@pytest.fixture
def project() -> Project:
    known = "CREATE MODEL other.db.known (a INT, y INT) WITH (model = 'test.towers', label_columns = 'y')"
    catalog = FakeCatalog().add(compile_text(known))
    name = ModelName.parse("other.db.known")
    trained = Checkpoint(
        model=name,
        name="w1",
        kind=CheckpointKind.ORIGIN,
        status=CheckpointStatus.SUCCEEDED,
        version=1,
        uri="/w1",
    )
    exported = replace(
        trained, name="w1_export/user", kind=CheckpointKind.EXPORT, version=2, parent="w1", uri="/w1e"
    )
    catalog.versions += [trained, exported]
    catalog.served["prior"] = exported
    catalog.specified.append(
        FunctionSpec(name="enrich", inputs=(), returns="r", source="CREATE SQL FUNCTION enrich")
    )
    program = Program(name="enrich", inputs=(), steps=(), returns="r")
    catalog.exposed.append(ApiSpec(name="feed", function="enrich", program=program))
    return Project(
        catalog=catalog, controllers=get_fake, columns=columns_of, warehouse=lambda: ("behavior", "db.rank")
    )


@pytest.fixture
def offered(project: Project) -> Ask:
    """Texts of the candidates at ``|``, in a script after :data:`SCRIPT`."""

    def ask(marked: str) -> list[str]:
        before, _, after = (SCRIPT + marked).partition("|")
        return [candidate.text for candidate in complete(before + after, len(before), project)]

    return ask


@pytest.fixture
def said(project: Project) -> Callable[[str], str]:
    """What hover says at ``|``, as ``text@word``; empty for nothing."""

    def ask(marked: str) -> str:
        before, _, after = (SCRIPT + marked).partition("|")
        found = hover(before + after, len(before), project)
        return f"{found.text}@{(before + after)[found.span.start : found.span.end]}" if found else ""

    return ask


@pytest.fixture
def defined(project: Project) -> Callable[[str], str]:
    """The line that defines what stands at ``|``; empty for nothing."""

    def ask(marked: str) -> str:
        before, _, after = (SCRIPT + marked).partition("|")
        text = before + after
        span = definition_at(text, len(before), project)
        return text[text.rfind("\n", 0, span.start) + 1 : span.end] if span else ""

    return ask
