"""The Open Inference Protocol as NVIDIA's own client speaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlrec.spec.service import ServiceSpec

DATATYPES = {"O": "BYTES", "b": "BOOL", "f": "FP32", "i": "INT64"}


def test_nvidias_client_works_unmodified(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> None:
    triton = pytest.importorskip("tritonclient.http", reason="not installed: make conformance")
    with serve(make_spec(mixed_folder)) as server:
        client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
        try:
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready("m")
            assert client.get_server_metadata()["name"] == "sqlrec"
            assert client.get_model_metadata("m", "3")["versions"] == ["3"]
            given = {
                "city": np.array(["Köln", "x"], dtype=np.object_),
                "age": np.array([3, 4], np.int64),
                "price": np.array([1.5, 0.5], np.float32),
                "member": np.array([True, False]),
                "tags": np.arange(1, 7).reshape(2, 3),
            }
            for is_binary in (True, False):  # its defaults, and JSON
                inputs = [
                    triton.InferInput(name, array.shape, DATATYPES[array.dtype.kind])
                    for name, array in given.items()
                ]
                for tensor_in, array in zip(inputs, given.values(), strict=True):
                    tensor_in.set_data_from_numpy(array, binary_data=is_binary)
                outputs = None if is_binary else [triton.InferRequestedOutput("score", binary_data=False)]
                result = client.infer("m", inputs, outputs=outputs, request_id="7")
                assert result.as_numpy("score").tolist() == [105.5, -95.5]
                assert result.get_response()["id"] == "7"
            with pytest.raises(triton.InferenceServerException, match="no model other"):
                client.get_model_metadata("other")
        finally:
            client.close()
