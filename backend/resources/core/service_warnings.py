"""What the API server warns of when a Service is written. Source: pkg/api/service/warnings.go."""

from __future__ import annotations

from backend.meta.addresses import cidr_warnings, ip_warnings
from backend.meta.types import Obj
from backend.resources.core import service_fields as fields

_HINTS, _MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def service_warnings(service: Obj, _old: Obj | None) -> list[str]:
    spec = service["spec"]
    found: list[str] = []
    if _HINTS in (service["metadata"].get("annotations") or {}):
        found.append(f"annotation {_HINTS} is deprecated, please use {_MODE} instead")
    headless = spec.get("type") == fields.CLUSTER_IP and spec.get("clusterIP") == fields.NONE
    if spec.get("clusterIP") and not headless:
        for index, address in enumerate(fields.cluster_ips(service)):
            found += ip_warnings(f"spec.clusterIPs[{index}]", address)
    external: list[str] = spec.get("externalIPs") or []
    if headless:
        found += _headless_warnings(spec, external)
    for index, address in enumerate(external):
        found += ip_warnings(f"spec.externalIPs[{index}]", address)
    if external and not headless and spec.get("type") != fields.EXTERNAL_NAME:
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.get("loadBalancerIP"):
        found += ip_warnings("spec.loadBalancerIP", spec["loadBalancerIP"])
    for index, text in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        found += cidr_warnings(f"spec.loadBalancerSourceRanges[{index}]", text)
    if spec.get("type") == fields.EXTERNAL_NAME and external:
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.get("type") != fields.EXTERNAL_NAME and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found


def _headless_warnings(spec: Obj, external: list[str]) -> list[str]:
    found = []
    if spec.get("loadBalancerIP"):
        found.append("spec.loadBalancerIP is ignored for headless services")
    if external:
        found.append("spec.externalIPs is ignored for headless services")
    if spec.get("sessionAffinity") != "None":
        found.append("spec.SessionAffinity is ignored for headless services")
    return found
