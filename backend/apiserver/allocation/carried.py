"""What an update leaves out that was given by the server, and stays. Source: patchAllocatedValues and
normalizeClusterIPs of pkg/registry/core/service/storage.
"""

from __future__ import annotations

from backend.meta.types import Obj
from backend.resources.core import service_fields as fields


def carry_allocated(service: Obj, old: Obj) -> None:
    """In place, before the new values are looked at: a client may send back only what it had set itself."""
    new_spec, old_spec = service["spec"], old["spec"]
    if fields.needs_cluster_ip(old) and fields.needs_cluster_ip(service):
        if not new_spec.get("clusterIP") and old_spec.get("clusterIP"):
            new_spec["clusterIP"] = old_spec["clusterIP"]
        if not new_spec.get("clusterIPs") and new_spec.get("clusterIP") == old_spec.get("clusterIP"):
            _set(new_spec, "clusterIPs", fields.cluster_ips(old))
    if fields.needs_node_port(old) and fields.needs_node_port(service):
        _carry_node_ports(service, old)
    checked = fields.needs_health_check(old) and fields.needs_health_check(service)
    if checked and not new_spec.get("healthCheckNodePort"):
        new_spec["healthCheckNodePort"] = old_spec.get("healthCheckNodePort", 0)


def _carry_node_ports(service: Obj, old: Obj) -> None:
    """By the ports' names, unless another port has the number now."""
    used = {*fields.node_ports(old)} & {*fields.node_ports(service)}
    by_name = {port.get("name", ""): port.get("nodePort", 0) for port in old["spec"].get("ports") or ()}
    for port in service["spec"].get("ports") or ():
        before = by_name.get(port.get("name", ""), 0)
        if not port.get("nodePort") and before and before not in used:
            port["nodePort"] = before


def align_cluster_ips(service: Obj, old: Obj | None) -> None:
    """clusterIP and clusterIPs say the same, for clients that know only one of them."""
    spec = service["spec"]
    single, given = spec.get("clusterIP", ""), fields.cluster_ips(service)
    if old is None:
        if single and not given:
            spec["clusterIPs"] = [single]
        return
    before, all_before = old["spec"].get("clusterIP", ""), fields.cluster_ips(old)
    if single == before:
        if all_before and not given:
            _set(spec, "clusterIPs", all_before)
    elif given == all_before:
        _set(spec, "clusterIPs", [single] if single else [])


def _set(spec: Obj, name: str, items: list[str]) -> None:
    if items:
        spec[name] = [*items]
    else:
        spec.pop(name, None)
