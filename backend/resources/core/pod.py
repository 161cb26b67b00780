"""v1 Pod. Source: pkg/registry/core/pod/strategy.go."""

from __future__ import annotations

from backend.meta import names, timefmt
from backend.meta.types import Obj
from backend.resources.core import pod_table
from backend.resources.core.pod_defaults import default_pod
from backend.resources.core.pod_qos import qos_class
from backend.resources.core.pod_update import validate_pod_status_update, validate_pod_update
from backend.resources.core.pod_validation import validate_pod
from backend.resources.resource import Resource, later


def _prepare_create(pod: Obj) -> None:
    """Every pod starts Pending, whatever status its author sent."""
    status: Obj = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}
    if pod["spec"].get("schedulingGates"):
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": timefmt.now(),
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }
        ]
    pod["status"] = status


def grace_period(pod: Obj, options: Obj) -> int:
    """Seconds that a deleted pod has to end: what was asked for, else what its spec says.

    None at all where no kubelet has something to end: the pod is on no node, or it is over.
    """
    spec = pod.get("spec") or {}
    over = (pod.get("status") or {}).get("phase") in pod_table.TERMINAL_PHASES
    if over or not spec.get("nodeName"):
        return 0
    seconds = options.get("gracePeriodSeconds")
    if seconds is None:
        seconds = spec.get("terminationGracePeriodSeconds", 0)
    return int(seconds) if seconds >= 0 else 1


def _selectable(pod: Obj) -> dict[str, str]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    addresses = status.get("podIPs") or ()
    return {
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.restartPolicy": spec.get("restartPolicy", ""),
        "spec.schedulerName": spec.get("schedulerName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
        "status.phase": status.get("phase", ""),
        "status.podIP": addresses[0]["ip"] if addresses else "",
        "status.nominatedNodeName": status.get("nominatedNodeName", ""),
    }


POD = Resource(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    singular="pod",
    namespaced=True,
    schema="io.k8s.api.core.v1.Pod",
    short_names=("po",),
    categories=("all",),
    subresources=(
        "attach",
        "binding",
        "ephemeralcontainers",
        "eviction",
        "exec",
        "log",
        "portforward",
        "proxy",
        "resize",
        "status",
    ),
    columns=pod_table.COLUMNS,
    row=pod_table.row,
    validate_name=names.dns1123_subdomain,
    default=default_pod,
    prepare_create=_prepare_create,
    validate=validate_pod,
    validate_update=validate_pod_update,
    validate_status_update=validate_pod_status_update,
    warnings=later("core.pod_warnings:pod_warnings"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
    generation=True,
    graceful_delete=grace_period,
)
