"""The proof of a new service: its own URL answers the sample rows of its model."""

from __future__ import annotations

from sqlrec.execution.call import Report
from sqlrec.runtimes.runtime import Verify
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.service import Endpoint
from sqlrec.spec.signature import Signature


def smoke_test(signature: Signature, model: ModelSpec, report: Report) -> Verify:
    """A check that predicts the signature's sample rows and looks at every output."""

    def verify(endpoint: Endpoint) -> None:
        raise NotImplementedError

    return verify
