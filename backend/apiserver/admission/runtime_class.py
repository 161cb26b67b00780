"""RuntimeClass: a pod has the overhead and the node constraints of its runtime class.

Source: plugin/pkg/admission/runtimeclass.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.meta import resource_list
from backend.meta.types import Obj
from backend.resources.resource import Resource


class RuntimeClass:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified == "pods" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        spec = attributes.new["spec"]
        runtime = _runtime_class(attributes)
        if runtime is None:
            return
        overhead = (runtime.get("overhead") or {}).get("podFixed")
        if overhead:
            if spec.get("overhead") and not _same(spec["overhead"], overhead):
                why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
                raise attributes.forbidden(why)
            spec["overhead"] = dict(overhead)
        scheduling = runtime.get("scheduling") or {}
        _select_nodes(attributes, scheduling.get("nodeSelector") or {})
        tolerations = scheduling.get("tolerations") or ()
        own = spec.get("tolerations") or []
        added = [dict(toleration) for toleration in tolerations if toleration not in own]
        if added:
            spec["tolerations"] = [*own, *added]

    async def validate(self, attributes: Attributes) -> None:
        """Only a class gives an overhead."""
        spec = attributes.new["spec"]
        if not spec.get("overhead"):
            return
        runtime = _runtime_class(attributes)
        if runtime is None:
            raise attributes.forbidden("pod rejected: Pod Overhead set without corresponding RuntimeClass")
        overhead = (runtime.get("overhead") or {}).get("podFixed") or {}
        if not _same(spec["overhead"], overhead):
            raise attributes.forbidden(
                "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            )


def _runtime_class(attributes: Attributes) -> Obj | None:
    name = attributes.new["spec"].get("runtimeClassName")
    if not name:
        return None
    entry = attributes.call.server.store.get(f"node.k8s.io/runtimeclasses/{name}")
    if entry is None:
        raise attributes.forbidden(f'pod rejected: RuntimeClass "{name}" not found')
    return entry.obj


def _same(left: Obj, right: Obj) -> bool:
    return resource_list.same(resource_list.amounts(left), resource_list.amounts(right))


def _select_nodes(attributes: Attributes, selector: Obj) -> None:
    spec = attributes.new["spec"]
    own = spec.get("nodeSelector") or {}
    for key, value in selector.items():
        if own.get(key, value) != value:
            texts = (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}]"
            )
            raise attributes.forbidden(f"{texts} = {own[key]}")
    if selector:
        spec["nodeSelector"] = {**own, **selector}
