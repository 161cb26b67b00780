"""DefaultTolerationSeconds: unless it says otherwise, a pod stays five minutes on a node that is lost or not ready.

Source: plugin/pkg/admission/defaulttolerationseconds.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.resources.resource import Resource

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_SECONDS = 300


class DefaultTolerationSeconds:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation in ("CREATE", "UPDATE") and resource.qualified == "pods" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        spec = attributes.new["spec"]
        tolerations = spec.get("tolerations") or []
        added = [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _SECONDS}
            for key in (_NOT_READY, _UNREACHABLE)
            if not any(
                toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
                for toleration in tolerations
            )
        ]
        if added:
            spec["tolerations"] = [*tolerations, *added]
