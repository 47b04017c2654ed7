from __future__ import annotations

from sqlrec.plan.catalog import Catalog, OpenCatalog
from sqlrec.spec.names import ModelName


def test_the_open_catalog_knows_and_forbids_nothing() -> None:
    catalog: Catalog = OpenCatalog()
    name = ModelName.of("m")
    assert not catalog.closed
    assert catalog.model(name) is None
    assert catalog.checkpoint(name, "v1") is None
    assert catalog.service("s") is None
    assert (catalog.models(), catalog.checkpoints(name), catalog.services()) == ((), (), ())
