"""What a pod gets when its author left it out. Source: pkg/apis/core/v1/defaults.go.

Every function fills in place, and filling in twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.meta.types import Obj
from backend.resources.core.volume_defaults import default_field_ref, default_volume

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_PULL_BY_DIGEST_OR_TAG = "IfNotPresent"


def default_pod(pod: Obj) -> None:
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _default_requests(container)
    _default_pod_requests(spec)
    _complete_status(pod.setdefault("status", {}))


def _complete_status(status: Obj) -> None:
    """What Kubernetes' Go types always write, even when nobody set it."""
    for condition in status.get("conditions") or ():
        condition.setdefault("lastProbeTime", None)
        condition.setdefault("lastTransitionTime", None)
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(field) or ():
            container.setdefault("image", "")
            container.setdefault("imageID", "")
            container.setdefault("lastState", {})
            container.setdefault("ready", False)
            container.setdefault("restartCount", 0)
            container.setdefault("state", {})


def default_pod_spec(spec: Obj) -> None:
    """The defaults that a pod template shares with a pod."""
    for name, value in (
        ("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler"),
    ):  # fmt: skip
        if not spec.get(name):
            spec[name] = value
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    _default_service_account(spec)
    for container in _all_containers(spec):
        _default_container(container)
        if spec.get("hostNetwork"):
            for port in container.get("ports") or ():
                port["hostPort"] = port.get("hostPort") or port.get("containerPort", 0)
    for volume in spec.get("volumes") or ():
        default_volume(volume)


def _all_containers(spec: Obj) -> Iterator[Obj]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def _default_service_account(spec: Obj) -> None:
    """`serviceAccount` is the deprecated name of `serviceAccountName`, served beside it."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _default_container(container: Obj) -> None:
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for env in container.get("env") or ():
        _default_env_source(env.get("valueFrom") or {})
    for name in _PROBES:
        if probe := container.get(name):
            _default_probe(probe)
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_handler(handler)


def _default_env_source(source: Obj) -> None:
    if field_ref := source.get("fieldRef"):
        default_field_ref(field_ref)
    if resource_ref := source.get("resourceFieldRef"):
        resource_ref.setdefault("divisor", "0")
    if file_ref := source.get("fileKeyRef"):
        file_ref.setdefault("optional", False)


def _default_probe(probe: Obj) -> None:
    for name, value in _PROBE_DEFAULTS.items():
        if not probe.get(name):
            probe[name] = value
    if grpc := probe.get("grpc"):
        grpc.setdefault("service", "")
    _default_handler(probe)


def _default_handler(handler: Obj) -> None:
    if http := handler.get("httpGet"):
        http["path"] = http.get("path") or "/"
        http["scheme"] = http.get("scheme") or "HTTP"


def pull_policy(image: str) -> str:
    """Always for the tag `latest`, which an image without tag and digest means; else IfNotPresent."""
    name, _, digest = image.partition("@")
    last = name.rsplit("/", 1)[-1]
    _, _, tag = last.partition(":")
    if not image or (not tag and digest):
        return _PULL_BY_DIGEST_OR_TAG
    return "Always" if tag in ("", "latest") else _PULL_BY_DIGEST_OR_TAG


def _default_requests(container: Obj) -> None:
    """A limit without a request is the request too."""
    limits = container["resources"].get("limits")
    if limits:
        container["resources"]["requests"] = {**limits, **(container["resources"].get("requests") or {})}


def _default_pod_requests(spec: Obj) -> None:
    """The same for the pod's own resources; containers' requests come first if any of them has one."""
    limits = (spec.get("resources") or {}).get("limits")
    if not limits:
        return
    requests = spec["resources"].get("requests") or {}
    named = {
        name for container in spec.get("containers") or () for name in container["resources"].get("requests") or ()
    }
    missing = {name: amount for name, amount in limits.items() if name not in requests and name not in named}
    if missing or requests:
        spec["resources"]["requests"] = {**requests, **missing}
