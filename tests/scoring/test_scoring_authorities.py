"""Services whose certificates a company's own authority signed."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from sqlrec.errors import RemoteError, SetupError
from sqlrec.scoring.client import ServiceClient
from sqlrec.scoring.credentials import connection
from sqlrec.spec.access import Access, access_of
from tests.certificates import authority, certificate
from tests.predict_server import Service, ok, running

HOST = "127.0.0.1"


def ask(service: Service, access: Access | None) -> object:
    async def work() -> object:
        async with ServiceClient("s", service.url, attempts=1, access=access) as client:
            return await client.predict(b"[]")

    return asyncio.run(work())


def test_a_certificate_is_trusted_that_the_authorities_signed_for_the_host(tmp_path: Path) -> None:
    ours, signed = authority(tmp_path, "ours", HOST)
    others, _ = authority(tmp_path, "others", HOST)
    bundle, issuing = tmp_path / "bundle.pem", tmp_path / "issuing.pem"
    bundle.write_bytes("# of the company Süd\n".encode() + others.read_bytes() + ours.read_bytes())
    issuing.write_text("".join(signed.read_text().partition("-----END CERTIFICATE-----\n")[2:]))
    elsewhere = certificate(tmp_path, "elsewhere.pem")
    with running(tls=signed) as service:
        service.answer = lambda _: ok([])
        for file in (ours, bundle, issuing):
            assert ask(service, Access(ca_file=str(file), own=False)) == []
            assert ask(service, Access(ca_file=str(file), cert_file=str(elsewhere))) == [], "they go first"
        for access in (Access(ca_file=str(others)), Access(), None):
            with pytest.raises(RemoteError, match=r"SR610.*certificate verify failed"):
                ask(service, access)
    ours, signed = authority(tmp_path, "named", "rank.example")
    with running(tls=signed) as service, pytest.raises(RemoteError, match=r"SR610.*127\.0\.0\.1"):
        ask(service, Access(ca_file=str(ours)))


def test_files_that_hold_no_authorities(tmp_path: Path) -> None:
    ours, signed = authority(tmp_path, "ours", HOST)
    (tmp_path / "text.pem").write_text("nonsense")
    (tmp_path / "empty.pem").touch()
    (tmp_path / "ca.der").write_bytes(ssl.PEM_cert_to_DER_cert(ours.read_text()))
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE" + signed.read_text().partition("BEGIN PRIVATE")[2])
    found = {
        "none.pem": "No such file or directory",
        "text.pem": "it holds no certificate in PEM",
        "empty.pem": "it holds no certificate in PEM",
        "ca.der": "it holds no certificate in PEM",
        "key.pem": "it holds no certificate in PEM",
    }
    for name, why in found.items():
        access = access_of({"tls_ca_file": str(tmp_path / name)}, own=False)
        with pytest.raises(SetupError) as caught:
            connection("rank", access)
        assert caught.value.code == "SR622"
        assert (
            caught.value.message
            == f"the authorities of service rank, {tmp_path / name}, cannot be read: {why}"
        )
        assert (
            caught.value.hint == "give this process the PEM file that the service's option tls_ca_file names"
        )
    with pytest.raises(SetupError, match=r"SR622.*cannot be read: "):
        connection("rank", Access(ca_file=str(tmp_path)))
