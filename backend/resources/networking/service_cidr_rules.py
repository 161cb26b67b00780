"""Rules and table of a ServiceCIDR. Source: validateServiceCIDRSpec, ValidateServiceCIDRUpdate, printServiceCIDR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import addresses, causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells

_PATH = "spec.cidrs"


def _cidrs(service_cidr: Obj) -> list[str]:
    return (service_cidr.get("spec") or {}).get("cidrs") or []


def prepare_create(service_cidr: Obj) -> None:
    service_cidr["status"] = {}


def validate_service_cidr(service_cidr: Obj) -> Sequence[Cause]:
    given = _cidrs(service_cidr)
    if not given:
        return [causes.required(_PATH, "at least one CIDR required")]
    if len(given) > 2:
        return [causes.invalid_value(_PATH, service_cidr["spec"], "may only hold up to 2 values")]
    found: list[Cause] = []
    for index, cidr in enumerate(given):
        found += addresses.canonical_cidr_causes(f"{_PATH}[{index}]", cidr)
    parsed = [addresses.parse_cidr(cidr) for cidr in given]
    versions = [each[1].version for each in parsed if each is not None]
    if len(versions) == 2 and versions[0] == versions[1]:
        detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        found.append(causes.invalid_value(_PATH, given, detail))
    return found


def validate_service_cidr_update(service_cidr: Obj, old: Obj) -> Sequence[Cause]:
    """A range of the other family may be added, once; nothing else changes."""
    new, before = _cidrs(service_cidr), _cidrs(old)
    if len(new) == len(before):
        return [
            causes.immutable(f"{_PATH}[{index}]", cidr)
            for index, (cidr, present) in enumerate(zip(new, before, strict=True))
            if cidr != present
        ]
    if (len(before), len(new)) != (1, 2):
        return [causes.immutable(_PATH, new or None)]
    found = [causes.immutable(f"{_PATH}[0]", new[0])] if new[0] != before[0] else []
    return [*found, *validate_service_cidr(service_cidr)]


def row(service_cidr: Obj, now: float) -> list[Any]:
    return [service_cidr["metadata"]["name"], ",".join(_cidrs(service_cidr)), cells.age(service_cidr, now)]
