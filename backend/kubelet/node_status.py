"""The Node object's status, with the kubelet's reasons and messages. Source: pkg/kubelet/nodestatus/setters.go."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.kubelet.runtime.api import Image, RuntimeInfo
from backend.machinery.machine import boot_id
from backend.meta.types import Obj

VERSION = "v1.37.0"
MAX_IMAGES = 50
LOW_MEMORY_BYTES = 100 << 20
LOW_DISK_FRACTION = 0.10

Condition = tuple[str, bool, str, str]
"""Type, status, reason, message."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the host says of itself. Sizes are bytes."""

    cpus: int
    memory: int
    memory_available: int
    disk: int
    disk_free: int

    @classmethod
    def read(cls, root_dir: Path) -> Machine:
        """Reads /proc and the file system of `root_dir`; quick, yet it blocks."""
        memory = {}
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                memory[name] = int(rest.split()[0]) * 1024
        disk = shutil.disk_usage(root_dir)
        total = memory["MemTotal"]
        return cls(os.cpu_count() or 1, total, memory.get("MemAvailable", total), disk.total, disk.free)


def architecture() -> str:
    """As Go names it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def node_labels(name: str) -> dict[str, str]:
    return {
        "beta.kubernetes.io/arch": architecture(),
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture(),
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    }


def capacity(machine: Machine, max_pods: int) -> dict[str, str]:
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk // 1024}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{machine.memory // 1024}Ki",
        "pods": str(max_pods),
    }


def node_conditions(machine: Machine, runtime_problem: str) -> list[Condition]:
    """`runtime_problem` is why the engine does not answer, "" when it does."""
    low_memory = machine.memory_available < LOW_MEMORY_BYTES
    low_disk = machine.disk_free < machine.disk * LOW_DISK_FRACTION
    return [
        ("MemoryPressure", True, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
        if low_memory
        else ("MemoryPressure", False, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", True, "KubeletHasDiskPressure", "kubelet has disk pressure")
        if low_disk
        else ("DiskPressure", False, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", False, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", False, "KubeletNotReady", f"container runtime is down: {runtime_problem}")
        if runtime_problem
        else ("Ready", True, "KubeletReady", "kubelet is posting ready status"),
    ]


def condition_objects(wanted: Sequence[Condition], previous: Sequence[Obj], now: str) -> list[Obj]:
    known = {condition["type"]: condition for condition in previous}
    objects = []
    for type_, holds, reason, message in wanted:
        status = "True" if holds else "False"
        before = known.get(type_)
        same = before is not None and before.get("status") == status
        objects.append(
            {
                "type": type_,
                "status": status,
                "lastHeartbeatTime": now,
                "lastTransitionTime": before["lastTransitionTime"] if before is not None and same else now,
                "reason": reason,
                "message": message,
            }
        )
    return objects


def addresses(name: str, node_ip: str) -> list[Obj]:
    return [{"type": "InternalIP", "address": node_ip}, {"type": "Hostname", "address": name}]


def node_info(info: RuntimeInfo | None) -> Obj:
    """NodeSystemInfo; `info` is None while no engine answers."""
    return {
        "machineID": _first_line("/etc/machine-id"),
        "systemUUID": _first_line("/sys/class/dmi/id/product_uuid"),
        "bootID": boot_id(),
        "kernelVersion": platform.release(),
        "osImage": _os_image(),
        "containerRuntimeVersion": f"{info.name}://{info.version}" if info is not None else "docker://Unknown",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": architecture(),
    }


def image_entries(images: Sequence[Image]) -> list[Obj]:
    """The largest images first, as many as a Node shows."""
    named = [image for image in images if image.tags or image.digest]
    named.sort(key=lambda image: -image.size)
    return [
        {"names": [*([image.digest] if image.digest else []), *image.tags], "sizeBytes": image.size}
        for image in named[:MAX_IMAGES]
    ]


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
