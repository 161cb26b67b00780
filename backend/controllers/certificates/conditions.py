"""What the controllers of certificate signing requests look at. Source: pkg/controller/certificates (utils)."""

from __future__ import annotations

from backend.machinery.client import GVR
from backend.meta.types import Obj

CSRS = GVR("certificates.k8s.io", "v1", "certificatesigningrequests")


def conditions(csr: Obj) -> list[Obj]:
    return (csr.get("status") or {}).get("conditions") or []


def has(csr: Obj, kind: str) -> bool:
    return any(condition.get("type") == kind for condition in conditions(csr))


def certificate(csr: Obj) -> str:
    """PEM in base64; "" if there is none yet."""
    return (csr.get("status") or {}).get("certificate") or ""


def is_decided(csr: Obj) -> bool:
    return bool(certificate(csr)) or has(csr, "Approved") or has(csr, "Denied")


def with_condition(csr: Obj, kind: str, reason: str, message: str) -> Obj:
    """A new object; its times are the API server's to fill in."""
    condition = {"type": kind, "status": "True", "reason": reason, "message": message}
    return {**csr, "status": {**(csr.get("status") or {}), "conditions": [*conditions(csr), condition]}}
