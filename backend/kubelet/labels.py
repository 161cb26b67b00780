"""The labels by which a restarted kubelet finds its pods and containers again.

The names are the kubelet's (k8s.io/kubernetes/pkg/kubelet/types/labels.go and kuberuntime/labels.go); what the
kubelet keeps in CRI annotations is a label too, since Docker has only those. The runtime adds the cluster's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from backend.kubelet.podspec import grace_period, spec_hash
from backend.kubelet.runtime.api import PodState
from backend.meta.types import Obj

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
SANDBOX_ID = "io.kubernetes.sandbox.id"
HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
PRE_STOP = "io.kubernetes.container.preStopHandler"
GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"


def sandbox_labels(pod: Obj) -> dict[str, str]:
    meta = pod["metadata"]
    return {
        POD_NAME: meta["name"],
        POD_NAMESPACE: meta["namespace"],
        POD_UID: meta["uid"],
        GRACE_PERIOD: str(grace_period(pod)),
    }


def container_labels(pod: Obj, container: Obj, sandbox_id: str, attempt: int) -> dict[str, str]:
    labels = {
        **sandbox_labels(pod),
        CONTAINER_NAME: container["name"],
        SANDBOX_ID: sandbox_id,
        HASH: spec_hash(container),
        RESTART_COUNT: str(attempt),
        TERMINATION_MESSAGE_PATH: container.get("terminationMessagePath", "/dev/termination-log"),
        TERMINATION_MESSAGE_POLICY: container.get("terminationMessagePolicy", "File"),
    }
    pre_stop = container.get("lifecycle", {}).get("preStop")
    if pre_stop:
        labels[PRE_STOP] = json.dumps(pre_stop, separators=(",", ":"))
    return labels


def labelled_grace(labels: Mapping[str, str]) -> float:
    """Seconds to give a container of a pod that no API server knows any more."""
    try:
        return float(labels.get(GRACE_PERIOD, "30"))
    except ValueError:
        return 30.0


def labelled_container(labels: Mapping[str, str]) -> Obj:
    """As much of a container's spec as killing it needs, restored from its labels."""
    container: Obj = {"name": labels.get(CONTAINER_NAME, "")}
    if PRE_STOP in labels:
        container["lifecycle"] = {"preStop": json.loads(labels[PRE_STOP])}
    return container


def orphan_pod(state: PodState) -> Obj:
    """A pod of which only the engine knows, as far as ending it needs one."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": state.name, "namespace": state.namespace, "uid": state.uid},
        "spec": {"containers": []},
    }
