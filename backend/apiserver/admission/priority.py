"""Priority: a pod's priority is that of its class, and one class at most is the default.

Source: plugin/pkg/admission/priority, and Delete of pkg/registry/scheduling/priorityclass/storage.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta.types import Obj
from backend.resources.resource import Resource
from backend.resources.scheduling.priority_class import SYSTEM_CLASSES
from backend.store.api import Store

_CLASSES = "scheduling.k8s.io/priorityclasses/"
_CARRIED = ("priority", "preemptionPolicy")
_NO_CLASS: Obj = {"metadata": {"name": ""}, "value": 0, "preemptionPolicy": "PreemptLowerPriority"}


class Priority:
    def __init__(self) -> None:
        self._classes = Stored(_CLASSES)

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if subresource:
            return False
        if resource.qualified == "pods":
            return operation in ("CREATE", "UPDATE")
        return resource.qualified == "priorityclasses.scheduling.k8s.io" and operation != "CONNECT"

    async def admit(self, attributes: Attributes) -> None:
        if attributes.resource.plural != "pods":
            return
        if attributes.old is not None:
            _carry(attributes.new["spec"], attributes.old["spec"])
        else:
            self._set(attributes)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.resource.plural != "priorityclasses":
            return
        if attributes.operation == "DELETE":
            if attributes.old is not None and attributes.old["metadata"]["name"] in SYSTEM_CLASSES:
                raise attributes.forbidden("this is a system priority class and cannot be deleted")
            return
        priority_class = attributes.new
        default = self._default(attributes.call.server.store) if priority_class.get("globalDefault") else None
        if default is None:
            return
        name = default["metadata"]["name"]
        if attributes.operation == "CREATE" or name != priority_class["metadata"]["name"]:
            text = f"PriorityClass {name} is already marked as default. Only one default can exist"
            raise attributes.forbidden(text)

    def _default(self, store: Store) -> Obj | None:
        """The class of pods that name none. Of several, which nobody meant, it is the least."""
        found = [entry.obj for entry in self._classes.entries(store) if entry.obj.get("globalDefault")]
        return min(found, key=lambda priority_class: int(priority_class["value"]), default=None)

    def _class_of(self, attributes: Attributes) -> Obj:
        store, name = attributes.call.server.store, attributes.new["spec"].get("priorityClassName") or ""
        if not name:
            return self._default(store) or _NO_CLASS
        entry = store.get(f"{_CLASSES}{name}")
        if entry is None:
            raise attributes.forbidden(f"no PriorityClass with name {name} was found")
        return entry.obj

    def _set(self, attributes: Attributes) -> None:
        spec = attributes.new["spec"]
        found = self._class_of(attributes)
        computed = "must not be provided in pod spec; priority admission controller computed"
        for field, text, value in (
            ("priority", "the integer value of priority", found["value"]),
            ("preemptionPolicy", "the string value of PreemptionPolicy", found.get("preemptionPolicy")),
        ):
            if value is None:
                continue
            if spec.get(field, value) != value:
                why = f"{text} ({spec[field]}) {computed} {value} from the given PriorityClass name"
                raise attributes.forbidden(why)
            spec[field] = value
        if found["metadata"]["name"]:
            spec["priorityClassName"] = found["metadata"]["name"]


def _carry(spec: Obj, old: Obj) -> None:
    """What admission once set, an update need not repeat."""
    for name in _CARRIED:
        if spec.get(name) is None and name in old:
            spec[name] = old[name]
