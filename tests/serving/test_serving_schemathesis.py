"""The OpenAPI document of a predict server as schemathesis reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sqlrec.spec.service import ServiceSpec
from tests.documented import answers_as_documented


def test_every_answer_of_a_predict_server_is_documented(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> None:
    with serve(make_spec(mixed_folder)) as server:
        real = {"model": st.just("m") | st.just("ranker"), "version": st.just(3)}
        assert answers_as_documented(server.port, real) > 10
