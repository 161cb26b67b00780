"""Rules of trust bundles. Source: ValidateClusterTrustBundle of pkg/apis/certificates/validation."""

from __future__ import annotations

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.certificates.pem import Block, blocks
from backend.resources.certificates.signer_name import validate_signer_name

_PATH = "spec.trustBundle"
_OMITTED = "<value omitted>"
_MAX_BYTES = 1 << 20


def validate(bundle: Obj) -> list[Cause]:
    return [*_validate_names(bundle), *_validate_bundle(bundle["spec"].get("trustBundle") or "")]


def validate_update(new: Obj, old: Obj) -> list[Cause]:
    found = _validate_names(new)
    text = new["spec"].get("trustBundle") or ""
    if text != (old["spec"].get("trustBundle") or ""):
        found += _validate_bundle(text)
    signer = new["spec"].get("signerName") or ""
    if signer != (old["spec"].get("signerName") or ""):
        found.append(causes.immutable("spec.signerName", signer))
    return found


def _validate_names(bundle: Obj) -> list[Cause]:
    name, signer = bundle["metadata"].get("name", ""), bundle["spec"].get("signerName") or ""
    found = causes.each_invalid("metadata.name", name, name_faults(name, signer))
    return found + validate_signer_name(signer, "spec.signerName") if signer else found


def name_faults(name: str, signer: str) -> list[str]:
    """The name of a signer's bundle begins with the signer's. Source: ValidateClusterTrustBundleName."""
    if not signer:
        if ":" in name:
            return ['ClusterTrustBundle without signer name must not have ":" in its name']
        return names.dns1123_subdomain(name)
    prefix = signer.replace("/", ":") + ":"
    if not name.startswith(prefix):
        return [f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"]
    return names.dns1123_subdomain(name.removeprefix(prefix))


def _validate_bundle(text: str) -> list[Cause]:
    if len(text.encode()) > _MAX_BYTES:
        return [causes.too_long(_PATH, _MAX_BYTES)]
    places: dict[bytes, list[int]] = {}
    found: list[Cause] = []
    for index, block in enumerate(blocks(text)):
        if fault := _fault(block):
            found.append(causes.invalid_value(_PATH, _OMITTED, f"entry {index} {fault}"))
        else:
            places.setdefault(block.data, []).append(index)
    if found:
        return found
    if not places:
        return [causes.invalid_value(_PATH, _OMITTED, "at least one trust anchor must be provided")]
    for indices in places.values():
        if len(indices) > 1:
            listed = " ".join(map(str, indices))
            found.append(causes.invalid_value(_PATH, _OMITTED, f"duplicate trust anchor (indices [{listed}])"))
    return found


def _fault(block: Block) -> str:
    from cryptography import x509

    if block.type != "CERTIFICATE":
        return f"has bad block type: {block.type}"
    if block.has_headers:
        return "has PEM block headers"
    try:
        certificate = x509.load_der_x509_certificate(block.data)
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    except ValueError:
        return "does not parse as X.509"
    return "" if authority else "does not have the CA bit set"
