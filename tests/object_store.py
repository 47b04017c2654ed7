"""A real S3 server on this machine (moto's, in a process of its own), and a fresh bucket a test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address=sys.argv[1], port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""
KEY_ID, KEY = "test-key-id", "a-planted-secret-value"
_numbers = count(1)
_asked: list[str] = []
"""Servers in the order they were asked: s3fs keeps its clients, whatever the environment says later."""


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[str]:
    """The URL of a new server at an address of this machine; it ends with the caller, however that ends."""
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, host], text=True, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        address, port = process.stdout.readline().split()
        yield f"http://{address}:{port}"
        process.communicate("")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of the server of most tests."""
    with serving() as url:
        yield url


@pytest.fixture
def s3(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """See :func:`client_of`."""
    return client_of(s3_server, tmp_path, monkeypatch)


def client_of(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a server; its address and key are in the environment, temporary files in ``tmp_path``."""
    import boto3
    from s3fs import S3FileSystem

    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", server)  # by which MLflow's cache of clients knows them
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    if _asked[-1:] != [server]:
        _close_all(S3FileSystem)
        _asked.append(server)
    return boto3.client("s3")


def _close_all(kind: Any) -> None:
    """Forget all clients of s3fs, their connections closed. Left to itself it waits a tenth of a second."""
    from fsspec.asyn import sync

    for client in list(kind._cache.values()):
        if getattr(client, "_s3creator", None) is not None:
            sync(client.loop, client._s3creator.__aexit__, None, None, None, timeout=30)
    kind.clear_instance_cache()


@pytest.fixture
def bucket(s3: Any) -> str:
    """The URI of an empty bucket."""
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    return f"s3://{name}"
