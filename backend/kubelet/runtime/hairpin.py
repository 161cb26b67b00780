"""Lets a pod reach itself through a service: its port of the bridge sends back what came from it ("hairpin mode").

A bridge does not do so by default, and the kernel translates service addresses before the bridge looks for the port.
Kubernetes asks the same of whoever makes the pod's network. Source: the kubelet's --hairpin-mode=hairpin-veth of
Kubernetes 1.23, pkg/kubelet/dockershim/network/hairpin.
"""

from __future__ import annotations

import logging
import socket
from pathlib import Path

log = logging.getLogger(__name__)

_INTERFACE = "eth0"


def reflect(pid: int) -> None:
    """For the sandbox whose process this is. Blocks for some 0.1 ms. Where this process may not (it is not root, or the
    engine runs elsewhere), such a pod does not reach itself through its service, and nothing else is lost."""
    try:
        # The sandbox's own /sys shows its own interfaces, with the index of the other end of each.
        other_end = int(Path(f"/proc/{pid}/root/sys/class/net/{_INTERFACE}/iflink").read_text())
        port = Path("/sys/class/net", socket.if_indextoname(other_end), "brport/hairpin_mode")
        port.write_text("1")
    except OSError as error:
        log.debug("a pod does not reach itself through its service: %s", error)
