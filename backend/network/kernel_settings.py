"""What the kernel must be told before services work for pods: that bridged packets pass netfilter, and to forward.

Kubernetes asks the same of a node (kubeadm's preflight checks). Docker sets both where it is used in the ordinary way.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from backend.network.bridge import PodBridge

SYSCTLS, INTERFACES = Path("/proc/sys"), Path("/sys/class/net")
_LOADING_SECONDS = 10.0


def missing_settings(bridge: PodBridge) -> list[str]:
    """Sentences about what is not so and could not be set; whether this machine forwards is its owner's to say.
    Blocks: call it in a thread."""
    if not (INTERFACES / bridge.name).exists():
        return [f"services are not reached by pods: their bridge {bridge.name} is not on this machine"]
    return [*_unset(bridge)]


def _unset(bridge: PodBridge) -> Iterator[str]:
    families = {"6" if ":" in subnet else "4" for subnet in bridge.subnets}
    if not (SYSCTLS / "net/bridge").is_dir():
        _load("br_netfilter")
    for family, bridged, forwarding in (
        ("4", "net/bridge/bridge-nf-call-iptables", "net/ipv4/ip_forward"),
        ("6", "net/bridge/bridge-nf-call-ip6tables", "net/ipv6/conf/all/forwarding"),
    ):
        if family not in families:
            continue
        if not _is_set(bridged) and not _set(bridged):
            yield f"pods may not reach services whose pods are on this node: sysctl {_name(bridged)} is not 1"
        if not _is_set(forwarding):
            yield f"pods do not reach what is outside of this node: sysctl {_name(forwarding)} is not 1"


def _name(path: str) -> str:
    return path.replace("/", ".")


def _load(module: str) -> None:
    """It may be that we may not, or that there is no such module."""
    try:
        subprocess.run(["modprobe", module], capture_output=True, timeout=_LOADING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return


def _is_set(path: str) -> bool:
    try:
        return (SYSCTLS / path).read_text().strip() != "0"
    except OSError:
        return False


def _set(path: str) -> bool:
    try:
        (SYSCTLS / path).write_text("1\n")
    except OSError:
        return False
    return True
