"""Priority: a pod's priority is that of its class. Source: plugin/pkg/admission/priority."""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.resources.resource import Resource

_PRIORITIES = {"": 0, "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


class Priority:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified == "pods" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        spec = attributes.new["spec"]
        name = spec.get("priorityClassName", "")
        if name not in _PRIORITIES:
            raise attributes.forbidden(f"no PriorityClass with name {name} was found")
        priority = _PRIORITIES[name]
        if spec.get("priority", priority) != priority:
            text = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec"
            why = f"priority admission controller computed {priority} from the given PriorityClass name"
            raise attributes.forbidden(f"{text}; {why}")
        spec["priority"] = priority
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
