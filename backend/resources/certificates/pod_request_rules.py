"""Rules of pods' certificate requests. Source: ValidatePodCertificateRequest* of pkg/apis/certificates/validation."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.certificates.pod_certificate_request import TERMINAL
from backend.resources.certificates.signer_name import validate_signer_name

_UID_BYTES = 128
_REQUEST_BYTES = 10 * 1024
_MIN_SECONDS = 3600
_KUBERNETES_SECONDS = 24 * 3600
_MAX_SECONDS = 91 * 24 * 3600
_REQUEST = "spec.stubPKCS10Request"
_CONDITIONS = "status.conditions"


def validate(request: Obj) -> list[Cause]:
    spec = request["spec"]
    signer = spec.get("signerName", "")
    found = validate_signer_name(signer, "spec.signerName")
    for key in spec.get("unverifiedUserAnnotations") or ():
        found += causes.each_invalid("spec.unverifiedUserAnnotations", key, names.qualified_name(key))
    for kind in ("pod", "serviceAccount", "node"):
        name, uid = spec.get(f"{kind}Name", ""), spec.get(f"{kind}UID", "")
        found += causes.each_invalid(f"spec.{kind}Name", name, names.dns1123_subdomain(name))
        if not uid:
            found.append(causes.invalid_value(f"spec.{kind}UID", uid, "must not be empty"))
        if len(uid) > _UID_BYTES:
            found.append(causes.too_long(f"spec.{kind}UID", _UID_BYTES))
    return found + _validate_seconds(spec["maxExpirationSeconds"], signer) + _validate_request(spec)


def _validate_seconds(seconds: int, signer: str) -> list[Cause]:
    domain = signer.partition("/")[0]
    own = domain == "kubernetes.io" or domain.endswith(".kubernetes.io")
    most = _KUBERNETES_SECONDS if own else _MAX_SECONDS
    if _MIN_SECONDS <= seconds <= most:
        return []
    text = f"must be in the range [{_MIN_SECONDS}, {most}]"
    return [causes.invalid_value("spec.maxExpirationSeconds", seconds, text)]


def _validate_request(spec: Obj) -> list[Cause]:
    from cryptography import x509

    encoded = spec.get("stubPKCS10Request") or ""
    data = base64.b64decode(encoded)
    if len(data) > _REQUEST_BYTES:
        return [causes.too_long(_REQUEST, _REQUEST_BYTES)]
    try:
        request = x509.load_der_x509_csr(data)
    except ValueError:
        return [causes.invalid_value(_REQUEST, encoded, "must be a valid PKCS#10 certificate signing request")]
    if not request.is_signature_valid:
        return [causes.invalid_value(_REQUEST, encoded, "could not verify the signature")]
    return []


def validate_update(new: Obj, old: Obj) -> list[Cause]:
    return [] if new["spec"] == old["spec"] else [causes.immutable("spec", new["spec"])]


def validate_status_update(new: Obj, old: Obj) -> list[Cause]:
    """A request ends once: issued, denied or failed."""
    status, before = new.get("status") or {}, old.get("status") or {}
    found = _validate_conditions(status.get("conditions") or ())
    if found:
        return found
    if _outcome(before):
        text = "immutable after PodCertificateRequest is issued, denied, or failed"
        return [] if status == before else [causes.invalid_value("status", status, text)]
    outcome, rest = _outcome(status), {name for name, value in status.items() if value} - {"conditions"}
    if outcome in ("Denied", "Failed") and rest:
        text = "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
        return [causes.invalid_value("status", status, text)]
    if outcome == "Issued":
        return _validate_issued(status)
    return []


def _validate_conditions(conditions: Sequence[Obj]) -> list[Cause]:
    found: list[Cause] = []
    for index, condition in enumerate(conditions):
        path, kind, status = f"{_CONDITIONS}.[{index}]", condition.get("type", ""), condition.get("status", "")
        if kind not in TERMINAL:
            found.append(causes.not_supported(f"{path}.type", kind, TERMINAL))
            continue
        if index > 0:
            text = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
            found.append(causes.invalid_value(f"{path}.type", kind, text))
        if status != "True":
            found.append(causes.not_supported(f"{path}.status", status, ("True",)))
    return found


def _outcome(status: Obj) -> str:
    return next((condition["type"] for condition in status.get("conditions") or ()), "")


def _validate_issued(status: Obj) -> list[Cause]:
    chain = status.get("certificateChain") or ""
    if "-----BEGIN CERTIFICATE-----" not in chain:
        text = "issued certificate chain must contain at least one certificate"
        return [causes.invalid_value("status.certificateChain", chain, text)]
    times = ("notBefore", "notAfter", "beginRefreshAt")
    return [causes.required(f"status.{name}", "must be present and consistent with the issued certificate")
            for name in times if not status.get(name)]  # fmt: skip
