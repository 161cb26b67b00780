"""Rules of a Service that its schema cannot say. Source: ValidateService."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_labels
from backend.meta.types import Obj
from backend.resources.core import service_fields as fields
from backend.resources.core.port_validation import (
    validate_app_protocol,
    validate_port_reference,
    validate_protocol,
)
from backend.resources.core.service_addresses import validate_cluster_ips

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_TRAFFIC_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_MAX_AFFINITY_SECONDS = 86_400
_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"


class Accepted(NamedTuple):
    """Addresses that the object had before: they stay valid, whatever is asked of new ones."""

    cluster_ips: Collection[str] = ()
    external_ips: Collection[str] = ()
    source_ranges: Collection[str] = ()


_NOTHING = Accepted()


def validate_service(service: Obj, accepted: Accepted = _NOTHING) -> Sequence[Cause]:
    spec = service["spec"]
    annotations: dict[str, str] = service["metadata"].get("annotations") or {}
    found = _validate_topology(annotations)
    found += _validate_type(service)
    found += _validate_ports(service)
    if spec.get("selector") is not None:
        found += validate_labels(spec["selector"], "spec.selector")
    found += _validate_affinity(spec)
    found += validate_cluster_ips(service, accepted.cluster_ips)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{index}]"
        found += addresses.ip_causes(path, address, accepted.external_ips) or addresses.special_ip_causes(
            path, address
        )
    if spec.get("type") not in _TYPES:
        found.append(causes.not_supported("spec.type", spec.get("type", ""), _TYPES))
    found += _validate_node_ports(spec)
    found += _validate_source_ranges(spec, annotations, accepted.source_ranges)
    found += _validate_load_balancer(spec)
    return found + _validate_traffic(service)


def _validate_topology(annotations: dict[str, str]) -> list[Cause]:
    if _HINTS not in annotations or annotations.get(_MODE, annotations[_HINTS]) == annotations[_HINTS]:
        return []
    detail = f"must match annotations[{_HINTS}] when both are specified"
    return [causes.invalid_value(f"metadata.annotations[{_MODE}]", annotations[_MODE], detail)]


def _validate_type(service: Obj) -> list[Cause]:
    spec = service["spec"]
    kind = spec.get("type")
    found: list[Cause] = []
    headless = fields.is_headless(service)
    if not spec.get("ports") and not headless and kind != fields.EXTERNAL_NAME:
        found.append(causes.required("spec.ports"))
    if kind in (fields.LOAD_BALANCER, fields.NODE_PORT) and headless:
        detail = f"may not be set to 'None' for {kind} services"
        found.append(causes.invalid_value("spec.clusterIPs[0]", fields.NONE, detail))
    if kind == fields.EXTERNAL_NAME:
        for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(name):
                found.append(causes.forbidden(f"spec.{name}", "may not be set for ExternalName services"))
        found += _validate_external_name(spec.get("externalName", ""))
    return found


def _validate_external_name(name: str) -> list[Cause]:
    """A CNAME, which may end in the dot of a fully qualified name."""
    if not name.removesuffix("."):
        return [causes.required("spec.externalName")]
    cname = name.removesuffix(".")
    return causes.each_invalid("spec.externalName", cname, names.dns1123_subdomain(cname))


def _validate_ports(service: Obj) -> list[Cause]:
    ports: list[Obj] = service["spec"].get("ports") or []
    found: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        found += _validate_port(port, f"spec.ports[{index}]", seen, named=len(ports) > 1)
    return found


def _validate_port(port: Obj, path: str, seen: set[str], *, named: bool) -> list[Cause]:
    found: list[Cause] = []
    name = port.get("name", "")
    if name:
        found += causes.each_invalid(f"{path}.name", name, names.dns1123_label(name))
        if name in seen:
            found.append(causes.duplicate(f"{path}.name", name))
        seen.add(name)
    elif named:
        found.append(causes.required(f"{path}.name"))
    number = port.get("port", 0)
    found += causes.each_invalid(f"{path}.port", number, names.port_number(number))
    found += validate_protocol(port, path)
    found += validate_port_reference(port.get("targetPort", 0), f"{path}.targetPort")
    found += validate_app_protocol(port, path)
    return found


def _validate_affinity(spec: Obj) -> list[Cause]:
    affinity, path = spec.get("sessionAffinity", ""), "spec.sessionAffinityConfig"
    if affinity not in ("ClientIP", "None"):
        return [causes.not_supported("spec.sessionAffinity", affinity, ("ClientIP", "None"))]
    config = spec.get("sessionAffinityConfig")
    if affinity == "None":
        return [causes.forbidden(path, "must not be set when session affinity is None")] if config else []
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is None:
        return [causes.required(path, "when session affinity type is ClientIP")]
    if 0 < seconds <= _MAX_AFFINITY_SECONDS:
        return []
    detail = f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}"
    return [causes.invalid_value(f"{path}.clientIP.timeoutSeconds", seconds, detail)]


def _validate_node_ports(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    ports: list[Obj] = spec.get("ports") or []
    if spec.get("type") == fields.CLUSTER_IP:
        detail = "may not be used when `type` is 'ClusterIP'"
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                found.append(causes.forbidden(f"spec.ports[{index}].nodePort", detail))
    node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        if not port.get("nodePort"):
            continue
        if (key := (port.get("protocol", ""), port["nodePort"])) in node_ports:
            found.append(causes.duplicate(f"spec.ports[{index}].nodePort", port["nodePort"]))
        node_ports.add(key)
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        if (key := (port.get("protocol", ""), port.get("port", 0))) in numbers:
            found.append(causes.duplicate(f"spec.ports[{index}]", _shown_port(*key)))
        numbers.add(key)
    return found


def _shown_port(protocol: str, number: int) -> causes.GoStruct:
    """A port of which only these two are looked at."""
    return causes.GoStruct(Name="", Protocol=protocol, AppProtocol=None, Port=number, TargetPort=0, NodePort=0)


def _validate_source_ranges(spec: Obj, annotations: dict[str, str], accepted: Collection[str]) -> list[Cause]:
    """The field, or the annotation that was there before it."""
    ranges: list[str] = spec.get("loadBalancerSourceRanges") or []
    if not ranges and _SOURCE_RANGES not in annotations:
        return []
    path = "spec.LoadBalancerSourceRanges" if ranges else f"metadata.annotations[{_SOURCE_RANGES}]"
    found: list[Cause] = []
    if spec.get("type") != fields.LOAD_BALANCER:
        found.append(causes.forbidden(path, _ONLY_LOAD_BALANCER))
    for index, text in enumerate(ranges):
        # The annotation's values were trimmed, so the field's may have spaces around them too.
        found += addresses.cidr_causes(f"{path}[{index}]", text.strip(), accepted)
    if not ranges and annotations[_SOURCE_RANGES].strip():
        for text in annotations[_SOURCE_RANGES].split(","):
            found += addresses.cidr_causes(path, text.strip())
    return found


def _validate_load_balancer(spec: Obj) -> list[Cause]:
    allocate, load_balancer = spec.get("allocateLoadBalancerNodePorts"), spec.get("type") == fields.LOAD_BALANCER
    path, found = "spec.loadBalancerClass", []
    if allocate is not None and not load_balancer:
        found.append(causes.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_LOAD_BALANCER))
    name = spec.get("loadBalancerClass")
    if name is not None and load_balancer:
        found += causes.each_invalid(path, name, names.qualified_name(name))
    elif name is not None:
        found.append(causes.forbidden(path, _ONLY_LOAD_BALANCER))
    return found


def _validate_traffic(service: Obj) -> list[Cause]:
    spec = service["spec"]
    found: list[Cause] = []
    external = spec.get("externalTrafficPolicy", "")
    path = "spec.externalTrafficPolicy"
    if not fields.externally_accessible(service):
        if external:
            detail = "may only be set for externally-accessible services"
            found.append(causes.invalid_value(path, external, detail))
    elif external not in _TRAFFIC_POLICIES:
        found.append(causes.not_supported(path, external, _TRAFFIC_POLICIES))
    found += _validate_health_check(service)
    internal = spec.get("internalTrafficPolicy")
    if internal is not None and internal not in _TRAFFIC_POLICIES:
        found.append(causes.not_supported("spec.internalTrafficPolicy", internal, _TRAFFIC_POLICIES))
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in _DISTRIBUTIONS:
        found.append(causes.not_supported("spec.trafficDistribution", distribution, _DISTRIBUTIONS))
    return found


def _validate_health_check(service: Obj) -> list[Cause]:
    port, path = service["spec"].get("healthCheckNodePort", 0), "spec.healthCheckNodePort"
    if fields.needs_health_check(service):
        return causes.each_invalid(path, port, names.port_number(port)) if port else [causes.required(path)]
    if port:
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        return [causes.invalid_value(path, port, detail)]
    return []
