"""PKCS#10 requests for certificates, and which of them are a kubelet's. Source: pkg/apis/certificates/helpers.go.

`cryptography` is imported at the first request.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import TYPE_CHECKING

from backend.resources.certificates.pem import blocks

if TYPE_CHECKING:
    from cryptography import x509

KUBE_APISERVER_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

_NODES = ["system:nodes"]
_NODE = "system:node:"
_SERVING = ("digital signature", "key encipherment", "server auth")
_CLIENT = ("client auth", "digital signature", "key encipherment")
_OPTIONAL = "key encipherment"
"""Only RSA keys need it."""


class BadRequest(Exception):
    """What was sent is no request; the text is Go's."""


def parse(encoded: str) -> x509.CertificateSigningRequest:
    """The request in `spec.request`, which is PEM in base64. Raises BadRequest."""
    from cryptography import x509

    try:
        text = base64.b64decode(encoded).decode("latin-1")
    except ValueError:
        text = ""
    block = next(blocks(text), None)
    if block is None or block.type != "CERTIFICATE REQUEST":
        raise BadRequest("PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_der_x509_csr(block.data)
    except ValueError:
        raise BadRequest("x509: malformed certificate request") from None


def check_signature(request: x509.CertificateSigningRequest) -> None:
    """Raises BadRequest if whoever made the request does not have its key."""
    if not request.is_signature_valid:
        raise BadRequest("x509: the signature of the certificate request is not valid")


def common_name(request: x509.CertificateSigningRequest) -> str:
    from cryptography.x509.oid import NameOID

    found = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else ""


def organizations(request: x509.CertificateSigningRequest) -> list[str]:
    from cryptography.x509.oid import NameOID

    return [str(part.value) for part in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]


def kubelet_client_fault(request: x509.CertificateSigningRequest, usages: Collection[str]) -> str:
    """Why it is no request for a kubelet's client certificate; "" if it is. Source: ValidateKubeletClientCSR."""
    if organizations(request) != _NODES:
        return "subject organization is not system:nodes"
    names = _names(request)
    for kind in ("DNS", "Email", "IP", "URI"):
        if kind in names:
            return f"{kind} subjectAltNames are not allowed"
    if not common_name(request).startswith(_NODE):
        return "subject common name does not begin with system:node:"
    return _usages_fault(usages, _CLIENT)


def kubelet_serving_fault(request: x509.CertificateSigningRequest, usages: Collection[str]) -> str:
    """The same for a kubelet's serving certificate. Source: ValidateKubeletServingCSR."""
    if organizations(request) != _NODES:
        return "subject organization is not system:nodes"
    names = _names(request)
    if not names & {"DNS", "IP"}:
        return "DNS or IP subjectAltName is required"
    for kind in ("Email", "URI"):
        if kind in names:
            return f"{kind} subjectAltNames are not allowed"
    if fault := _usages_fault(usages, _SERVING):
        return fault
    return "" if common_name(request).startswith(_NODE) else "subject common name does not begin with system:node:"


def api_client_fault(usages: Collection[str]) -> str:
    """Why the usages are not those of a client of the API server. Source: validAPIServerClientUsages."""
    for usage in usages:
        if usage not in _CLIENT:
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def _usages_fault(usages: Collection[str], required: tuple[str, ...]) -> str:
    if set(usages) in (set(required), set(required) - {_OPTIONAL}):
        return ""
    return f"usages did not match [{' '.join(required)}]"


def _names(request: x509.CertificateSigningRequest) -> set[str]:
    """The kinds of its subject alternative names."""
    from cryptography import x509

    kinds: dict[type[x509.GeneralName], str] = {
        x509.DNSName: "DNS", x509.RFC822Name: "Email", x509.IPAddress: "IP", x509.UniformResourceIdentifier: "URI",
    }  # fmt: skip
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {kinds.get(type(name), "") for name in found}
