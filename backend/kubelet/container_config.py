"""One container as the engine is asked for it.

Source of the rules: pkg/kubelet/kuberuntime (kuberuntime_container_linux.go, security_context_others.go) and
pkg/kubelet/qos/policy.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from backend.kubelet.env import expand
from backend.kubelet.labels import container_labels
from backend.kubelet.podspec import full_name, qos_class
from backend.kubelet.runtime.api import CgroupLimits, ContainerConfig, Image, Mount, SandboxState
from backend.kubelet.start_failure import StartFailure
from backend.meta import quantity
from backend.meta.types import Obj

CFS_PERIOD = 100_000
MIN_SHARES = 2
MAX_SHARES = 262_144
MIN_QUOTA = 1000
OOM_SCORES = {"Guaranteed": -997, "BestEffort": 1000}


def container_config(
    pod: Obj, container: Obj, *, attempt: int, sandbox: SandboxState, image: Image,
    env: Sequence[tuple[str, str]], mounts: Sequence[Mount], node_memory: int, target_id: str = "",
) -> ContainerConfig:  # fmt: skip
    """Raises StartFailure(CreateContainerConfigError) where the security context forbids the image's user.

    `target_id` is the container whose processes this one is to see.
    """
    pod_security = pod["spec"].get("securityContext") or {}
    security = {**_shared(pod_security), **(container.get("securityContext") or {})}
    _verify_non_root(pod, container, security, image)
    variables = dict(env)
    capabilities = security.get("capabilities") or {}
    resources = container.get("resources") or {}
    privileged = bool(security.get("privileged"))
    return ContainerConfig(
        name=container["name"],
        image_id=image.id,
        attempt=attempt,
        labels=container_labels(pod, container, sandbox.id, attempt),
        command=_expanded(container.get("command"), variables),
        args=_expanded(container.get("args"), variables),
        env=env,
        mounts=mounts,
        working_dir=container.get("workingDir", ""),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        user=_user(security, image),
        groups=_groups(pod_security),
        privileged=privileged,
        read_only_rootfs=bool(security.get("readOnlyRootFilesystem")),
        no_new_privileges=security.get("allowPrivilegeEscalation") is False and not privileged,
        cap_add=capabilities.get("add") or (),
        cap_drop=capabilities.get("drop") or (),
        cpu_shares=_cpu_shares(resources),
        cpu_quota=_cpu_quota(resources),
        cpu_period=CFS_PERIOD,
        memory_bytes=int(_amount(resources.get("limits"), "memory")),
        oom_score_adj=_oom_score_adj(pod, resources, node_memory),
        process_namespace_of=target_id,
        stop_signal=(container.get("lifecycle") or {}).get("stopSignal", ""),
    )


def cgroup_limits(resources: Obj) -> CgroupLimits:
    """Requests and limits, as the engine is given them."""
    memory = int(_amount(resources.get("limits"), "memory"))
    return CgroupLimits(_cpu_shares(resources), _cpu_quota(resources), CFS_PERIOD, memory)


def _expanded(words: Sequence[str] | None, variables: Mapping[str, str]) -> list[str] | None:
    return [expand(word, variables) for word in words] if words else None


def _shared(pod_security: Obj) -> Obj:
    """What a pod's security context says for containers that do not say it themselves."""
    return {
        name: pod_security[name] for name in ("runAsUser", "runAsGroup", "runAsNonRoot") if name in pod_security
    }


def _user(security: Obj, image: Image) -> str:
    user, group = security.get("runAsUser"), security.get("runAsGroup")
    if group is None:
        return "" if user is None else str(user)
    name = str(user) if user is not None else image.user.partition(":")[0] or "0"
    return f"{name}:{group}"


def _groups(pod_security: Obj) -> list[int]:
    groups = [int(group) for group in pod_security.get("supplementalGroups") or ()]
    if pod_security.get("fsGroup") is not None:
        groups.append(int(pod_security["fsGroup"]))
    return groups


def _verify_non_root(pod: Obj, container: Obj, security: Obj, image: Image) -> None:
    if not security.get("runAsNonRoot"):
        return
    user = security.get("runAsUser")
    where = f'(pod: "{full_name(pod)}", container: {container["name"]})'
    image_user = image.user.partition(":")[0]
    if user is not None:
        why = "container's runAsUser breaks non-root policy" if user == 0 else ""
    elif image_user in ("", "0", "root"):
        why = "container has runAsNonRoot and image will run as root"
    elif not image_user.isdigit():
        why = f"container has runAsNonRoot and image has non-numeric user ({image_user})"
        why += ", cannot verify user is non-root"
    else:
        why = ""
    if why:
        raise StartFailure("CreateContainerConfigError", f"{why} {where}")


def _amount(resources: Obj | None, name: str) -> float:
    return float(quantity.parse(str(resources[name]))) if resources and name in resources else 0.0


def _cpu_shares(resources: Obj) -> int:
    requested = _amount(resources.get("requests"), "cpu") or _amount(resources.get("limits"), "cpu")
    return min(MAX_SHARES, max(MIN_SHARES, int(requested * 1024)))


def _cpu_quota(resources: Obj) -> int:
    limit = _amount(resources.get("limits"), "cpu")
    return max(MIN_QUOTA, int(limit * CFS_PERIOD)) if limit else 0


def _oom_score_adj(pod: Obj, resources: Obj, node_memory: int) -> int:
    fixed = OOM_SCORES.get(qos_class(pod))
    if fixed is not None:
        return fixed
    requested = _amount(resources.get("requests"), "memory")
    score = 1000 - math.floor(1000 * requested / node_memory) if node_memory else 999
    return min(999, max(3, score))
