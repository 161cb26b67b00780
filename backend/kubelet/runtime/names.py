"""Names and labels by which containers are found again, as in dockershim (pkg/kubelet/dockershim/naming.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CLUSTER_LABEL = "minikctl.cluster"
TYPE_LABEL = "io.kubernetes.docker.type"
PID_MODE_LABEL = "minikctl.pid"
IPC_MODE_LABEL = "minikctl.ipc"
"""On a sandbox: the namespaces that its containers take, "pod" (the sandbox's), "host", or none (their own)."""
SANDBOX_ID_LABEL = "io.kubernetes.sandbox.id"
CONTAINER_NAME_LABEL = "io.kubernetes.container.name"
POD_NAME_LABEL = "io.kubernetes.pod.name"
POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
POD_UID_LABEL = "io.kubernetes.pod.uid"
_POD_LABELS = (POD_NAME_LABEL, POD_NAMESPACE_LABEL, POD_UID_LABEL)


class ContainerName(NamedTuple):
    """k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT; a sandbox's container is called POD. No part can contain `_`."""

    container: str
    pod: str
    namespace: str
    uid: str
    attempt: int

    def __str__(self) -> str:
        return f"k8s_{self.container}_{self.pod}_{self.namespace}_{self.uid}_{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> ContainerName | None:
        """None for a name that is not of this form. Docker prints names with a leading slash."""
        parts = text.lstrip("/").split("_")
        if len(parts) != 6 or parts[0] != "k8s" or not parts[5].isdigit():
            return None
        return cls(parts[1], parts[2], parts[3], parts[4], int(parts[5]))


def pod_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: labels[key] for key in _POD_LABELS if key in labels}
