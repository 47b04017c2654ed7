"""Tokens and certificates of the service port."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sqlrec.errors import SetupError
from sqlrec.serving.config import Limits, Tls, TokenSource
from sqlrec.serving.connection import OVERFLOW
from sqlrec.serving.secure import Certificate, Gate
from sqlrec.spec.service import ServiceSpec

MakeSpec = Callable[..., ServiceSpec]
Serve = Callable[..., Any]
ROW = '[{"a": 0, "b": 0}]'
TOKEN = "s3cret-of-the-service"


def public(server: Any) -> tuple[str, int]:
    """Scheme and port of the service port."""
    url = urlsplit(server.call("POST", "/admin/activate").json["url"])
    return url.scheme, url.port or 0


def ask(
    port: int, method: str, path: str, token: str | None = None, tls: ssl.SSLContext | None = None
) -> Any:
    connection = (
        http.client.HTTPSConnection("localhost", port, timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    try:
        headers = {"Authorization": token} if token is not None else {}
        connection.request(method, path, ROW if method == "POST" else None, headers)
        reply = connection.getresponse()
        return reply.status, dict(reply.headers), reply.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def guarded(
    add_folder: Path, make_spec: MakeSpec, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("secret") / "tokens"
    file.write_text(f"an-older-one\n{TOKEN}\n")
    with serve(make_spec(add_folder), token=TokenSource(file=str(file))) as server:
        yield server


@pytest.mark.parametrize("token", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", "Bearer an-older-one"])
def test_a_known_token_opens(guarded: Any, token: str) -> None:
    _, port = public(guarded)
    assert ask(port, "POST", "/predict", token)[0] == 200


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_others_do_not(guarded: Any, token: str | None) -> None:
    _, port = public(guarded)
    status, headers, body = ask(port, "POST", "/predict", token)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sqlrec"')
    assert b"SR664" in body
    assert TOKEN.encode() not in body


@pytest.mark.parametrize(
    "path", ["/healthz", "/health", "/readyz", "/startupz", "/v2/health/live", "/v2/health/ready"]
)
def test_probes_need_none(guarded: Any, path: str) -> None:
    assert ask(public(guarded)[1], "GET", path)[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/openapi.json", "/v1/signature", "/v2/models/m", "/nothing"]
)
def test_all_else_does(guarded: Any, path: str) -> None:
    _, port = public(guarded)
    assert ask(port, "GET", path)[0] == 401
    assert ask(port, "GET", path, f"Bearer {TOKEN}")[0] == (404 if path == "/nothing" else 200)


def test_errors_of_the_inference_protocol_are_its_own(guarded: Any) -> None:
    assert b'{"error":"SR664' in ask(public(guarded)[1], "POST", "/v2/models/m/infer")[2]


def test_the_private_port_is_the_operators(guarded: Any) -> None:
    assert guarded.predict([{"a": 0, "b": 0}]).status == 200


class Bearer:
    """A request with a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def header(self, name: bytes) -> str:
        return f"Bearer {self._token}" if name == b"authorization" else ""


def test_no_log_and_no_figure_has_a_token_or_a_value_of_a_body(
    add_folder: Path,
    make_spec: MakeSpec,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", TOKEN)
    said = []
    with serve(make_spec(add_folder), token=TokenSource(env="SERVICE_TOKEN"), access_log=True) as server:
        _, port = public(server)
        for token in (TOKEN, f"{TOKEN}-wrong"):
            said.append(ask(port, "POST", "/predict", f"Bearer {token}")[2])
            said.append(ask(port, "GET", "/nowhere", f"Bearer {token}")[2])
        for body in ('[{"a": "private", "b": 1}]', '["private"]', '{"inputs": [{"name": "private"}]}'):
            path = "/v2/models/m/infer" if "inputs" in body else "/predict"
            assert server.call("POST", path, body, Authorization=f"Bearer {TOKEN}").status >= 400
        with socket.create_connection(("127.0.0.1", port), timeout=10) as broken:
            broken.sendall(f"GET / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\x01\r\n\r\n".encode())
            said.append(broken.recv(65536))
        said += [
            server.call("GET", path).body for path in ("/metrics", "/stats", "/healthz", "/admin/models")
        ]
    logged = "".join(capsys.readouterr())
    assert logged.count('"event":"predict"') == 5
    assert "row 0, column a" in logged
    for text in (logged, *(answer.decode() for answer in said)):
        assert TOKEN not in text
        assert "private" not in text.replace("private_port", "")


def passes(gate: Gate, token: str) -> bool:
    try:
        gate.check(Bearer(token))  # type: ignore[arg-type]  # all that it looks at
    except Exception:
        return False
    return True


def test_a_token_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", TOKEN)
    gate = Gate(TokenSource(env="SERVICE_TOKEN"))
    assert passes(gate, TOKEN)
    assert not passes(gate, "")


def test_tokens_change_with_their_file_and_stay_when_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tokens"
    file.write_text("old")
    gate = Gate(TokenSource(file=str(file)))
    file.write_text("old\nnewer")
    gate.watched.refresh()
    assert passes(gate, "old")
    assert passes(gate, "newer")
    file.write_text("newer than ever")
    gate.watched.refresh()
    assert not passes(gate, "newer")
    file.unlink()
    gate.watched.refresh()
    assert passes(gate, "newer than ever")
    told = capsys.readouterr().err
    assert "not reloaded" in told
    assert "newer than ever" not in told


@pytest.mark.parametrize("text", ["", " \n \n", "t\u00f6ken", "to\x07ken"])
def test_a_file_without_tokens(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match="token") as caught:
        Gate(TokenSource(file=str(file)))
    assert caught.value.code == "SR675"
    assert not text.strip() or text.strip() not in str(caught.value)


def test_a_token_that_is_nowhere(tmp_path: Path) -> None:
    for source in (TokenSource(file=str(tmp_path / "none")), TokenSource(env="NO_SUCH_TOKEN_HERE")):
        with pytest.raises(SetupError):
            Gate(source)


def write_certificate(folder: Path, name: str) -> Tls:
    """A certificate of localhost signed by itself, and its key."""
    reason = "certificates are made with cryptography"
    x509 = pytest.importorskip("cryptography.x509", reason=reason)
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "tls.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return Tls(cert=str(folder / "tls.crt"), key=str(folder / "tls.key"))


def trusting(files: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files.cert)


def test_requests_over_tls(add_folder: Path, make_spec: MakeSpec, serve: Serve, tmp_path: Path) -> None:
    files = write_certificate(tmp_path, "first")
    with serve(make_spec(add_folder), tls=files) as server:
        scheme, port = public(server)
        assert scheme == "https"
        status, _, body = ask(port, "POST", "/predict", tls=trusting(files))
        assert (status, body) == (200, b'{"probs":[0.5]}')
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(port, "POST", "/predict")
        old = trusting(files)
        files = write_certificate(tmp_path, "second")
        server.loop.call_soon_threadsafe(server.server._certificate.watched.refresh)
        server.call("GET", "/healthz")
        assert ask(port, "POST", "/predict", tls=trusting(files))[0] == 200
        with pytest.raises(ssl.SSLError):
            ask(port, "POST", "/predict", tls=old)
        assert server.call("GET", "/healthz").status == 200


def test_handshakes_that_are_never_finished_have_their_limit(
    add_folder: Path, make_spec: MakeSpec, serve: Serve, tmp_path: Path
) -> None:
    files = write_certificate(tmp_path, "first")
    limit = 8
    with serve(make_spec(add_folder), tls=files, limits=Limits(connections=limit)) as server:
        _, port = public(server)
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(limit + OVERFLOW)]
        pool = server.server.connections
        until(lambda: pool.size == limit + OVERFLOW)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as late:
            assert late.recv(1) == b""
        assert server.call("GET", "/healthz").status == 200
        silent[0].sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS: ends at once
        for one in silent[1:]:
            one.close()
        until(lambda: not pool.handshakes)
        assert ask(port, "POST", "/predict", tls=trusting(files))[0] == 200
        silent[0].close()


def test_a_server_ends_though_a_handshake_does_not(
    add_folder: Path, make_spec: MakeSpec, serve: Serve, tmp_path: Path
) -> None:
    limits = Limits(request_timeout=0.2)
    with serve(make_spec(add_folder), tls=write_certificate(tmp_path, "first"), limits=limits) as server:
        silent = socket.create_connection(("127.0.0.1", public(server)[1]), timeout=10)
        until(lambda: server.server.connections.handshakes == 1)
    assert silent.recv(1) == b""
    silent.close()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_certificate_stays_when_its_successor_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_certificate(tmp_path, "first")
    certificate = Certificate(files)
    (tmp_path / "tls.key").write_text("no key")
    certificate.watched.refresh()
    assert "SR675" in capsys.readouterr().err


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    files = write_certificate(tmp_path, "first")
    (tmp_path / "other").mkdir()
    other = write_certificate(tmp_path / "other", "other")
    for wrong in (Tls(cert=files.cert, key=other.key), Tls(cert=str(tmp_path / "none"), key=files.key)):
        with pytest.raises(SetupError, match="certificate") as caught:
            Certificate(wrong)
        assert caught.value.code == "SR675"


def test_a_server_without_its_secrets_does_not_start(
    add_folder: Path, make_spec: MakeSpec, serve: Serve
) -> None:
    with pytest.raises(SetupError), serve(make_spec(add_folder), token=TokenSource(file=os.devnull)):
        pass
