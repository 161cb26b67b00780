"""The certificate that a client is shown, by the host that it names (SNI)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime
import os
import ssl
from collections.abc import Mapping

from backend.meta.types import Obj
from backend.network.ingress.routing import wildcard_of

DEFAULT_NAME = "minikctl default ingress certificate"
_DEFAULT_DAYS = 365


class BadCertificate(ValueError):
    """A Secret that no TLS can be made of; `str` says why."""


class Certificates:
    """One context for each Secret, read anew when the Secret changes; connections that are open keep theirs."""

    def __init__(self, default: ssl.SSLContext) -> None:
        """`default` is shown where no host or no good certificate is named, as with ingress-nginx."""
        self.context = default
        default.sni_callback = self._choose
        self._hosts: Mapping[str, tuple[str, str]] = {}
        self._loaded: dict[tuple[str, str], tuple[str, ssl.SSLContext | BadCertificate]] = {}

    def use(self, hosts: Mapping[str, tuple[str, str]]) -> None:
        """The Secret (namespace, name) of each host: routing.Table.certificates."""
        self._hosts = hosts
        wanted = set(hosts.values())
        self._loaded = {secret: loaded for secret, loaded in self._loaded.items() if secret in wanted}

    async def load(self, secret: Obj) -> None:
        """Make it what is shown from now on."""
        meta = secret["metadata"]
        key, version = (meta["namespace"], meta["name"]), meta["resourceVersion"]
        if key in self._loaded and self._loaded[key][0] == version:
            return
        try:
            self._loaded[key] = version, await asyncio.to_thread(_from_secret, secret)
        except BadCertificate as error:
            self._loaded[key] = version, error

    def forget(self, namespace: str, name: str) -> None:
        self._loaded.pop((namespace, name), None)

    def fault(self, namespace: str, name: str) -> str:
        """What is wrong with a Secret that was loaded, or ""."""
        _, loaded = self._loaded.get((namespace, name), ("", None))
        return str(loaded) if isinstance(loaded, BadCertificate) else ""

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        host = (name or "").lower()
        for pattern in (host, wildcard_of(host), ""):
            secret = self._hosts.get(pattern)
            _, found = self._loaded.get(secret, ("", None)) if secret is not None else ("", None)
            if isinstance(found, ssl.SSLContext):
                connection.context = found
                return


def _from_secret(secret: Obj) -> ssl.SSLContext:
    """Raises BadCertificate. Blocks."""
    data = secret.get("data") or {}
    pems: list[bytes] = []
    for key in ("tls.crt", "tls.key"):
        if not data.get(key):
            raise BadCertificate(f"it has no {key}")
        try:
            pems.append(base64.b64decode(data[key], validate=True))
        except binascii.Error:
            raise BadCertificate(f"its {key} is not base64") from None
    return _context(*pems)


def _context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """TLS 1.2 and later, HTTP/1.1. The key is on no disk: OpenSSL reads it from memory, by a file's name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    descriptor = os.memfd_create("certificate")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(certificate.rstrip() + b"\n" + key)
        # An encrypted key asks for its password, of a terminal if nobody else answers.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise BadCertificate(f"no certificate and its key: {reason.replace('_', ' ').lower()}") from None
    finally:
        os.close(descriptor)
    return context


def default_context() -> ssl.SSLContext:
    """With a certificate that signs itself, new at each call. Blocks."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEFAULT_NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DEFAULT_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("ingress.local")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _context(certificate.public_bytes(Encoding.PEM), private)
