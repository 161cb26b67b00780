"""The ports that a pod's containers declare, by their names."""

from __future__ import annotations

from backend.meta.types import Obj


def port_number(pod: Obj, target: int | str, protocol: str) -> int:
    """The number of a target port in a pod; 0 if no container has one of that name. Source: podutil.FindPort."""
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*spec["containers"], *sidecars]:
        for port in container.get("ports") or ():
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return 0
