"""What the cluster as a whole asks of an object before it is stored, beyond the rules of its own kind.

Sources: plugin/pkg/admission/{serviceaccount,defaulttolerationseconds,priority} of kubernetes, and
k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.
"""

from __future__ import annotations

import asyncio

from backend.apiserver.call import Call, Server
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.store.api import Entry

IMMORTAL_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})

_ACCOUNT_WAIT_SECONDS = 1.5
"""How long a pod waits for the account `default` of a new namespace, which a controller makes."""

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_TOLERATION_SECONDS = 300
_PRIORITIES = {"": 0, "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_MIRROR = "kubernetes.io/config.mirror"


async def admit_create(call: Call, obj: Obj) -> None:
    """Complete `obj`, in place, or raise why it may not be created."""
    resource = call.resource
    if resource.namespaced:
        _check_namespace(call, obj)
    if resource.plural == "pods" and not resource.group:
        await _set_account(call, obj)
        _set_tolerations(obj["spec"])
        _set_priority(call, obj)


def admit_delete(call: Call) -> None:
    """Some namespaces may not be deleted."""
    name = call.request.name
    if call.resource.plural == "namespaces" and not call.resource.group and name in IMMORTAL_NAMESPACES:
        raise errors.forbidden("namespaces", name, "this namespace may not be deleted")


def _refused(call: Call, obj: Obj, why: str) -> ApiError:
    meta = obj["metadata"]
    return errors.forbidden(
        call.resource.qualified, meta.get("name") or meta.get("generateName") or "Unknown", why
    )


def _check_namespace(call: Call, obj: Obj) -> None:
    namespace = call.request.namespace
    entry = call.server.store.get(f"core/namespaces/{namespace}")
    if entry is None:
        raise errors.not_found("namespaces", namespace)
    if (entry.obj.get("status") or {}).get("phase") != "Terminating":
        return
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = _refused(call, obj, why)
    error.details = {
        **(error.details or {}),
        "causes": [
            {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
        ],
    }
    raise error


async def _set_account(call: Call, pod: Obj) -> None:
    """A pod runs as an account that exists, and pulls images with that account's secrets."""
    spec = pod["spec"]
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return
    namespace = call.request.namespace
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    entry = await _find_account(call.server, f"core/serviceaccounts/{namespace}/{name}", wait=name == "default")
    if entry is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise _refused(call, pod, why)
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    pull_secrets = entry.obj.get("imagePullSecrets")
    if pull_secrets and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(secret) for secret in pull_secrets]


async def _find_account(server: Server, key: str, *, wait: bool) -> Entry | None:
    entry = server.store.get(key)
    if entry is not None or not wait:
        return entry
    watch = server.store.watch(key)
    try:
        async with asyncio.timeout(_ACCOUNT_WAIT_SECONDS):
            async for event in watch:
                if event.type != "DELETED":
                    return event.entry
    except TimeoutError:
        pass
    finally:
        watch.close()
    return None


def _set_tolerations(spec: Obj) -> None:
    """A pod stays five minutes on a node that is not ready or unreachable, unless it says otherwise."""
    tolerations = spec.get("tolerations") or []
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATION_SECONDS}
        for key in (_NOT_READY, _UNREACHABLE)
        if not any(
            toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
            for toleration in tolerations
        )
    ]
    if added:
        spec["tolerations"] = [*tolerations, *added]


def _set_priority(call: Call, pod: Obj) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName", "")
    if name not in _PRIORITIES:
        raise _refused(call, pod, f"no PriorityClass with name {name} was found")
    priority = _PRIORITIES[name]
    if spec.get("priority", priority) != priority:
        why = "the integer value of priority"
        text = (
            f"{why} ({spec['priority']}) must not be provided in pod spec; priority admission controller computed"
        )
        raise _refused(call, pod, f"{text} {priority} from the given PriorityClass name")
    spec["priority"] = priority
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
