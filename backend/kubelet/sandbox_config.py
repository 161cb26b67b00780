"""A pod's sandbox as the engine is asked for it: hostname, namespaces, ports, DNS."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kubelet.labels import sandbox_labels
from backend.kubelet.podspec import main_containers
from backend.kubelet.runtime.api import SandboxConfig
from backend.meta.types import Obj

MAX_HOSTNAME = 63


@dataclass(frozen=True, slots=True)
class ClusterDns:
    """The cluster's own DNS. Without servers pods get the host's."""

    servers: tuple[str, ...] = ()
    domain: str = "cluster.local"


def sandbox_config(pod: Obj, attempt: int, node_name: str, dns: ClusterDns) -> SandboxConfig:
    meta, spec = pod["metadata"], pod["spec"]
    servers, searches, options = _dns(pod, dns)
    return SandboxConfig(
        pod_uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        hostname=_hostname(pod, node_name, dns),
        attempt=attempt,
        labels=sandbox_labels(pod),
        host_network=bool(spec.get("hostNetwork")),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_process_namespace=bool(spec.get("shareProcessNamespace")),
        dns_servers=servers,
        dns_searches=searches,
        dns_options=options,
        host_aliases={alias["ip"]: alias.get("hostnames") or [] for alias in spec.get("hostAliases") or ()},
        ports=_host_ports(pod),
        sysctls={
            entry["name"]: entry["value"] for entry in (spec.get("securityContext") or {}).get("sysctls") or ()
        },
    )


def _hostname(pod: Obj, node_name: str, dns: ClusterDns) -> str:
    """Source: pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain and truncatePodHostnameIfNeeded."""
    spec = pod["spec"]
    if spec.get("hostnameOverride"):
        override: str = spec["hostnameOverride"]
        return override
    if spec.get("hostNetwork"):
        return node_name
    name: str = (spec.get("hostname") or pod["metadata"]["name"])[:MAX_HOSTNAME].rstrip("-.")
    if spec.get("setHostnameAsFQDN") and spec.get("subdomain"):
        return f"{name}.{spec['subdomain']}.{pod['metadata']['namespace']}.svc.{dns.domain}"
    return name


def _host_ports(pod: Obj) -> list[tuple[str, int, int, str]]:
    return [
        (port.get("hostIP", ""), port["hostPort"], port["containerPort"], port.get("protocol", "TCP").lower())
        for container in main_containers(pod)
        for port in container.get("ports") or ()
        if port.get("hostPort") and not pod["spec"].get("hostNetwork")
    ]


def _dns(pod: Obj, dns: ClusterDns) -> tuple[list[str], list[str], list[str]]:
    """(servers, searches, options). Source: pkg/kubelet/network/dns/dns.go GetPodDNS."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    own = spec.get("dnsConfig") or {}
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    in_cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.get("hostNetwork"))
    if in_cluster and dns.servers:
        servers = [*dns.servers]
        namespace = pod["metadata"]["namespace"]
        searches = [f"{namespace}.svc.{dns.domain}", f"svc.{dns.domain}", dns.domain]
        options = ["ndots:5"]
    own_options = {
        option["name"]: f"{option['name']}:{option['value']}" if option.get("value") else option["name"]
        for option in own.get("options") or ()
    }
    options = [option for option in options if option.partition(":")[0] not in own_options]
    return (
        [*dict.fromkeys([*servers, *(own.get("nameservers") or ())])],
        [*dict.fromkeys([*searches, *(own.get("searches") or ())])],
        [*options, *own_options.values()],
    )
