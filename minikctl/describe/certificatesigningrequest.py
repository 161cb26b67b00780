"""kubectl's describe of a CertificateSigningRequest: what it asks for, read from the PKCS#10 request in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.timefmt import human_duration
from minikctl.client.errors import Failure
from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from cryptography import x509

    from minikctl.client.rest import Client


def describe(client: Client, csr: Mapping[str, Any], show_events: bool) -> str:
    spec, status = csr["spec"], csr.get("status") or {}
    request = _parse(spec.get("request") or "")
    writer = Writer()
    meta = csr["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    for title in ("Labels", "Annotations"):
        writer.write(0, f"{title}:\t{_joined(meta.get(title.lower()))}\n")
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(meta.get('creationTimestamp'))}\n")
    writer.write(0, f"Requesting User:\t{spec.get('username', '')}\n")
    if spec.get("signerName"):
        writer.write(0, f"Signer:\t{spec['signerName']}\n")
    if spec.get("expirationSeconds") is not None:
        writer.write(0, f"Requested Duration:\t{human_duration(spec['expirationSeconds'])}\n")
    writer.write(0, f"Status:\t{_state(status)}\n")
    _subject(writer, request)
    _alternatives(writer, request)
    if show_events:
        common.events(writer, common.find_events(client, csr))
    return writer.text()


def _joined(values: Mapping[str, str] | None) -> str:
    """Source: labels.FormatLabels."""
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or "<none>"


def _parse(encoded: str) -> x509.CertificateSigningRequest:
    from cryptography import x509

    data = base64.b64decode(encoded)
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in data:
        raise Failure("Error parsing CSR: PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_pem_x509_csr(data)
    except ValueError as error:
        raise Failure(f"Error parsing CSR: {error}") from None


def _state(status: Mapping[str, Any]) -> str:
    """Source: extractCSRStatus."""
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    text = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    if "Failed" in types:
        text += ",Failed"
    return text + ",Issued" if status.get("certificate") else text


def _subject(writer: Writer, request: x509.CertificateSigningRequest) -> None:
    from cryptography.x509.oid import NameOID

    found: dict[object, list[str]] = {}
    for attribute in request.subject:
        found.setdefault(attribute.oid, []).append(str(attribute.value))
    writer.write(0, "Subject:\n")
    for title, oid in (("Common Name", NameOID.COMMON_NAME), ("Serial Number", NameOID.SERIAL_NUMBER)):
        writer.write(0, f"\t{title}:\t{found.get(oid, [''])[-1]}\n")
    for title, oid in (
        ("Organization", NameOID.ORGANIZATION_NAME), ("Organizational Unit", NameOID.ORGANIZATIONAL_UNIT_NAME),
        ("Country", NameOID.COUNTRY_NAME), ("Locality", NameOID.LOCALITY_NAME),
        ("Province", NameOID.STATE_OR_PROVINCE_NAME), ("StreetAddress", NameOID.STREET_ADDRESS),
        ("PostalCode", NameOID.POSTAL_CODE),
    ):  # fmt: skip
        _list(writer, title, found.get(oid, []))


def _alternatives(writer: Writer, request: x509.CertificateSigningRequest) -> None:
    from cryptography import x509

    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    if not len(names):
        return
    writer.write(0, "Subject Alternative Names:\n")
    _list(writer, "DNS Names", names.get_values_for_type(x509.DNSName))
    _list(writer, "Email Addresses", names.get_values_for_type(x509.RFC822Name))
    _list(writer, "URIs", names.get_values_for_type(x509.UniformResourceIdentifier))
    _list(writer, "IP Addresses", [str(address) for address in names.get_values_for_type(x509.IPAddress)])


def _list(writer: Writer, title: str, values: list[str]) -> None:
    if values:
        writer.write(0, f"\t{title}:\t" + "\n\t\t".join(values) + "\n")
