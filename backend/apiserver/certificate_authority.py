"""Signs what others ask for with the cluster's CA. Source: pkg/controller/certificates/authority (policies.go).

`cryptography` is imported at the first certificate.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from backend.resources.certificates.requests import parse

if TYPE_CHECKING:
    from cryptography import x509

DEFAULT_SECONDS = 365 * 24 * 3600
"""The longest that a certificate lasts. Source: --cluster-signing-duration."""
_MIN_SECONDS = 600
_BACKDATE = datetime.timedelta(minutes=5)
_SHORT_SECONDS = 8 * 3600
"""Below this the backdating is no part of what was asked for."""

_KEY_USAGES = {
    "signing": "digital_signature", "digital signature": "digital_signature",
    "content commitment": "content_commitment", "key encipherment": "key_encipherment",
    "data encipherment": "data_encipherment", "key agreement": "key_agreement", "cert sign": "key_cert_sign",
    "crl sign": "crl_sign", "encipher only": "encipher_only", "decipher only": "decipher_only",
}  # fmt: skip
_EXTENDED_USAGES = {
    "any": "2.5.29.37.0", "server auth": "1.3.6.1.5.5.7.3.1", "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3", "email protection": "1.3.6.1.5.5.7.3.4", "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5", "ipsec tunnel": "1.3.6.1.5.5.7.3.6", "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8", "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3", "netscape sgc": "2.16.840.1.113730.4.1",
}  # fmt: skip


class CertificateAuthority:
    """Reads the CA's files whenever it signs. Blocks: call it in a thread. `clock` gives seconds since the epoch."""

    def __init__(self, certificate: Path, key: Path, clock: Callable[[], float]) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock

    def sign(self, request: str, usages: Collection[str], seconds: int | None) -> str:
        """A certificate of the subject, names and key of `request` (spec.request: PEM in base64), in the same form.

        It has the usages asked for and no others, is no CA, and lasts for `seconds`, at most a year and at most as long
        as the CA.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

        wanted = parse(request)
        authority = x509.load_pem_x509_certificate(self._certificate.read_bytes())
        key = load_pem_private_key(self._key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        begin, end = self._validity(seconds)
        builder = (
            x509.CertificateBuilder()
            .subject_name(wanted.subject)
            .issuer_name(authority.subject)
            .public_key(wanted.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(min(end, authority.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        for extension, critical in _extensions(wanted, usages):
            builder = builder.add_extension(extension, critical)
        signed = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        return base64.b64encode(signed).decode()

    def _validity(self, seconds: int | None) -> tuple[datetime.datetime, datetime.datetime]:
        lasting = DEFAULT_SECONDS if seconds is None else min(max(seconds, _MIN_SECONDS), DEFAULT_SECONDS)
        now = datetime.datetime.fromtimestamp(int(self._clock()), datetime.UTC)
        begin = now - _BACKDATE
        counted = now if lasting < _SHORT_SECONDS else begin
        return begin, counted + datetime.timedelta(seconds=lasting)


def _extensions(
    wanted: x509.CertificateSigningRequest, usages: Collection[str]
) -> list[tuple[x509.ExtensionType, bool]]:
    """(extension, whether it is critical)"""
    from cryptography import x509

    found: list[tuple[x509.ExtensionType, bool]] = []
    bits = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if bits:
        names = dict.fromkeys(_KEY_USAGES.values(), False)
        found.append((x509.KeyUsage(**{**names, **dict.fromkeys(bits, True)}), True))
    extended = [x509.ObjectIdentifier(_EXTENDED_USAGES[usage]) for usage in usages if usage in _EXTENDED_USAGES]
    if extended:
        found.append((x509.ExtendedKeyUsage(extended), False))
    with contextlib.suppress(x509.ExtensionNotFound):
        found.append((wanted.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, False))
    return found
