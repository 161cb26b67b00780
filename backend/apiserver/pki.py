"""The cluster's own certificate authority, and the certificates that it signs. ECDSA on P-256 throughout.

`cryptography` is imported where it is used: a process that only needs the paths does not pay for it.
"""

from __future__ import annotations

import array
import contextlib
import datetime
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

SERVICE_ACCOUNT_KEY = "sa.key"
CA_DAYS = 3650
LEAF_DAYS = 365
RENEW_DAYS = 30
SERVICE_NAMES = (
    "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
)  # fmt: skip
SIOCGIFCONF = 0x8912
IFREQ_SIZE = 40


@dataclass(frozen=True, slots=True)
class Pki:
    """Where the files are. Keys are 0600."""

    ca_cert: Path
    ca_key: Path
    server_cert: Path
    server_key: Path
    service_account_key: Path


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes


def host_addresses() -> list[str]:
    """The IPv4 addresses of this machine's interfaces, asked of the kernel: no name service, no waiting."""
    buffer = array.array("B", bytes(IFREQ_SIZE * 64))
    address, _ = buffer.buffer_info()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe.fileno(), SIOCGIFCONF, struct.pack("iL", len(buffer), address))
    length = struct.unpack("iL", answer)[0]
    raw = buffer.tobytes()[:length]
    return sorted({socket.inet_ntoa(raw[i + 20 : i + 24]) for i in range(0, length, IFREQ_SIZE)})


def ensure(directory: Path, extra_addresses: Sequence[str] = ()) -> Pki:
    """Create what is missing and renew the server's certificate when it ends within 30 days, was signed by another
    CA, or does not name an address of this machine. Blocks: call it in a thread."""
    directory.mkdir(mode=0o700, exist_ok=True)
    pki = Pki(
        *(directory / name for name in ("ca.crt", "ca.key", "server.crt", "server.key", SERVICE_ACCOUNT_KEY))
    )
    if not (pki.ca_cert.exists() and pki.ca_key.exists()):
        _create_ca(pki)
    if not pki.service_account_key.exists():
        _create_service_account_key(pki)
    names = ["localhost", socket.gethostname(), *SERVICE_NAMES]
    addresses = ["127.0.0.1", "::1", *host_addresses(), *extra_addresses]
    if not _server_is_good(pki, names, addresses):
        pair = _issue_server(pki, names, addresses)
        pki.server_cert.unlink(missing_ok=True)  # never is it there without its own key, wherever this is cut off
        write_private(pki.server_key, pair.key)
        write_private(pki.server_cert, pair.certificate)
    return pki


def client_certificate(pki: Pki, user: str, groups: Sequence[str] = ()) -> KeyPair:
    """A certificate that authenticates as `user` (its CN) in `groups` (its Os)."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        + [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    )
    return _issue(pki, subject, ExtendedKeyUsageOID.CLIENT_AUTH, None)


def write_private(path: Path, data: bytes) -> None:
    """Replace the file by one that only its owner can read, at once: a reader sees the old or the new bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _create_ca(pki: Pki) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "minikctl-ca")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(subject, subject, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pair = _pem(certificate, key)
    write_private(pki.ca_key, pair.key)
    write_private(pki.ca_cert, pair.certificate)


def _create_service_account_key(pki: Pki) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    write_private(pki.service_account_key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _issue_server(pki: Pki, names: Sequence[str], addresses: Sequence[str]) -> KeyPair:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    general: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(names)]
    general += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(addresses)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    return _issue(pki, subject, ExtendedKeyUsageOID.SERVER_AUTH, x509.SubjectAlternativeName(general))


def _issue(
    pki: Pki, subject: x509.Name, usage: x509.ObjectIdentifier, names: x509.SubjectAlternativeName | None
) -> KeyPair:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    authority = x509.load_pem_x509_certificate(pki.ca_cert.read_bytes())
    authority_key = load_pem_private_key(pki.ca_key.read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        _builder(subject, authority.subject, key.public_key(), LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(identifier, critical=False)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return _pem(builder.sign(authority_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _server_is_good(pki: Pki, names: Sequence[str], addresses: Sequence[str]) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    if not (pki.server_cert.exists() and pki.server_key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(pki.server_cert.read_bytes())
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(pki.ca_cert.read_bytes()))
    except (InvalidSignature, ValueError):
        return False
    remaining = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    if remaining < datetime.timedelta(days=RENEW_DAYS):
        return False
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    have = {str(value) for value in san.get_values_for_type(x509.IPAddress)}
    return have >= set(addresses) and set(san.get_values_for_type(x509.DNSName)) >= set(names)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(certificate.public_bytes(Encoding.PEM), private)
