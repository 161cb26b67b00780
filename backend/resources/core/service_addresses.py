"""clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy of a Service fit together.

Source: ValidateServiceClusterIPsRelatedFields.
"""

from __future__ import annotations

from collections.abc import Collection

from backend.meta import addresses, causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.service_fields import EXTERNAL_NAME, NONE, cluster_ips, is_headless

_FAMILIES = (addresses.IPV4, addresses.IPV6)
_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_IPS, _IP_FAMILIES, _POLICY = "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"


def validate_cluster_ips(service: Obj, accepted: Collection[str] = ()) -> list[Cause]:
    """What does not need to know what the cluster offers. `accepted` are addresses that it had before."""
    spec, given = service["spec"], cluster_ips(service)
    if spec.get("type") == EXTERNAL_NAME:
        return []
    found = _validate_first(spec.get("clusterIP", ""), given)
    found += _validate_families(spec)
    faults = _validate_each(given, accepted)
    found += faults
    if len(given) > 2:
        found.append(causes.invalid_value(_IPS, given, "may only hold up to 2 values"))
    if faults:
        return found
    if len(given) > 1 and len({addresses.family(address) for address in given}) < len(given):
        found.append(causes.invalid_value(_IPS, given, "may specify no more than one IP for each IP family"))
    if not is_headless(service):
        for index, (address, family) in enumerate(zip(given, spec.get("ipFamilies") or (), strict=False)):
            if family in _FAMILIES and addresses.family(address) != family:
                detail = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
                found.append(causes.invalid_value(f"{_IPS}[{index}]", address, detail))
    return found


def _validate_first(single: str, given: list[str]) -> list[Cause]:
    if not single and given:
        return [causes.invalid_value(_IPS, given, "must be empty when `clusterIP` is not specified")]
    if single and not given:
        return [causes.required(_IPS)]
    if single and given[0] != single:
        return [causes.invalid_value(_IPS, given, "first value must match `clusterIP`")]
    return []


def _validate_families(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in _FAMILIES:
            found.append(causes.not_supported(f"{_IP_FAMILIES}[{index}]", family, _FAMILIES))
        if family in seen:
            found.append(causes.duplicate(f"{_IP_FAMILIES}[{index}]", family))
        seen.add(family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _POLICIES:
        found.append(causes.not_supported(_POLICY, policy, _POLICIES))
    return found


def _validate_each(given: list[str], accepted: Collection[str]) -> list[Cause]:
    found: list[Cause] = []
    for index, address in enumerate(given):
        if index == 0 and address == NONE:
            if len(given) > 1:
                found.append(causes.invalid_value(_IPS, given, "'None' must be the first and only value"))
            continue
        found += addresses.ip_causes(f"{_IPS}[{index}]", address, accepted)
    return found
