"""What a pod's spec says, where reading it takes a rule."""

from __future__ import annotations

import hashlib
from fractions import Fraction

from backend.meta import quantity
from backend.meta.types import Obj

DEFAULT_GRACE_SECONDS = 30
RESIZE_CONDITIONS = ("PodResizePending", "PodResizeInProgress")
"""Conditions that the kubelet writes while they hold, and takes away then."""
OWNED_CONDITIONS = (
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", *RESIZE_CONDITIONS,
)  # fmt: skip
"""Conditions that the kubelet writes; others are their writers'."""


def init_containers(pod: Obj) -> list[Obj]:
    return pod["spec"].get("initContainers") or []


def main_containers(pod: Obj) -> list[Obj]:
    return pod["spec"].get("containers") or []


def ephemeral_containers(pod: Obj) -> list[Obj]:
    """What was added to a running pod to look at it. They are never restarted and count for nothing."""
    return pod["spec"].get("ephemeralContainers") or []


def all_containers(pod: Obj) -> list[Obj]:
    """Without ephemeral ones."""
    return [*init_containers(pod), *main_containers(pod)]


def is_sidecar(init_container: Obj) -> bool:
    """Whether an init container keeps running beside the main ones (restartPolicy Always)."""
    return init_container.get("restartPolicy") == "Always"


def sidecar_names(pod: Obj) -> set[str]:
    return {container["name"] for container in init_containers(pod) if is_sidecar(container)}


def find_container(pod: Obj, name: str) -> Obj | None:
    return next((c for c in (*all_containers(pod), *ephemeral_containers(pod)) if c["name"] == name), None)


def field_path(pod: Obj, name: str) -> str:
    """Where an event about a container points, as the kubelet writes it."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    kind = next((k for k in kinds if any(c["name"] == name for c in pod["spec"].get(k) or ())), "containers")
    return f"spec.{kind}{{{name}}}"


def full_name(pod: Obj) -> str:
    """name_namespace(uid), as the kubelet's messages name a pod (format.Pod)."""
    meta = pod["metadata"]
    return f"{meta['name']}_{meta['namespace']}({meta['uid']})"


def grace_period(pod: Obj) -> int:
    """Seconds between the polite and the rude signal; a deletion's own grace counts more than the spec's."""
    if is_deleted(pod):
        return int(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    grace = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_SECONDS if grace is None else int(grace)


def is_deleted(pod: Obj) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_terminal(pod: Obj) -> bool:
    """A pod in a terminal phase never runs again, whatever its spec says."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def restart_policy(pod: Obj) -> str:
    policy: str = pod["spec"].get("restartPolicy") or "Always"
    return policy


def should_restart(pod: Obj, container: Obj, exit_code: int) -> bool:
    """Whether a main container that ended with `exit_code` runs again.

    Source: kubelet/container/helpers.go ShouldContainerBeRestarted, with a container's own policy and rules.
    """
    if container in ephemeral_containers(pod):
        return False
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes", {})
        listed = exit_code in (codes.get("values") or ())
        if rule.get("action") == "Restart" and listed == (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or restart_policy(pod)
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def spec_hash(container: Obj) -> str:
    """Changes when a running container must be replaced: with its name or its image (kubelet HashContainer)."""
    picked = f"{container['name']}\0{container.get('image', '')}"
    return hashlib.sha256(picked.encode()).hexdigest()[:8]


def qos_class(pod: Obj) -> str:
    """Guaranteed, Burstable or BestEffort. Source: component-helpers/.../qos ComputePodQOS."""
    asked = limited = False
    guaranteed = True
    for container in all_containers(pod):
        resources = container.get("resources") or {}
        limits = _positive(resources.get("limits"))
        requests = {**limits, **_positive(resources.get("requests"))}
        asked = asked or bool(requests)
        limited = limited or bool(limits)
        guaranteed = guaranteed and len(limits) == 2 and requests == limits
    if not asked and not limited:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _positive(resources: Obj | None) -> dict[str, Fraction]:
    parsed = {
        name: quantity.parse(str(amount))
        for name, amount in (resources or {}).items()
        if name in ("cpu", "memory")
    }
    return {name: amount for name, amount in parsed.items() if amount > 0}


def sidecars_in_order(pod: Obj) -> list[str]:
    return [container["name"] for container in init_containers(pod) if is_sidecar(container)]


def written_by_others(pod: Obj) -> Obj:
    """What of a pod's object is not the kubelet's own status."""
    meta = {
        key: value for key, value in pod["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    foreign = [c for c in pod.get("status", {}).get("conditions") or () if c["type"] not in OWNED_CONDITIONS]
    return {"metadata": meta, "spec": pod["spec"], "conditions": foreign}
