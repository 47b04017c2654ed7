"""How a server is told to operate, and a whole one that is."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrec.errors import SetupError
from sqlrec.models.server_options import server_options
from sqlrec.serving.command import parse_arguments
from sqlrec.serving.config import Tls, TokenSource
from sqlrec.serving.operations import Operations, add_flags, operations
from sqlrec.spec import codec
from sqlrec.spec.options import OptionSet, Parsed, Scope
from sqlrec.spec.service import ServiceSpec
from tests.http_server import Handler, listening

MakeSpec = Callable[..., ServiceSpec]


def chosen(*flags: str, **options: Parsed) -> Operations:
    parser = ArgumentParser()
    add_flags(parser)
    return operations(parser.parse_args(flags), options)


def test_nothing_said() -> None:
    assert chosen() == Operations(
        access_log=False, tracing=False, request_timeout=30, queue_timeout=10, token=None, tls=None
    )


def test_options_of_the_service() -> None:
    found = chosen(
        access_log=True,
        request_timeout=0.5,
        queue_timeout=2,
        auth_token_env="T",
        tls_cert_file="c",
        tls_key_file="k",
    )
    assert (found.access_log, found.request_timeout, found.queue_timeout) == (True, 0.5, 2)
    assert (found.token, found.tls) == (TokenSource(env="T"), Tls(cert="c", key="k"))


def test_flags_win() -> None:
    flags = ["--request-timeout", "1.5", "--access-log", "--auth-token-file", "f"]
    found = chosen(*flags, request_timeout=9.0, access_log=False)
    assert (found.request_timeout, found.access_log, found.token) == (1.5, True, TokenSource(file="f"))


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
def test_times_that_are_none(seconds: str) -> None:
    with pytest.raises(SystemExit):
        chosen("--queue-timeout", seconds)


@pytest.mark.parametrize(
    "options",
    [
        {"tls_cert_file": "c"},
        {"tls_key_file": "k"},
        {"auth_token_env": "E", "auth_token_file": "f"},
    ],
)
def test_what_does_not_go_together(options: dict[str, Parsed]) -> None:
    with pytest.raises(SetupError) as caught:
        chosen(**options)
    assert caught.value.code == "SR675"


def test_the_options_of_create_service_are_those_the_server_reads(
    tmp_path: Path, add_folder: Path, make_spec: MakeSpec
) -> None:
    written = {
        "auth-token-file": "/t",
        "tls_cert_file": "/c",
        "tls_key_file": "/k",
        "request_timeout": "150ms",
        "queue_timeout": "2s",
        "access_log": "true",
        "missing_features": "NULL",
    }
    effective = OptionSet(server_options()).effective(Scope.SERVICE, statement=written)
    spec = make_spec(add_folder, **{key: found.value for key, found in effective.items()})
    file = tmp_path / "spec.json"
    file.write_text(codec.dumps(spec))
    config = parse_arguments(["--spec", str(file)], ServiceSpec, "x")
    assert (config.token, config.tls) == (TokenSource(file="/t"), Tls(cert="/c", key="/k"))
    assert (config.limits.request_timeout, config.limits.queue_timeout) == (0.15, 2)
    assert (config.access_log, config.tracing) == (True, False)
    assert config.spec.options["missing_features"] == "null"


class Process:
    """A server process on its service port."""

    def __init__(self, folder: Path, spec: ServiceSpec, *flags: str, **settings: Any) -> None:
        file = folder / "spec.json"
        file.write_text(codec.dumps(spec))
        command = [sys.executable, "-m", "sqlrec.serving", "--spec", str(file), "--activate", *flags]
        self.popen = subprocess.Popen(
            [*command, "--drain-seconds", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )
        assert self.popen.stdout
        lines = [self.popen.stdout.readline() for _ in range(2)]
        assert lines[1], self.popen.communicate()
        self.port = int(json.loads(lines[1])["url"].rpartition(":")[2].partition("/")[0])

    def predict(self, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", "/predict", '[{"a": 0, "b": 0}]', names)
            reply = connection.getresponse()
            reply.read()
            return reply.status
        finally:
            connection.close()

    def end(self) -> None:
        """Have it end, well."""
        self.popen.send_signal(signal.SIGTERM)
        _, errors = self.popen.communicate(timeout=30)
        assert self.popen.returncode == 0, errors


def test_a_server_writes_no_file(tmp_path: Path, add_folder: Path, make_spec: MakeSpec) -> None:
    """As on a read-only file system: no file may grow, and folders are closed to all but root."""
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    environment = {
        **os.environ,
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home)),
    }

    def forbid_writing() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    server = Process(tmp_path, make_spec(add_folder), cwd=home, env=environment, preexec_fn=forbid_writing)
    assert server.predict() == 200
    server.end()
    assert list(home.iterdir()) == []


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A URL and what was posted there by OTLP."""
    bodies: list[bytes] = []

    class Collector(Handler):
        def do_POST(self) -> None:
            bodies.append(self.body())
            self.answer(200)

    with listening(Collector) as url:
        yield url, bodies


def test_spans_are_sent_by_otlp(
    tmp_path: Path, add_folder: Path, make_spec: MakeSpec, collector: tuple[str, list[bytes]]
) -> None:
    reason = "the extra otel is not installed"
    otlp = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason=reason)
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason=reason)
    url, bodies = collector
    given = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    environment = {**given, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "NO_PROXY": "127.0.0.1"}
    server = Process(tmp_path, make_spec(add_folder), "--tracing", env=environment)
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    assert server.predict(traceparent=f"00-{trace}-{parent}-01") == 200
    assert server.predict(x_request_timeout_ms="x") == 400
    server.end()
    spans = []
    for body in bodies:
        message = otlp.ExportTraceServiceRequest()
        message.ParseFromString(body)
        for of in message.resource_spans:
            attributes = {a.key: a.value.string_value for a in of.resource.attributes}
            assert attributes["service.name"] == "ranker"
            spans += [span for scope in of.scope_spans for span in scope.spans]
    first, second = spans
    assert (first.name, first.trace_id.hex(), first.parent_span_id.hex()) == ("POST /predict", trace, parent)
    facts = {a.key: a.value for a in first.attributes}
    assert facts["http.response.status_code"].int_value == 200
    assert (facts["sqlrec.model"].string_value, facts["sqlrec.version"].int_value) == ("m", 3)
    assert second.trace_id.hex() != trace


def test_tracing_without_its_extra_is_told(
    add_folder: Path, make_spec: MakeSpec, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SetupError, match="OpenTelemetry") as caught:
        serve(make_spec(add_folder), tracing=True).__enter__()
    assert caught.value.code == "SR675"
