"""Rules and table of an IPAddress. Source: validateIPAddressParentReference, printIPAddress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells

_PATH = "spec.parentRef"


def validate_ip_address(ip_address: Obj) -> Sequence[Cause]:
    parent = (ip_address.get("spec") or {}).get("parentRef")
    if parent is None:
        return [causes.required(_PATH)]
    found: list[Cause] = []
    if group := parent.get("group"):
        found += causes.each_invalid(f"{_PATH}.group", group, names.dns1123_subdomain(group))
    for field in ("resource", "name", "namespace"):
        if value := parent.get(field):
            found += causes.each_invalid(f"{_PATH}.{field}", value, names.path_segment(value))
        elif field != "namespace":
            found.append(causes.required(f"{_PATH}.{field}"))
    return found


def validate_ip_address_update(ip_address: Obj, old: Obj) -> Sequence[Cause]:
    parent = (ip_address.get("spec") or {}).get("parentRef")
    if parent == (old.get("spec") or {}).get("parentRef"):
        return ()
    return [causes.immutable(_PATH, parent)]


def parent_text(parent: Obj) -> str:
    """`services/default/web`."""
    group = f".{parent['group']}" if parent.get("group") else ""
    resource = f"{parent.get('resource', '')}{group}".lower()
    return "/".join(filter(None, (resource, parent.get("namespace", ""), parent.get("name", ""))))


def row(ip_address: Obj, now: float) -> list[Any]:
    parent = (ip_address.get("spec") or {}).get("parentRef")
    shown = parent_text(parent) if parent is not None else cells.NONE
    return [ip_address["metadata"]["name"], shown, cells.age(ip_address, now)]
