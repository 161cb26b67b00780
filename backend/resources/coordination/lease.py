"""coordination.k8s.io/v1 Lease, which nodes renew as their heartbeat. Source: ValidateLeaseSpec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource


def _prepare_create(lease: Obj) -> None:
    """Without coordinated leader election, which is off, nobody would heed a strategy."""
    for name in ("strategy", "preferredHolder"):
        (lease.get("spec") or {}).pop(name, None)


def _prepare_update(lease: Obj, _old: Obj) -> None:
    _prepare_create(lease)


def _validate(lease: Obj) -> Sequence[Cause]:
    spec = lease.get("spec") or {}
    found: list[Cause] = []
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        found.append(causes.invalid_value("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    transitions = spec.get("leaseTransitions")
    if transitions is not None and transitions < 0:
        found.append(
            causes.invalid_value("spec.leaseTransitions", transitions, "must be greater than or equal to 0")
        )
    return found


def _validate_update(lease: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate(lease)


def _row(lease: Obj, now: float) -> list[Any]:
    holder = (lease.get("spec") or {}).get("holderIdentity", "")
    return [lease["metadata"]["name"], holder, cells.age(lease, now)]


LEASE = Resource(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    singular="lease",
    namespaced=True,
    schema="io.k8s.api.coordination.v1.Lease",
    columns=(
        NAME_COLUMN,
        Column("Holder", described_by="io.k8s.api.coordination.v1.LeaseSpec.holderIdentity"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_update=_validate_update,
)
