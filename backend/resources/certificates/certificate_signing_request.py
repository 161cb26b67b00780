"""certificates.k8s.io/v1 CertificateSigningRequest. Source: pkg/registry/certificates/certificates/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import timefmt
from backend.meta.types import Obj, User
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.certificates.v1.CertificateSigningRequestSpec"
_STATUS = "io.k8s.api.certificates.v1.CertificateSigningRequestStatus"
_REQUESTER = ("username", "uid", "groups", "extra")


def _prepare_create(request: Obj) -> None:
    """Nobody makes a request that is approved already."""
    request["status"] = {}


def _record_requester(request: Obj, user: User) -> None:
    """Who asks is who is authenticated, whatever the request says."""
    spec = request["spec"]
    for name in _REQUESTER:
        spec.pop(name, None)
    spec.update(user.info)


def _prepare_update(new: Obj, old: Obj) -> None:
    new["spec"] = old["spec"]


def state(request: Obj) -> str:
    """As tables show it. Source: extractCSRStatus."""
    status = request.get("status") or {}
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    text = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    if "Failed" in types:
        text += ",Failed"
    return text + ",Issued" if status.get("certificate") else text


def _row(request: Obj, now: float) -> list[Any]:
    spec = request["spec"]
    seconds = spec.get("expirationSeconds")
    duration = cells.NONE if seconds is None else timefmt.human_duration(seconds)
    requester, signer = spec.get("username", ""), spec.get("signerName") or cells.NONE
    return [request["metadata"]["name"], cells.age(request, now), signer, requester, duration, state(request)]


def _selectable(request: Obj) -> dict[str, str]:
    return {"spec.signerName": (request.get("spec") or {}).get("signerName", "")}


CERTIFICATE_SIGNING_REQUEST = Resource(
    group="certificates.k8s.io",
    version="v1",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    singular="certificatesigningrequest",
    namespaced=False,
    schema="io.k8s.api.certificates.v1.CertificateSigningRequest",
    short_names=("csr",),
    subresources=("approval", "status"),
    columns=(
        NAME_COLUMN,
        AGE_COLUMN,
        Column("SignerName", described_by=f"{_SPEC}.signerName"),
        Column("Requestor", described_by=f"{_SPEC}.request"),
        Column("RequestedDuration", described_by=f"{_SPEC}.expirationSeconds"),
        Column("Condition", described_by=f"{_STATUS}.conditions"),
    ),
    row=_row,
    prepare_create=_prepare_create,
    record_requester=_record_requester,
    prepare_update=_prepare_update,
    validate=later("certificates.request_rules:validate"),
    validate_update=later("certificates.request_rules:validate_update"),
    validate_status_update=later("certificates.request_rules:validate_status_update"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
)
