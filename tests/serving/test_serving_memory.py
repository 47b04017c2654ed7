"""A server that is updated again and again is as large as one that was not."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from sqlrec.spec import codec
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn

MEGABYTES = 24
MARGIN = MEGABYTES / 2
"""MB that may stay after ten updates: half of one model. Ten that were kept would be 240 MB."""
SWAPS = 10


@pytest.fixture
def served(publish_model: Callable[..., Path], make_spec: Callable[..., ServiceSpec]) -> ServedModel:
    """total = the sum of a row of a table of 24 MB."""
    table = np.ones((MEGABYTES * 1024, 256), np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "i"], ["row"]),
        helper.make_node("ReduceSum", ["row", "one"], ["total"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    inputs = [InputColumn(name="i", type=DataType.parse("BIGINT"), tensor="int64")]
    outputs = [OutputColumn(name="total", type=DataType.parse("FLOAT"))]
    return make_spec(publish_model(model, inputs, outputs, sample=[{"i": 1}]), version=0).own


@pytest.fixture
def process(served: ServedModel, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    spec = tmp_path / "service.json"
    spec.write_text(codec.dumps(ServiceSpec(name="ranker", models=(served,))))
    command = [sys.executable, "-m", "sqlrec.serving", "--spec", str(spec), "--activate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as popen:
        yield popen
        popen.kill()


def test_ten_updates_give_back_their_memory(process: subprocess.Popen[str], served: ServedModel) -> None:
    assert process.stdout
    port = int(json.loads(process.stdout.readline())["private_port"])
    assert json.loads(process.stdout.readline())["event"] == "active"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(path: str, document: object) -> Any:
        connection.request("POST", path, json.dumps(document))
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status == 200, body
        return json.loads(body)

    def update(version: int) -> None:
        model = codec.encode(replace(served, version=version))
        ask("/admin/models/load", {"slot": "m", "model": model})
        ask("/admin/models/activate", {"versions": {"m": version}})
        assert ask("/predict", [{"i": version}]) == {"total": [256.0]}
        ask("/admin/models/unload", {"slot": "m", "version": version - 1})

    def megabytes() -> float:
        return float(psutil.Process(process.pid).memory_info().rss) / 1e6

    fresh = megabytes()
    update(1)
    once = megabytes()
    for version in range(2, 2 + SWAPS):
        update(version)
    connection.close()
    after = megabytes()
    assert after - once < MARGIN
    assert after - fresh < MARGIN
