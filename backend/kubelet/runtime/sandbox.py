"""Pod sandboxes: the container that holds a pod's network, IPC and, if shared, PID namespaces.

Pods are on the engine's default bridge: every pod has an address there, reaches the others and the host, and its
resolv.conf is what the pod asks for. A bridge of our own would cost each pod 100 ms, for the resolver that the engine
puts into user-defined networks (docs/pod-start.md), and each cluster one of the engine's thirty address pools.

Nothing is checked before it is needed: the image is made should what DockerRuntime.prepare made be gone, and a leftover
is removed when its name is in the way. A sandbox is three requests when all is in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime import names
from backend.kubelet.runtime.api import SandboxConfig, SandboxState
from backend.kubelet.runtime.creation import create_replacing
from backend.kubelet.runtime.hairpin import reflect
from backend.kubelet.runtime.pause_image import PAUSE_IMAGE
from backend.kubelet.runtime.states import sandbox_state

if TYPE_CHECKING:
    from docker import APIClient


def create_sandbox(client: APIClient, cluster_id: str, config: SandboxConfig) -> SandboxState:
    """Not started yet: without an address."""
    name = str(names.ContainerName("POD", config.name, config.namespace, config.pod_uid, config.attempt))
    document = sandbox_document(config, cluster_id)
    container_id = create_replacing(client, document, name)["Id"]
    return SandboxState(container_id, config.attempt, ready=False, ip="", labels=document["Labels"])


def start_sandbox(client: APIClient, container_id: str) -> SandboxState:
    """A sandbox that does not start is removed."""
    try:
        client.start(container_id)
        document = client.inspect_container(container_id)
        if document["HostConfig"]["NetworkMode"] != "host":
            reflect(document["State"]["Pid"])
        return sandbox_state(document)
    except BaseException:
        client.remove_container(container_id, force=True, v=True)
        raise


def sandbox_document(config: SandboxConfig, cluster_id: str) -> dict[str, Any]:
    """The body of POST /containers/create."""
    host: dict[str, Any] = {
        "NetworkMode": "host" if config.host_network else "bridge",
        "IpcMode": "host" if config.host_ipc else "shareable",
        "Dns": list(config.dns_servers),
        "DnsSearch": list(config.dns_searches),
        "DnsOptions": list(config.dns_options),
        "ExtraHosts": [f"{name}:{ip}" for ip, aliases in config.host_aliases.items() for name in aliases],
        "Sysctls": dict(config.sysctls),
        "LogConfig": {"Type": "none"},
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
    }
    if config.host_pid:
        host["PidMode"] = "host"
    if config.cgroup_memory_bytes:
        host["Memory"] = config.cgroup_memory_bytes
    document: dict[str, Any] = {
        "Image": PAUSE_IMAGE,
        "Labels": {**_labels(config, cluster_id), names.TYPE_LABEL: "podsandbox"},
        "HostConfig": host,
    }
    if not config.host_network:
        document["Hostname"], document["Domainname"] = config.hostname, config.domain
        host["PortBindings"], document["ExposedPorts"] = _ports(config)
    return document


def _labels(config: SandboxConfig, cluster_id: str) -> dict[str, str]:
    return {
        **config.labels,
        names.POD_NAME_LABEL: config.name,
        names.POD_NAMESPACE_LABEL: config.namespace,
        names.POD_UID_LABEL: config.pod_uid,
        names.CONTAINER_NAME_LABEL: "POD",
        names.IPC_MODE_LABEL: "host" if config.host_ipc else "pod",
        names.PID_MODE_LABEL: "host" if config.host_pid else "pod" if config.share_process_namespace else "",
        names.CLUSTER_LABEL: cluster_id,
    }


def _ports(config: SandboxConfig) -> tuple[dict[str, list[dict[str, str]]], dict[str, dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for host_ip, host_port, container_port, protocol in config.ports:
        key = f"{container_port}/{protocol.lower()}"
        bindings.setdefault(key, []).append({"HostIp": host_ip, "HostPort": str(host_port)})
    return bindings, {key: {} for key in bindings}
