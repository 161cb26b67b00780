"""Which nodes run a DaemonSet's pod, and what makes a pod that node's.

Source: pkg/controller/daemon/util/daemonset_util.go, NodeShouldRunDaemonPod of daemon_controller.go.
"""

from __future__ import annotations

import copy

from backend.controllers.workloads.history import REVISION_LABEL, template_of
from backend.controllers.workloads.pods import pod_from
from backend.meta.types import Obj
from backend.scheduler.affinity import matches_required
from backend.scheduler.nodeinfo import untolerated

GENERATION_LABEL = "pod-template-generation"
_NAME_FIELD = "metadata.name"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_TOLERATED_BY_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def tolerations(spec: Obj) -> list[Obj]:
    """A daemon stays on a node that is in trouble, and comes to one that is not ready yet."""
    present = list(spec.get("tolerations") or ())
    wanted = [*_TOLERATED, *([_TOLERATED_BY_HOST_NETWORK] if spec.get("hostNetwork") else [])]
    for key, effect in wanted:
        entry = {"key": key, "operator": "Exists", "effect": effect}
        if entry not in present:
            present.append(entry)
    return present


def new_pod(owner: Obj, revision: Obj, node: str) -> Obj:
    """The pod of a node. The scheduler binds it, as it does all others, but can choose no other node."""
    pod = pod_from(template_of(revision), owner)
    labels = pod["metadata"].setdefault("labels", {})
    labels[REVISION_LABEL] = revision["metadata"]["labels"][REVISION_LABEL]
    generation = (owner["metadata"].get("annotations") or {}).get("deprecated.daemonset.template.generation")
    if generation:
        labels[GENERATION_LABEL] = generation
    spec = pod["spec"]
    spec["tolerations"] = tolerations(spec)
    affinity = copy.deepcopy(spec.get("affinity") or {})
    required = affinity.setdefault("nodeAffinity", {}).setdefault(
        "requiredDuringSchedulingIgnoredDuringExecution", {}
    )
    required["nodeSelectorTerms"] = [{"matchFields": [{"key": _NAME_FIELD, "operator": "In", "values": [node]}]}]
    spec["affinity"] = affinity
    return pod


def node_of(pod: Obj) -> str:
    """The node that a pod is on, or is meant for; "" if neither."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    node_affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == _NAME_FIELD and field.get("operator") == "In" and len(field["values"]) == 1:
                return str(field["values"][0])
    return ""


def should_run(owner: Obj, node: Obj) -> tuple[bool, bool]:
    """(whether the node should get a pod, whether one that is there may go on)."""
    spec = owner["spec"]["template"]["spec"]
    if spec.get("nodeName") and spec["nodeName"] != node["metadata"]["name"]:
        return False, False
    if not matches_required(spec, node):
        return False, False
    taints = [t for t in (node.get("spec") or {}).get("taints") or () if t.get("effect") != "PreferNoSchedule"]
    allowed = tolerations(spec)
    if not untolerated(taints, allowed):
        return True, True
    return False, not untolerated([taint for taint in taints if taint.get("effect") == "NoExecute"], allowed)
