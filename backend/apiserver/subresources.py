"""Endpoints below an object that are more than a part of it: binding, eviction, finalize, ephemeral containers.

Sources: pkg/registry/core/pod/storage (BindingREST, EvictionREST), pkg/registry/core/namespace/strategy.go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from backend.apiserver import decoding, disruption
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.call import Call, One, Plain, success
from backend.apiserver.deleting import delete_object
from backend.apiserver.options import validate_delete
from backend.apiserver.patching import patch_at
from backend.apiserver.reading import find
from backend.apiserver.updating import Endpoint, replace
from backend.meta import causes, errors
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.pod_validation import validate_pod_spec
from backend.store.api import RevisionMismatch


async def bind(call: Call) -> Plain:
    """pods/binding: the pod is given to a node, once."""
    binding = await _admitted(call, decoding.decode_as(call, "io.k8s.api.core.v1.Binding", "Binding", "v1"))
    target, meta = binding.get("target") or {}, binding.get("metadata") or {}
    name = call.request.name
    if meta.get("name", name) != name:
        raise errors.bad_request("name in URL does not match name in Binding object")
    _check_target(name, target)
    while True:
        old = find(call)
        pod = old.obj
        _check_bindable(pod, name, target, meta)
        bound: Obj = {
            **pod,
            "metadata": dict(pod["metadata"]),
            "spec": {**pod["spec"], "nodeName": target["name"]},
        }
        if meta.get("annotations"):
            bound["metadata"]["annotations"] = {
                **(bound["metadata"].get("annotations") or {}),
                **meta["annotations"],
            }
        bound["status"] = _scheduled(pod.get("status") or {}, call.server.now())
        if call.dry_run:
            return success(201)
        try:
            await call.server.store.update(old.key, bound, revision=old.revision)
        except RevisionMismatch:
            continue
        return success(201)


async def bind_posted(call: Call) -> Plain:
    """The same, posted to the namespace's bindings: the pod is the one that the Binding is named after."""
    binding = decoding.decode_as(call, "io.k8s.api.core.v1.Binding", "Binding", "v1")
    name = (binding.get("metadata") or {}).get("name", "")
    pods = call.server.catalog.find("", "v1", "pods")
    assert pods is not None
    request = dataclasses.replace(call.request, resource="pods", name=name, subresource="binding")
    return await bind(Call(call.server, pods, request, call.dry_run, call.warnings))


async def _admitted(call: Call, posted: Obj) -> Obj:
    """What admission makes of an object that is posted below another and not stored by itself."""
    attributes = Attributes(call, "CREATE", posted)
    await call.server.admission.pass_through(attributes)
    return attributes.new


def _check_target(name: str, target: Obj) -> None:
    found: list[Cause] = []
    if target.get("kind", "") not in ("", "Node"):
        found.append(causes.not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        found.append(causes.required("target.name"))
    if found:
        raise errors.invalid("Binding", name, found)


def _check_bindable(pod: Obj, name: str, target: Obj, meta: Obj) -> None:
    own = pod["metadata"]
    if meta.get("uid") and meta["uid"] != own["uid"]:
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {own['uid']}"
        raise errors.conflict("pods/binding", name, why)
    if own.get("deletionTimestamp"):
        raise errors.conflict("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    node = pod["spec"].get("nodeName")
    if node:
        raise errors.conflict("pods/binding", name, f'pod {name} is already assigned to node "{node}"')
    if pod["spec"].get("schedulingGates"):
        raise errors.conflict("pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")


def _scheduled(status: Obj, now: str) -> Obj:
    condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
    others = [c for c in status.get("conditions") or [] if c.get("type") != "PodScheduled"]
    return {**status, "conditions": [*others, condition]}


async def evict(call: Call) -> Plain:
    """pods/eviction: a deletion that a disruption budget may refuse."""
    body = call.request.body
    version = (
        "policy/v1beta1" if isinstance(body, dict) and body.get("apiVersion") == "policy/v1beta1" else "policy/v1"
    )
    eviction = await _admitted(
        call, decoding.decode_as(call, "io.k8s.api.policy.v1.Eviction", "Eviction", version)
    )
    if (eviction.get("metadata") or {}).get("name", "") != call.request.name:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    options = eviction.get("deleteOptions") or {}
    validate_delete(options)
    call.dry_run = call.dry_run or bool(options.get("dryRun"))
    await disruption.claim(call)
    await delete_object(call, options)
    return success(201)


def _keep_all_but_finalizers(_call: Call, new: Obj, old: Obj) -> None:
    if "status" in old:
        new["status"] = old["status"]


def _no_causes(_call: Call, _new: Obj, _old: Obj) -> Sequence[Cause]:
    return ()


FINALIZE = Endpoint(_keep_all_but_finalizers, _no_causes)


async def finalize(call: Call) -> One:
    """namespaces/finalize: the only way to take a finalizer out of a namespace's spec."""
    return await replace(call, FINALIZE)


def _keep_all_but_ephemeral(_call: Call, new: Obj, old: Obj) -> None:
    added = (new.get("spec") or {}).get("ephemeralContainers")
    new["status"] = old.get("status") or {}
    new["spec"] = {name: value for name, value in old["spec"].items() if name != "ephemeralContainers"}
    if added:
        new["spec"]["ephemeralContainers"] = added


def _ephemeral_causes(_call: Call, new: Obj, old: Obj) -> Sequence[Cause]:
    """Existing ones stay as they are. Source: ValidatePodEphemeralContainersUpdate."""
    path = "spec.ephemeralContainers"
    found = validate_pod_spec(new["spec"], "spec")
    present = {container.get("name"): container for container in new["spec"].get("ephemeralContainers") or ()}
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container["name"]
        quoted = causes.go_quote(name)
        if name not in present:
            found.append(causes.forbidden(path, f"existing ephemeral containers {quoted} may not be removed\n"))
        elif present[name] != container:
            found.append(causes.forbidden(path, f"existing ephemeral containers {quoted} may not be changed\n"))
    return found


EPHEMERAL_CONTAINERS = Endpoint(_keep_all_but_ephemeral, _ephemeral_causes)


async def update_ephemeral(call: Call) -> One:
    return await replace(call, EPHEMERAL_CONTAINERS)


async def patch_ephemeral(call: Call) -> One:
    return await patch_at(call, EPHEMERAL_CONTAINERS)
