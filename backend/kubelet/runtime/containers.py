"""Containers in a pod's sandbox: they join its network and IPC namespaces, and take its hostname from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime import names
from backend.kubelet.runtime.api import ContainerConfig, Mount, SandboxState
from backend.kubelet.runtime.creation import create_replacing

if TYPE_CHECKING:
    from docker import APIClient

_LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
"""Whatever the daemon's default, since the log API can read this one back. The sizes are the kubelet's defaults
(containerLogMaxSize, containerLogMaxFiles). It replaces bytes that are not UTF-8; the driver that keeps them, `local`,
loses the end of lines over 16 KiB (seen with 20.10), which is worse."""


def create_container(
    client: APIClient, cluster_id: str, sandbox: SandboxState, config: ContainerConfig, optional: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """The id, and the engine's warnings. `optional` are the HostConfig settings that this engine accepts.

    A container of the same attempt that was left over is replaced.
    """
    labels = sandbox.labels
    name = str(
        names.ContainerName(
            config.name,
            labels[names.POD_NAME_LABEL],
            labels[names.POD_NAMESPACE_LABEL],
            labels[names.POD_UID_LABEL],
            config.attempt,
        )
    )
    document = container_document(cluster_id, sandbox, config, optional)
    created = create_replacing(client, document, name)
    return created["Id"], list(created.get("Warnings") or [])


def container_document(
    cluster_id: str, sandbox: SandboxState, config: ContainerConfig, optional: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of POST /containers/create."""
    document: dict[str, Any] = {
        "Image": config.image_id,
        "Env": [f"{name}={value}" for name, value in config.env],
        "Labels": {
            **config.labels,
            **names.pod_labels(sandbox.labels),
            names.CONTAINER_NAME_LABEL: config.name,
            names.SANDBOX_ID_LABEL: sandbox.id,
            names.CLUSTER_LABEL: cluster_id,
            names.TYPE_LABEL: "container",
        },
        "OpenStdin": config.stdin,
        "StdinOnce": config.stdin_once,
        "Tty": config.tty,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {**_host_config(sandbox, config), **optional},
    }
    given = {
        "Entrypoint": list(config.command) if config.command else None,
        "Cmd": list(config.args) if config.args else None,
        "WorkingDir": config.working_dir,
        "User": config.user,
        "StopSignal": config.stop_signal,
    }
    document.update({key: value for key, value in given.items() if value})
    return document


def _host_config(sandbox: SandboxState, config: ContainerConfig) -> dict[str, Any]:
    return {
        "NetworkMode": f"container:{sandbox.id}",
        "IpcMode": _mode(sandbox, sandbox.labels.get(names.IPC_MODE_LABEL, "pod")),
        "PidMode": _pid_mode(sandbox, config),
        "Mounts": [_mount(mount) for mount in config.mounts],
        "GroupAdd": [str(group) for group in config.groups],
        "ReadonlyRootfs": config.read_only_rootfs,
        "CapDrop": list(config.cap_drop),
        "OomScoreAdj": max(config.oom_score_adj, 0),
        "SecurityOpt": ["no-new-privileges"] if config.no_new_privileges else [],
        "LogConfig": _LOG_CONFIG,
    }


def _mode(sandbox: SandboxState, label: str) -> str:
    return {"host": "host", "pod": f"container:{sandbox.id}", "": ""}[label]


def _pid_mode(sandbox: SandboxState, config: ContainerConfig) -> str:
    if config.process_namespace_of:
        return f"container:{config.process_namespace_of}"
    return _mode(sandbox, sandbox.labels.get(names.PID_MODE_LABEL, ""))


def _mount(mount: Mount) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": mount.host_path,
        "Target": mount.container_path,
        "ReadOnly": mount.read_only,
        "BindOptions": {"Propagation": mount.propagation},
    }
