"""What may change of a Service, and what goes with a change of its type.

Sources: dropTypeDependentFields of pkg/registry/core/service/strategy.go, ValidateServiceUpdate,
ValidateServiceStatusUpdate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core import service_fields as fields
from backend.resources.core.service_validation import Accepted, validate_service

_SINGLE = "SingleStack"


def prepare_update(service: Obj, old: Obj) -> None:
    """Drop what the new type has no use for, unless the client set it anew: then validation says no."""
    new_spec, old_spec = service["spec"], old["spec"]
    if _no_more(fields.needs_cluster_ip, service, old):
        _drop_same(new_spec, old_spec, "clusterIP", "clusterIPs")
        _drop_same(new_spec, old_spec, "ipFamilies")
        _drop_same(new_spec, old_spec, "ipFamilyPolicy")
    if _no_more(fields.needs_node_port, service, old) and not _new_node_ports(service, old):
        for port in new_spec.get("ports") or ():
            port.pop("nodePort", None)
    if _no_more(fields.needs_health_check, service, old):
        _drop_same(new_spec, old_spec, "healthCheckNodePort")
    if _no_more(_is_load_balancer, service, old):
        _drop_same(new_spec, old_spec, "allocateLoadBalancerNodePorts")
        _drop_same(new_spec, old_spec, "loadBalancerClass")
    if _no_more(fields.externally_accessible, service, old):
        _drop_same(new_spec, old_spec, "externalTrafficPolicy")
    if not _is_load_balancer(service):
        service["status"] = {**(service.get("status") or {}), "loadBalancer": {}}


def _no_more(trait: Callable[[Obj], bool], service: Obj, old: Obj) -> bool:
    return trait(old) and not trait(service)


def _is_load_balancer(service: Obj) -> bool:
    return bool(service["spec"].get("type") == fields.LOAD_BALANCER)


def _new_node_ports(service: Obj, old: Obj) -> set[int]:
    return set(fields.node_ports(service)) - set(fields.node_ports(old))


def _drop_same(new: Obj, old: Obj, *names: str) -> None:
    """Drop the fields if all of them are as they were."""
    if all((new.get(name) or None) == (old.get(name) or None) for name in names):
        for name in names:
            new.pop(name, None)


def validate_service_update(service: Obj, old: Obj) -> Sequence[Cause]:
    found = _validate_cluster_ips(service, old)
    found += _validate_families(service, old)
    new_spec, old_spec = service["spec"], old["spec"]
    given = new_spec.get("loadBalancerClass")
    if _is_load_balancer(service) and _is_load_balancer(old) and given != old_spec.get("loadBalancerClass"):
        found.append(causes.invalid_value("spec.loadBalancerClass", given, "may not change once set"))
    checked = fields.needs_health_check(service) and fields.needs_health_check(old)
    if checked and new_spec.get("healthCheckNodePort") != old_spec.get("healthCheckNodePort"):
        found.append(causes.forbidden("spec.healthCheckNodePort", "field is immutable"))
    accepted = Accepted(
        fields.cluster_ips(old), old_spec.get("externalIPs") or (), old_spec.get("loadBalancerSourceRanges") or ()
    )
    return [*found, *validate_service(service, accepted)]


def _validate_cluster_ips(service: Obj, old: Obj) -> list[Cause]:
    """The first address stays; a second comes and goes with the ipFamilyPolicy."""
    if not (fields.needs_cluster_ip(service) and fields.needs_cluster_ip(old)):
        return []
    if fields.is_headless(service) and fields.is_headless(old):
        return []
    new_ips, old_ips, path = fields.cluster_ips(service), fields.cluster_ips(old), "spec.clusterIPs"
    if len(new_ips) == len(old_ips):
        return [
            causes.invalid_value(f"{path}[{index}]", new_ips, "may not change once set")
            for index, (new, before) in enumerate(zip(new_ips, old_ips, strict=True))
            if new != before
        ]
    found: list[Cause] = []
    if old_ips and not new_ips:
        found.append(causes.invalid_value(f"{path}[0]", None, "primary clusterIP can not be unset"))
    if old_ips and new_ips and new_ips[0] != old_ips[0]:
        found.append(causes.invalid_value(f"{path}[0]", new_ips, "may not change once set"))
    if len(old_ips) > len(new_ips) == 1:
        found += _single_stack(service, "clusterIP")
    return found


def _validate_families(service: Obj, old: Obj) -> list[Cause]:
    if not (fields.needs_cluster_ip(service) and fields.needs_cluster_ip(old)):
        return []
    if fields.is_headless(service) or fields.is_headless(old):
        return []
    new: list[str] = service["spec"].get("ipFamilies") or []
    before: list[str] = old["spec"].get("ipFamilies") or []
    path, ips = "spec.ipFamilies[0]", fields.cluster_ips(service)
    if len(new) == len(before):
        changed = sum(one != other for one, other in zip(new, before, strict=True))
        return [causes.invalid_value(path, new, "may not change once set")] * changed
    found: list[Cause] = []
    if len(before) > len(new) and not ips:
        found.append(causes.invalid_value(path, new or None, "primary ipFamily can not be unset"))
    if new and before and new[0] != before[0]:
        found.append(causes.invalid_value(path, ips, "may not change once set"))
    if len(before) > len(new) == 1:
        found += _single_stack(service, "ipFamily")
    return found


def _single_stack(service: Obj, released: str) -> list[Cause]:
    policy = service["spec"].get("ipFamilyPolicy")
    if policy == _SINGLE:
        return []
    detail = f"must be set to 'SingleStack' when releasing the secondary {released}"
    return [causes.invalid_value("spec.ipFamilyPolicy", policy, detail)]


def validate_service_status_update(service: Obj, old: Obj) -> Sequence[Cause]:
    """Source: ValidateLoadBalancerStatus."""
    path = "status.loadBalancer.ingress"
    points: list[Obj] = (service["status"].get("loadBalancer") or {}).get("ingress") or []
    if points and service["spec"].get("type") != fields.LOAD_BALANCER:
        return [causes.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    before = ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    accepted = [point.get("ip") for point in before]
    found: list[Cause] = []
    for index, point in enumerate(points):
        found += _validate_point(point, f"{path}[{index}]", accepted)
    return found


def _validate_point(point: Obj, path: str, accepted: Sequence[str]) -> list[Cause]:
    found: list[Cause] = []
    address, hostname, mode = point.get("ip", ""), point.get("hostname", ""), point.get("ipMode")
    if address:
        found += addresses.ip_causes(f"{path}.ip", address, accepted)
    if address and mode is None:
        found.append(causes.required(f"{path}.ipMode", "must be specified when `ip` is set"))
    elif not address and mode is not None:
        found.append(causes.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
    elif mode not in (None, "Proxy", "VIP"):
        found.append(causes.not_supported(f"{path}.ipMode", mode, ("Proxy", "VIP")))
    if hostname:
        found += causes.each_invalid(f"{path}.hostname", hostname, names.dns1123_subdomain(hostname))
        if addresses.parse_ip(hostname) is not None:
            detail = "must be a DNS name, not an IP address"
            found.append(causes.invalid_value(f"{path}.hostname", hostname, detail))
    return found
