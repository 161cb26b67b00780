"""The status that the kubelet writes for a pod: phase, conditions, addresses and containers."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kubelet.conditions import Problem, Verdict, conditions
from backend.kubelet.container_status import StatusSource, container_statuses
from backend.kubelet.phase import phase
from backend.kubelet.podspec import OWNED_CONDITIONS, is_terminal, main_containers, qos_class
from backend.meta.types import Obj


@dataclass(frozen=True, slots=True)
class PodVerdict:
    """Why a pod failed as a whole (DeadlineExceeded...)."""

    reason: str
    message: str


def pod_status(
    source: StatusSource, *, node_ip: str, now: str, failed: PodVerdict | None = None,
    why_no_sandbox: Verdict | None = None, resize_problem: Problem | None = None,
) -> Obj:  # fmt: skip
    """The whole status. Conditions of other writers (readiness gates) are kept as they were last seen."""
    pod = source.view.pod
    before = pod.get("status", {})
    inits, mains, ephemeral = container_statuses(source)
    by_name = {status["name"]: status for status in (*inits, *mains)}
    initialized = any(
        c["name"] in source.view.attempts or by_name[c["name"]].get("containerID") for c in main_containers(pod)
    )
    verdict = _phase(source, by_name, failed, initialized)
    sandbox = source.view.sandbox
    owned = conditions(
        pod, by_name, verdict, sandbox_ready=sandbox is not None, initialized=initialized,
        why_no_sandbox=why_no_sandbox, now=now, resize_problem=resize_problem,
    )  # fmt: skip
    foreign = [c for c in before.get("conditions") or () if c["type"] not in OWNED_CONDITIONS]
    status: Obj = {
        "phase": verdict,
        "conditions": [*owned, *foreign],
        "hostIP": node_ip,
        "hostIPs": [{"ip": node_ip}],
        "startTime": before.get("startTime") or now,
        "qosClass": before.get("qosClass") or qos_class(pod),
        "containerStatuses": mains,
    }
    if inits:
        status["initContainerStatuses"] = inits
    if ephemeral:
        status["ephemeralContainerStatuses"] = ephemeral
    if pod["metadata"].get("generation") is not None:
        status["observedGeneration"] = pod["metadata"]["generation"]
    _add_addresses(source, status, node_ip)
    _add_reason(status, before, failed)
    return status


def _phase(source: StatusSource, statuses: dict[str, Obj], failed: PodVerdict | None, initialized: bool) -> str:
    before = source.view.pod.get("status", {})
    if is_terminal(source.view.pod):
        # A terminal phase is for good. Source: kubelet.go generateAPIPodStatus.
        final: str = before["phase"]
        return final
    if failed is not None:
        return "Failed"
    return phase(source.view.pod, statuses, over=source.over, initialized=initialized)


def _add_addresses(source: StatusSource, status: Obj, node_ip: str) -> None:
    pod = source.view.pod
    before = pod.get("status", {})
    sandbox = source.view.sandbox
    if pod["spec"].get("hostNetwork"):
        addresses = [node_ip]
    else:
        kept = [entry["ip"] for entry in before.get("podIPs") or ()]
        addresses = (sandbox.ips if sandbox is not None else []) or kept
    if addresses:
        status["podIP"] = addresses[0]
        status["podIPs"] = [{"ip": address} for address in addresses]


def _add_reason(status: Obj, before: Obj, failed: PodVerdict | None) -> None:
    reason = failed.reason if failed is not None else before.get("reason")
    message = failed.message if failed is not None else before.get("message")
    if reason:
        status["reason"] = reason
    if message:
        status["message"] = message
