"""Certificates for tests: signed by themselves, or by an authority of our own making."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest


def certificate(folder: Path, name: str) -> Path:
    """A PEM file with a certificate of another host, signed by itself, and its key."""
    made = _made("rank.example")
    (folder / name).write_bytes(made.pem + made.key_pem)
    return folder / name


def authority(folder: Path, name: str, *hosts: str) -> tuple[Path, Path]:
    """PEM files of an authority of our own, and of a certificate with its key that it gave to these hosts.

    The second holds what a server is given: its chain, up to an authority in the middle, and its key.
    """
    root = _made(f"{name} root", is_authority=True)
    middle = _made(f"{name} issuing", signed_by=root, is_authority=True)
    leaf = _made(f"{name} server", signed_by=middle, hosts=hosts)
    (folder / f"{name}-ca.pem").write_bytes(root.pem)
    (folder / f"{name}.pem").write_bytes(leaf.pem + middle.pem + leaf.key_pem)
    return folder / f"{name}-ca.pem", folder / f"{name}.pem"


def over_tls(server: HTTPServer, pem: Path) -> None:
    """Let a server that does not listen to anybody yet speak TLS; handshakes are made by its threads."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


@dataclass(frozen=True, slots=True)
class _Made:
    subject: Any
    key: Any
    pem: bytes
    key_pem: bytes


def _made(
    common_name: str,
    *,
    signed_by: _Made | None = None,
    is_authority: bool = False,
    hosts: tuple[str, ...] = (),
) -> _Made:
    x509 = pytest.importorskip("cryptography.x509", reason="certificates are made with cryptography")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    wanted = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by.subject if signed_by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if is_authority:
        wanted = wanted.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if hosts:
        names = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            for host in hosts
        ]
        wanted = wanted.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = wanted.sign(signed_by.key if signed_by else key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _Made(subject, key, signed.public_bytes(pem), secret)
