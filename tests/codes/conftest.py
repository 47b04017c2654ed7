"""The small registry that the examples of the index are written for."""

from __future__ import annotations

import pytest

from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import Catalog
from sqlrec.spec.model import CheckpointKind, CheckpointStatus
from tests.plan.conftest import FakeCatalog

CLICKS = """
CREATE MODEL clicks (user_id BIGINT, item_id BIGINT, is_click INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click');
"""


@pytest.fixture(scope="session")
def registered() -> Catalog:
    """Model ``clicks`` with v1, v1_export and broken; service ``live``."""
    known = FakeCatalog().add(build_plan(CLICKS, path="clicks.sql", name="clicks"))
    known.put("v1", model="clicks")
    known.put("v1_export", CheckpointKind.EXPORT, model="clicks", parent="v1", service="live")
    known.put("broken", model="clicks", status=CheckpointStatus.FAILED)
    return known
