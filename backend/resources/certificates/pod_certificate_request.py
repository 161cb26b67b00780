"""certificates.k8s.io/v1 PodCertificateRequest: a node asks a signer for a certificate of one of its pods.

Source: pkg/registry/certificates/podcertificaterequest/strategy.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.certificates.v1.PodCertificateRequestSpec"
TERMINAL = ("Issued", "Denied", "Failed")
_DEFAULT_SECONDS = 24 * 3600


def _default(request: Obj) -> None:
    if (spec := request.get("spec")) and spec.get("maxExpirationSeconds") is None:
        spec["maxExpirationSeconds"] = _DEFAULT_SECONDS


def _prepare_create(request: Obj) -> None:
    request["status"] = {}


def _row(request: Obj, _now: float) -> list[Any]:
    spec = request["spec"]
    conditions = (request.get("status") or {}).get("conditions") or ()
    state = next((c["type"] for c in conditions if c.get("type") in TERMINAL), "Pending")
    shown = ("podName", "serviceAccountName", "nodeName", "signerName")
    return [request["metadata"]["name"], *(spec.get(name, "") for name in shown), state]


def _selectable(request: Obj) -> dict[str, str]:
    spec = request.get("spec") or {}
    return {f"spec.{name}": spec.get(name, "") for name in ("nodeName", "podName", "signerName")}


POD_CERTIFICATE_REQUEST = Resource(
    group="certificates.k8s.io",
    version="v1",
    kind="PodCertificateRequest",
    plural="podcertificaterequests",
    singular="podcertificaterequest",
    namespaced=True,
    schema="io.k8s.api.certificates.v1.PodCertificateRequest",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("PodName", described_by=f"{_SPEC}.podName"),
        Column("ServiceAccountName", described_by=f"{_SPEC}.serviceAccountName"),
        Column("NodeName", described_by=f"{_SPEC}.nodeName"),
        Column("SignerName", described_by=f"{_SPEC}.signerName"),
        Column("State", description="Is the request Issued, Denied, or Failed?"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    prepare_create=_prepare_create,
    validate=later("certificates.pod_request_rules:validate"),
    validate_update=later("certificates.pod_request_rules:validate_update"),
    validate_status_update=later("certificates.pod_request_rules:validate_status_update"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
)
