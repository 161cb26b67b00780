"""Which pods of a node `drain` takes away, and which it does not. Source: k8s.io/kubectl/pkg/drain/filters.go."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from backend.meta.timefmt import parse
from minikctl.client.errors import StatusError, is_not_found
from minikctl.client.rest import Client, escape
from minikctl.command import Invocation
from minikctl.describe.controlled import owner

Obj = dict[str, Any]

_MIRROR = "kubernetes.io/config.mirror"
_CHUNK = "500"


class Verdict(NamedTuple):
    """Whether a pod goes, and why that is to be told: as a warning, or as what keeps the node from being drained."""

    goes: bool
    warning: str = ""
    fault: str = ""


_GOES = Verdict(True)


class Pods(NamedTuple):
    """The pods of a node that go; `warnings` and `faults` name pods by what is said of them."""

    going: list[Obj]
    warnings: dict[str, list[str]]
    faults: dict[str, list[str]]

    def warning(self) -> str:
        return "; ".join(f"{text}: {', '.join(pods)}" for text, pods in sorted(self.warnings.items()))

    def errors(self) -> list[str]:
        texts = {
            text: text if text.startswith("cannot delete") else f"cannot delete {text}" for text in self.faults
        }
        return [f"{texts[text]}: {', '.join(pods)}" for text, pods in sorted(self.faults.items())]


def of_node(call: Invocation, node: str) -> Pods:
    """The pods of `node` that --pod-selector chooses, sorted. Raises StatusError."""
    client = call.factory.client
    query = {
        "fieldSelector": f"spec.nodeName={node}",
        "labelSelector": call.flags["pod-selector"],
        "limit": str(call.flags["chunk-size"]) if call.flags["chunk-size"] else "",
    }
    found = Pods([], {}, {})
    for page in client.pages("/api/v1/pods", query):
        for pod in page["items"]:
            verdict = _verdict(call, client, pod)
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if verdict.goes:
                found.going.append(pod)
            if verdict.warning:
                found.warnings.setdefault(verdict.warning, []).append(name)
            if verdict.fault:
                found.faults.setdefault(verdict.fault, []).append(name)
    return found


def _verdict(call: Invocation, client: Client, pod: Obj) -> Verdict:
    """The last word of those who have one, as kubectl has it: an earlier warning is lost."""
    flags, meta = call.flags, pod["metadata"]
    controller = owner(pod)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if is_overdue(pod, flags["skip-wait-for-delete-timeout"]):
        return Verdict(False)
    if controller is not None and controller["kind"] == "DaemonSet" and not finished:
        verdict = _of_daemon_set(call, client, meta["namespace"], controller["name"])
        if not verdict.goes:
            return verdict
    if _MIRROR in (meta.get("annotations") or {}):
        return Verdict(False)
    local = any("emptyDir" in volume for volume in pod["spec"].get("volumes") or [])
    if local and not finished and not flags["delete-emptydir-data"]:
        return Verdict(False, fault="Pods with local storage (use --delete-emptydir-data to override)")
    if finished or controller is not None:
        return _GOES
    if flags["force"]:
        return Verdict(True, warning="deleting Pods that declare no controller")
    return Verdict(False, fault="cannot delete Pods that declare no controller (use --force to override)")


def _of_daemon_set(call: Invocation, client: Client, namespace: str, name: str) -> Verdict:
    """Its controller would replace the pod at once, unless it is gone."""
    try:
        client.get(f"/apis/apps/v1/namespaces/{escape(namespace)}/daemonsets/{escape(name)}")
    except StatusError as error:
        if is_not_found(error) and call.flags["force"]:
            return _GOES
        return Verdict(False, fault=str(error))
    if call.flags["ignore-daemonsets"]:
        return Verdict(False, warning="ignoring DaemonSet-managed Pods")
    return Verdict(False, fault="DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")


def is_overdue(pod: Obj, seconds: int) -> bool:
    """Whether the pod should have been gone more than `seconds` ago; 0 is never."""
    deleted = pod["metadata"].get("deletionTimestamp")
    return bool(seconds > 0 and deleted and int(time.time() - parse(deleted)) > seconds)
