"""What ``docs/kubernetes.md`` says: its settings are all there are, its scripts and files can be read."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import OpenCatalog
from sqlrec.settings import Cluster, load

GUIDE = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)
FILES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
DECLARED = """
CREATE TABLE clicks (user_id BIGINT, item_id BIGINT, y INT) WITH (connector = 'parquet', path = 'clicks');
CREATE MODEL ctr (user_id BIGINT, item_id BIGINT, y INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
"""


def test_the_table_has_every_setting() -> None:
    table = GUIDE.partition("All keys of `[kubernetes]`")[2].partition("##")[0]
    told = {
        key
        for line in table.splitlines()
        if "|" in line
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert told == {field.name for field in fields(Cluster)}


@pytest.mark.parametrize("script", SCRIPTS, ids=[f"block{n}" for n in range(len(SCRIPTS))])
def test_scripts_have_no_findings(script: str) -> None:
    own = "" if "CREATE TABLE clicks" in script else DECLARED
    plan = build_plan(own + script, path="guide.sql", name="guide", catalog=OpenCatalog())
    assert plan.warnings == ()


@pytest.mark.parametrize("text", FILES, ids=[f"block{n}" for n in range(len(FILES))])
def test_settings_are_settings(text: str, tmp_path: Path) -> None:
    (tmp_path / "sqlrec.toml").write_text(text)
    settings = load(tmp_path, {})
    for key, value in tomllib.loads(text).get("kubernetes", {}).items():
        assert getattr(settings.kubernetes, key) == value
