"""Rules of a pod's containers. Source: validateContainers, validateInitContainers, validateContainerCommon."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.env_validation import validate_env, validate_env_from
from backend.resources.core.mount_validation import validate_devices, validate_mounts
from backend.resources.core.pod_resources_validation import validate_resources
from backend.resources.core.pod_security_validation import validate_container_security
from backend.resources.core.port_validation import host_port_conflicts, validate_ports
from backend.resources.core.probe_validation import validate_lifecycle, validate_probe

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_HOOKS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")
_EPHEMERAL_FORBIDDEN = (*_HOOKS, "ports", "resources", "resizePolicy")


def validate_containers(spec: Obj, volumes: Collection[str], path: str) -> list[Cause]:
    """`volumes` are the names of the pod's valid volumes."""
    main = spec.get("containers") or ()
    restart = spec.get("restartPolicy", "")
    found = _validate_main(main, volumes, restart, f"{path}.containers")
    taken = {container.get("name", "") for container in main}
    found += _validate_init(spec.get("initContainers") or (), taken, volumes, restart, f"{path}.initContainers")
    found += _validate_ephemeral(spec, taken, volumes, f"{path}.ephemeralContainers")
    if spec.get("hostNetwork"):
        found += _validate_host_network(main, f"{path}.containers")
        found += _validate_host_network(spec.get("initContainers") or (), f"{path}.initContainers")
    return found


def _validate_main(containers: Sequence[Obj], volumes: Collection[str], restart: str, path: str) -> list[Cause]:
    if not containers:
        return [causes.required(path)]
    found: list[Cause] = []
    seen: set[str] = set()
    for index, container in enumerate(containers):
        here = f"{path}[{index}]"
        found += _validate_common(container, volumes, here, restart)
        name = container.get("name", "")
        if name in seen:
            found.append(causes.duplicate(f"{here}.name", name))
        seen.add(name)
        found += _validate_hooks(container, here)
        if container.get("restartPolicy") is not None:
            found.append(causes.forbidden(f"{here}.restartPolicy", "may not be set for non-init containers"))
    return found + host_port_conflicts(containers, path)


def _validate_init(
    containers: Sequence[Obj], taken: set[str], volumes: Collection[str], restart: str, path: str
) -> list[Cause]:
    """`taken` are the names in use; those of the init containers are added."""
    found: list[Cause] = []
    for index, container in enumerate(containers):
        here = f"{path}[{index}]"
        found += _validate_common(container, volumes, here, restart)
        policy = container.get("restartPolicy")
        if policy is not None and policy != "Always":
            found.append(causes.not_supported(f"{here}.restartPolicy", policy, ("Always",)))
        name = container.get("name", "")
        if name in taken:
            found.append(causes.duplicate(f"{here}.name", name))
        elif name:
            taken.add(name)
        # They run one after the other: each may use a host port that another one uses.
        found += host_port_conflicts([container], path)
        if policy == "Always":
            found += _validate_hooks(container, here)
        else:
            found += [
                causes.forbidden(
                    f"{here}.{hook}", "may not be set for init containers without restartPolicy=Always"
                )
                for hook in _HOOKS
                if container.get(hook) is not None
            ]
    return found


def _validate_ephemeral(spec: Obj, taken: set[str], volumes: Collection[str], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        here = f"{path}[{index}]"
        found += _validate_common(container, volumes, here)
        name = container.get("name", "")
        if name in taken:
            found.append(causes.duplicate(f"{here}.name", name))
        taken.add(name)
        target = container.get("targetContainerName")
        if target and target not in {entry["name"] for entry in _regular(spec)}:
            found.append(causes.not_found(f"{here}.targetContainerName", target))
        found += [
            causes.forbidden(f"{here}.{field}", f"cannot be set for an Ephemeral Container: {field}")
            for field in _EPHEMERAL_FORBIDDEN
            if container.get(field)
        ]
        found += [
            causes.forbidden(f"{here}.volumeMounts[{number}].{field}", "cannot be set for an Ephemeral Container")
            for number, mount in enumerate(container.get("volumeMounts") or ())
            for field in ("subPath", "subPathExpr")
            if mount.get(field)
        ]
    return found


def _regular(spec: Obj) -> Iterable[Obj]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _validate_common(container: Obj, volumes: Collection[str], path: str, restart: str = "") -> list[Cause]:
    found: list[Cause] = []
    name = container.get("name", "")
    if name:
        found += causes.each_invalid(f"{path}.name", name, names.dns1123_label(name))
    else:
        found.append(causes.required(f"{path}.name"))
    if not container.get("image"):
        found.append(causes.required(f"{path}.image"))
    policy = container.get("terminationMessagePolicy")
    if policy not in _MESSAGE_POLICIES:
        found.append(causes.not_supported(f"{path}.terminationMessagePolicy", policy, _MESSAGE_POLICIES))
    found += validate_ports(container.get("ports") or (), f"{path}.ports")
    found += validate_env(container.get("env") or (), f"{path}.env")
    found += validate_env_from(container.get("envFrom") or (), f"{path}.envFrom")
    found += validate_mounts(container, volumes, path)
    found += validate_devices(container, volumes, path)
    pull = container.get("imagePullPolicy")
    if pull not in _PULL_POLICIES:
        found.append(causes.not_supported(f"{path}.imagePullPolicy", pull, _PULL_POLICIES))
    found += validate_resources(container.get("resources") or {}, f"{path}.resources")
    found += _validate_resize_policies(container.get("resizePolicy") or (), restart, f"{path}.resizePolicy")
    return found + validate_container_security(container.get("securityContext") or {}, f"{path}.securityContext")


def _validate_resize_policies(policies: Sequence[Obj], restart: str, path: str) -> list[Cause]:
    """Source: validateResizePolicy."""
    found: list[Cause] = []
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        name, wanted = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if name in seen:
            found.append(causes.duplicate(f"{path}[{index}]", name))
        seen.add(name)
        for value, known in ((name, ("cpu", "memory")), (wanted, _RESIZE_POLICIES)):
            if not value:
                found.append(causes.required(path))
            elif value not in known:
                found.append(causes.not_supported(path, value, known))
        if restart == "Never" and wanted != "NotRequired":
            detail = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            found.append(causes.invalid_value(path, wanted, detail))
    return found


def _validate_hooks(container: Obj, path: str) -> list[Cause]:
    found = validate_lifecycle(container.get("lifecycle") or {}, f"{path}.lifecycle")
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(kind) is not None:
            found += validate_probe(kind, container[kind], f"{path}.{kind}")
    return found


def _validate_host_network(containers: Sequence[Obj], path: str) -> list[Cause]:
    return [
        causes.invalid_value(
            f"{path}[{index}].ports[{number}].containerPort",
            port.get("containerPort", 0),
            "must match `hostPort` when `hostNetwork` is true",
        )
        for index, container in enumerate(containers)
        for number, port in enumerate(container.get("ports") or ())
        if port.get("hostPort", 0) != port.get("containerPort", 0)
    ]
