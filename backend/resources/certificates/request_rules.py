"""Rules of certificate signing requests. Source: pkg/apis/certificates/validation/validation.go."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.certificates import requests
from backend.resources.certificates.pem import blocks
from backend.resources.certificates.signer_name import validate_signer_name

USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
_APPROVAL = ("Approved", "Denied")
_FINAL = (*_APPROVAL, "Failed")
_STATUSES = ("False", "True", "Unknown")
_MIN_SECONDS = 600
_CONDITIONS = "status.conditions"
_CERTIFICATE = "status.certificate"


def validate(request: Obj) -> list[Cause]:
    return _validate(request, None)


def validate_update(new: Obj, old: Obj) -> list[Cause]:
    return _validate_change(new, old, approving=False, signing=False)


def validate_status_update(new: Obj, old: Obj) -> list[Cause]:
    return _validate_change(new, old, approving=False, signing=True)


def validate_approval_update(new: Obj, old: Obj) -> list[Cause]:
    return _validate_change(new, old, approving=True, signing=False)


def _validate(request: Obj, old: Obj | None) -> list[Cause]:
    """`old` forgives faults that were there before."""
    spec, status = request["spec"], request.get("status") or {}
    found: list[Cause] = []
    try:
        requests.check_signature(requests.parse(spec.get("request") or ""))
    except requests.BadRequest as error:
        found.append(causes.invalid_value("spec.request", spec.get("request") or "", str(error)))
    found += _validate_usages(spec.get("usages") or ())
    signer = spec.get("signerName", "")
    if signer == requests.LEGACY_UNKNOWN and old is None:
        text = "the legacy signerName is not allowed via this API version"
        found.append(causes.invalid_value("spec.signerName", signer, text))
    else:
        found += validate_signer_name(signer, "spec.signerName")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _MIN_SECONDS:
        text = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(causes.invalid_value("spec.expirationSeconds", seconds, text))
    found += _validate_conditions(status.get("conditions") or ())
    certificate = status.get("certificate")
    if certificate and (old is None or certificate != (old.get("status") or {}).get("certificate")):
        fault = _certificate_fault(certificate)
        if fault:
            found.append(causes.invalid_value(_CERTIFICATE, "<certificate data>", fault))
    return found


def _validate_usages(usages: Sequence[str]) -> list[Cause]:
    found = [] if usages else [causes.required("spec.usages")]
    for index, usage in enumerate(usages):
        if usage not in USAGES:
            found.append(causes.not_supported(f"spec.usages[{index}]", usage, USAGES))
    for index, usage in enumerate(usages):
        if usage in usages[:index]:
            found.append(causes.duplicate(f"spec.usages[{index}]", usage))
    return found


def _validate_conditions(conditions: Sequence[Obj]) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        here, kind, status = f"{_CONDITIONS}[{index}]", condition.get("type", ""), condition.get("status", "")
        if not kind:
            found.append(causes.required(f"{here}.type"))
        allowed = ("True",) if kind in _FINAL else _STATUSES
        if not status:
            found.append(causes.required(f"{here}.status"))
        elif status not in allowed:
            found.append(causes.not_supported(f"{here}.status", status, allowed))
        if kind in _APPROVAL and seen & (set(_APPROVAL) - {kind}):
            text = "Approved and Denied conditions are mutually exclusive"
            found.append(causes.invalid_value(_CONDITIONS, kind, text))
        if kind in seen:
            found.append(causes.duplicate(f"{here}.type", kind))
        seen.add(kind)
    return found


def _certificate_fault(encoded: str) -> str:
    from cryptography import x509

    count = 0
    for block in blocks(base64.b64decode(encoded).decode("latin-1")):
        if block.type != "CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {causes.go_quote(block.type)}"
        if block.has_headers:
            return "no PEM block headers are permitted"
        try:
            x509.load_der_x509_certificate(block.data)
        except ValueError:
            return "x509: malformed certificate"
        count += 1
    return "" if count else "must contain at least one CERTIFICATE PEM block"


def _validate_change(new: Obj, old: Obj, *, approving: bool, signing: bool) -> list[Cause]:
    found = _validate(new, old)
    for kind in _FINAL:
        if len(_conditions(new, kind)) < len(_conditions(old, kind)):
            text = f"updates may not remove a condition of type {causes.go_quote(kind)}"
            found.append(causes.forbidden(_CONDITIONS, text))
    for kind in () if approving else _APPROVAL:
        before, after = _conditions(old, kind), _conditions(new, kind)
        if len(after) > len(before):
            text = f"updates may not add a condition of type {causes.go_quote(kind)}"
            found.append(causes.forbidden(_CONDITIONS, text))
        elif len(after) == len(before) and after != before:
            text = f"updates may not modify a condition of type {causes.go_quote(kind)}"
            found.append(causes.forbidden(_CONDITIONS, text))
    had, has = ((request.get("status") or {}).get("certificate") or "" for request in (old, new))
    if had != has:
        if not signing:
            found.append(causes.forbidden(_CERTIFICATE, "updates may not set certificate content"))
        elif had:
            found.append(causes.forbidden(_CERTIFICATE, "updates may not modify existing certificate content"))
    return found


def _conditions(request: Obj, kind: str) -> list[Obj]:
    conditions = (request.get("status") or {}).get("conditions") or ()
    return [condition for condition in conditions if condition.get("type") == kind]
