"""The pod that stands for an object: itself, or one of those that a workload or a service selects.

Source: k8s.io/kubectl/pkg/polymorphichelpers (AttachablePodForObject, GetFirstPod, SelectorsForObject) and
k8s.io/kubectl/pkg/util/podutils ActivePods.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import Failure, TimedOut
from minikctl.client.waiting import TIMED_OUT

if TYPE_CHECKING:
    from minikctl.client.factory import Factory
    from minikctl.client.rest import ResourceMapping

_LABEL_SELECTORS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"})
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def attachable_pod(
    factory: Factory, mapping: ResourceMapping, found: dict[str, Any], timeout: float
) -> dict[str, Any]:
    """The most active one. Waits `timeout` seconds for a workload's first. Raises Failure for kinds without pods."""
    return max(pods_behind(factory, mapping, found, timeout, "attach to"), key=_activity)


def pods_behind(
    factory: Factory, mapping: ResourceMapping, found: dict[str, Any], timeout: float, what: str
) -> list[dict[str, Any]]:
    """All of them, at least one, as the server lists them. `what` words the refusal of kinds without pods."""
    if mapping.kind == "Pod" and not mapping.group:
        return [found]
    try:
        selector = _selector(mapping, found)
    except Failure as error:
        raise Failure(f"cannot {what} *{mapping.version}.{mapping.kind}: {error}") from None
    path = f"/api/v1/namespaces/{found['metadata']['namespace']}/pods"
    page = factory.client.get(path, {"labelSelector": selector})
    pods: list[dict[str, Any]] = page.get("items") or []
    if pods:
        return pods
    from minikctl.client.watch import watch

    since = {"labelSelector": selector, "resourceVersion": page["metadata"]["resourceVersion"]}
    try:
        with closing(watch(factory.client, path, since, timeout=timeout)) as events:
            for event in events:
                if event.type in ("ADDED", "MODIFIED"):
                    return [event.object]
    except TimedOut:
        pass
    raise Failure(TIMED_OUT)


def most_telling(pods: list[dict[str, Any]]) -> dict[str, Any]:
    """The one whose log is shown: as the most active one, but rather one that was restarted. Source: ByLogging."""
    return max(pods, key=lambda pod: _activity(pod, restarted_first=True))


def _selector(mapping: ResourceMapping, found: dict[str, Any]) -> str:
    from backend.meta.label_selector import as_selector

    selector = found.get("spec", {}).get("selector")
    if mapping.kind in _LABEL_SELECTORS:
        try:
            return str(as_selector(selector))
        except ValueError as error:
            raise Failure(f"invalid label selector: {error}") from None
    if mapping.kind == "Service" and not selector:
        name = found["metadata"]["name"]
        raise Failure(f"invalid service '{name}': Service is defined without a selector")
    if mapping.kind in ("Service", "ReplicationController"):
        return ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items()))
    raise Failure(f"selector for *{mapping.version}.{mapping.kind} not implemented")


def _activity(pod: dict[str, Any], *, restarted_first: bool = False) -> tuple[object, ...]:
    """What is greater is more active: running, ready, ready the longest, restarted the least, oldest."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    ready = conditions.get("Ready") or {}
    is_ready = ready.get("status") == "True"
    restarts = max((one.get("restartCount", 0) for one in status.get("containerStatuses") or ()), default=0)
    since = ready.get("lastTransitionTime") or "" if is_ready else ""
    return (
        bool(pod["spec"].get("nodeName")), _PHASES.get(status.get("phase", ""), 0), is_ready,
        "deletionTimestamp" not in meta, _earlier(since),
        restarts if restarted_first else -restarts, _earlier(meta.get("creationTimestamp") or ""),
    )  # fmt: skip


def _earlier(moment: str) -> tuple[int, ...]:
    """RFC 3339 times of one form, so that the earlier one is greater, and none at all the least."""
    return tuple(-ord(char) for char in moment) if moment else (-0x7FFF,)
