"""Which container of a pod a command means. Source: k8s.io/kubectl/pkg/cmd/util/podcmd/podcmd.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikctl.client.errors import Failure
from minikctl.command import Flag

if TYPE_CHECKING:
    from typing import TextIO

    from minikctl.client.factory import Factory

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"

CONTAINER_KINDS = (("containers", ""), ("initContainers", " (init)"), ("ephemeralContainers", " (ephem)"))


def pod_running_flag(default: float, text: str) -> Flag:
    return Flag(
        "pod-running-timeout", "duration", default,
        "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running"
        f"{text}",
    )  # fmt: skip


def container_names(pod: dict[str, Any]) -> list[str]:
    """All, in the order of the spec: containers, then init containers, then ephemeral ones."""
    return [container["name"] for kind, _ in CONTAINER_KINDS for container in pod["spec"].get(kind) or []]


def default_container(pod: dict[str, Any], warn: TextIO | None) -> str:
    """The one that the pod's annotation names, or the first; `warn` is told of the choice among several."""
    names = container_names(pod)
    annotated: str = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    if annotated in names:
        return annotated
    if annotated and warn is not None:
        warn.write(f'Default container name "{annotated}" not found in pod {pod["metadata"]["name"]}\n')
    if not names:
        raise Failure("no containers found")
    if len(names) > 1 and warn is not None:
        shown = [
            f"{container['name']}{mark}"
            for kind, mark in CONTAINER_KINDS
            for container in pod["spec"].get(kind) or []
        ]
        warn.write(f'Defaulted container "{names[0]}" out of: {", ".join(shown)}\n')
    return names[0]


def check_container(pod: dict[str, Any], name: str) -> None:
    if name not in container_names(pod):
        raise Failure(f"container {name} not found in pod {pod['metadata']['name']}")


def find_pod(factory: Factory, argument: str, what: str) -> dict[str, Any]:
    """The pod that `NAME`, `pod/NAME` or another `TYPE/NAME` means. `what` words the refusal of other types."""
    resource, slash, name = argument.partition("/")
    if not slash:
        resource, name = "pods", argument
    mapping = factory.mapper.find(resource)
    if not name or "/" in name:
        raise Failure("arguments in resource/name form must have a single resource and name")
    found = factory.client.get(mapping.path(factory.namespace, name))
    if mapping.kind != "Pod" or mapping.group:
        kind = f"*{mapping.version}.{mapping.kind}"
        raise Failure(f"cannot {what} {kind}: selector for {kind} not implemented")
    return found
