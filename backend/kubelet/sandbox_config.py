"""A pod's sandbox as the engine is asked for it: hostname, namespaces, ports, DNS."""

from __future__ import annotations

from backend.kubelet.labels import sandbox_labels
from backend.kubelet.pod_dns import PodDns
from backend.kubelet.podspec import main_containers
from backend.kubelet.runtime.api import SandboxConfig
from backend.meta.types import Obj

MAX_HOSTNAME = 63


def sandbox_config(pod: Obj, attempt: int, node_name: str, domain: str, dns: PodDns) -> SandboxConfig:
    """`domain` is the cluster's."""
    meta, spec = pod["metadata"], pod["spec"]
    return SandboxConfig(
        pod_uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        hostname=_hostname(pod, node_name, domain),
        domain=_domain(pod, domain),
        attempt=attempt,
        labels=sandbox_labels(pod),
        host_network=bool(spec.get("hostNetwork")),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_process_namespace=bool(spec.get("shareProcessNamespace")),
        dns_servers=dns.servers,
        dns_searches=dns.searches,
        dns_options=dns.options,
        host_aliases={alias["ip"]: alias.get("hostnames") or [] for alias in spec.get("hostAliases") or ()},
        ports=_host_ports(pod),
        sysctls={
            entry["name"]: entry["value"] for entry in (spec.get("securityContext") or {}).get("sysctls") or ()
        },
    )


def _hostname(pod: Obj, node_name: str, domain: str) -> str:
    """Source: pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain and truncatePodHostnameIfNeeded."""
    spec = pod["spec"]
    if spec.get("hostnameOverride"):
        override: str = spec["hostnameOverride"]
        return override
    if spec.get("hostNetwork"):
        return node_name
    name: str = (spec.get("hostname") or pod["metadata"]["name"])[:MAX_HOSTNAME].rstrip("-.")
    if spec.get("setHostnameAsFQDN") and spec.get("subdomain"):
        return f"{name}.{_subdomain(pod, domain)}"
    return name


def _domain(pod: Obj, domain: str) -> str:
    """With it /etc/hosts has the pod's full name, which it has where it asks for a service as its subdomain."""
    spec = pod["spec"]
    if not spec.get("subdomain") or spec.get("setHostnameAsFQDN") or spec.get("hostnameOverride"):
        return ""
    return _subdomain(pod, domain)


def _subdomain(pod: Obj, domain: str) -> str:
    return f"{pod['spec']['subdomain']}.{pod['metadata']['namespace']}.svc.{domain}"


def _host_ports(pod: Obj) -> list[tuple[str, int, int, str]]:
    return [
        (port.get("hostIP", ""), port["hostPort"], port["containerPort"], port.get("protocol", "TCP").lower())
        for container in main_containers(pod)
        for port in container.get("ports") or ()
        if port.get("hostPort") and not pod["spec"].get("hostNetwork")
    ]
