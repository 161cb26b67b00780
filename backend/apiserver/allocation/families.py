"""Which IP families a service has, and whether it may have two.

Source: initIPFamilyFields of pkg/registry/core/service/storage/alloc.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import addresses, causes, errors
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.service_addresses import validate_cluster_ips
from backend.resources.core.service_fields import EXTERNAL_NAME, NONE, cluster_ips

SINGLE, PREFER, REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
_OTHER = {addresses.IPV4: addresses.IPV6, addresses.IPV6: addresses.IPV4}
_POLICY = "spec.ipFamilyPolicy"


def set_families(service: Obj, old: Obj | None, offered: Sequence[str]) -> None:
    """Fill in ipFamilyPolicy and ipFamilies, in place. `offered` are the cluster's families, its default first.

    Raises 422 for what the cluster, or the service's other fields, rule out.
    """
    spec = service["spec"]
    if spec.get("type") == EXTERNAL_NAME or keeps_preference(service, old):
        return
    selectorless = spec.get("clusterIP") == NONE and not spec.get("selector")
    if spec.get("ipFamilyPolicy") is None:
        before = old["spec"].get("ipFamilyPolicy") if old is not None else None
        spec["ipFamilyPolicy"] = before or (REQUIRE if selectorless else SINGLE)
    _refuse(service, validate_cluster_ips(service, cluster_ips(old) if old is not None else ()))
    _refuse(service, [*_follow_policy(service, old), *_infer(service, offered)])
    families: list[str] = spec.setdefault("ipFamilies", [])
    if not selectorless:
        _refuse(service, _offered(spec, offered))
    if not families:
        families.append(offered[0])
    both = spec["ipFamilyPolicy"] != SINGLE and (selectorless or len(offered) == 2)
    if both and len(families) == 1:
        families.append(_OTHER[families[0]])


def keeps_preference(service: Obj, old: Obj | None) -> bool:
    """Whether nothing changes for a service that takes two families where there are two: it keeps what it has.

    Source: isMatchingPreferDualStackClusterIPFields.
    """
    if old is None or service["spec"].get("ipFamilyPolicy") != PREFER:
        return False
    new_spec, old_spec = service["spec"], old["spec"]
    if new_spec.get("type") != old_spec.get("type") or old_spec.get("ipFamilyPolicy") not in (None, PREFER):
        return False
    return _same(new_spec, old_spec, "clusterIPs") and _same(new_spec, old_spec, "ipFamilies")


def _same(new: Obj, old: Obj, name: str) -> bool:
    return (new.get(name) or []) == (old.get(name) or [])


def _refuse(service: Obj, found: list[Cause]) -> None:
    if found:
        raise errors.invalid("Service", service["metadata"].get("name", ""), found)


def _follow_policy(service: Obj, old: Obj | None) -> list[Cause]:
    """SingleStack gives up a second address and family; without it nobody may leave them out."""
    spec, policy = service["spec"], service["spec"]["ipFamilyPolicy"]
    found: list[Cause] = []
    for name, released in (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")):
        before: list[str] = (old["spec"].get(name) or []) if old is not None else []
        given: list[str] = spec.get(name) or []
        if policy == SINGLE and len(given) > 1 and given == before:
            spec[name] = given[:1]
        elif policy != SINGLE and 0 < len(given) < len(before):
            detail = f"must be 'SingleStack' to release the secondary {released}"
            found.append(causes.invalid_value(_POLICY, policy, detail))
    for name, several in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
        if policy == SINGLE and len(spec.get(name) or ()) == 2:
            detail = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {several} are specified"
            found.append(causes.invalid_value(_POLICY, policy, detail))
    return found


def _infer(service: Obj, offered: Sequence[str]) -> list[Cause]:
    """An address that was asked for says its family."""
    spec, given = service["spec"], cluster_ips(service)
    families: list[str] = list(spec.get("ipFamilies") or ())
    found: list[Cause] = []
    for index, address in enumerate(given):
        if address == NONE or index < len(families):
            continue
        family = addresses.family(address)
        if family in offered:
            families.append(family)
        else:
            detail = f"{family} is not configured on this cluster"
            found.append(causes.invalid_value(f"spec.clusterIPs[{index}]", given, detail))
    spec["ipFamilies"] = families
    return found


def _offered(spec: Obj, offered: Sequence[str]) -> list[Cause]:
    found: list[Cause] = []
    if spec["ipFamilyPolicy"] == REQUIRE and len(offered) < 2:
        detail = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid_value(_POLICY, REQUIRE, detail))
    for index, family in enumerate(spec["ipFamilies"]):
        if family not in offered:
            detail = "not configured on this cluster"
            found.append(causes.invalid_value(f"spec.ipFamilies[{index}]", family, detail))
    return found
