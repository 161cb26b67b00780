"""Which container of a pod a command means. Source: k8s.io/kubectl/pkg/cmd/util/podcmd/podcmd.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikctl.client.builder import Query, collect, split_args
from minikctl.client.errors import Failure
from minikctl.command import Flag

if TYPE_CHECKING:
    from typing import TextIO

    from minikctl.client.factory import Factory
    from minikctl.client.rest import ResourceMapping
    from minikctl.command import Invocation

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
        warn.write(f'Defaulted container "{names[0]}" out of: {_marked_names(pod)}\n')
    return names[0]


def _marked_names(pod: dict[str, Any]) -> str:
    return ", ".join(
        f"{container['name']}{mark}" for kind, mark in CONTAINER_KINDS for container in pod["spec"].get(kind) or []
    )


def check_container(pod: dict[str, Any], name: str) -> None:
    if name not in container_names(pod):
        pod_name = pod["metadata"]["name"]
        raise Failure(f"container {name} is not valid for pod {pod_name} out of: {_marked_names(pod)}")


def check_running_timeout(call: Invocation) -> None:
    if call.flags["pod-running-timeout"] <= 0:
        raise Failure("--pod-running-timeout must be higher than zero")


def find_pod(factory: Factory, argument: str, timeout: float) -> dict[str, Any]:
    """The pod that `NAME`, `pod/NAME` or another `TYPE/NAME` means, of a workload or a service the most active one."""
    from minikctl.commands.attachable import attachable_pod

    mapping, found = find_object(factory, argument)
    return attachable_pod(factory, mapping, found, timeout)


def find_object(factory: Factory, argument: str) -> tuple[ResourceMapping, dict[str, Any]]:
    """What `NAME`, which is a pod's, or `TYPE/NAME` means."""
    pairs, _, _ = split_args([argument])
    resource, name = pairs[0] if pairs else ("pods", argument)
    mapping = factory.mapper.find(resource)
    return mapping, collect(factory, Query(args=[f"{resource}/{name}"])).check()[0].object
