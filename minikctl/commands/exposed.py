"""What an object tells of the service that would expose it.

Source: k8s.io/kubectl/pkg/polymorphichelpers (canBeExposed, mapBasedSelectorForObject, portsForObject,
multiProtocolsForObject).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from minikctl.client.errors import Failure

Obj = Mapping[str, Any]

EXPOSABLE = frozenset({"Pod", "Service", "ReplicationController", "Deployment.apps", "ReplicaSet.apps"})


def check(group: str, kind: str) -> None:
    """Raises Failure for a kind whose objects have no pods to expose."""
    qualified = f"{kind}.{group}" if group else kind
    if qualified not in EXPOSABLE:
        raise Failure(f"cannot expose a {qualified}")


def selector(obj: Obj) -> dict[str, str]:
    """The labels of its pods."""
    try:
        return _selector(obj, obj["kind"])
    except Failure as failure:
        text = f"couldn't retrieve selectors via --selector flag or introspection: {failure}"
        raise Failure(text) from None


def _selector(obj: Obj, kind: str) -> dict[str, str]:
    spec = obj.get("spec") or {}
    labels: dict[str, str]
    if kind == "Pod":
        labels = obj["metadata"].get("labels") or {}
        if not labels:
            raise Failure("the pod has no labels and cannot be exposed")
        return labels
    found: Any = spec.get("selector")
    if kind == "Service" and found is None:
        raise Failure("the service has no pod selector set")
    if kind in ("Service", "ReplicationController"):
        labels = found or {}
        if not labels:
            raise Failure("no label spec passed")
        return labels
    found = found or {}
    labels = found.get("matchLabels") or {}
    if not labels:
        raise Failure(f"invalid {kind.lower()}: no selectors, therefore cannot be exposed")
    expressions = found.get("matchExpressions")
    if expressions:
        shown = " ".join(_go_requirement(each) for each in expressions)
        raise Failure(f'couldn\'t convert expressions - "[{shown}]" to map-based selector format')
    return labels


def _go_requirement(expression: Obj) -> str:
    values = " ".join(expression.get("values") or ())
    return f"{{Key:{expression['key']} Operator:{expression['operator']} Values:[{values}]}}"


def ports(obj: Obj) -> list[str]:
    """The numbers of its ports, each once."""
    return [*dict.fromkeys(number for number, _ in _ports(obj))]


def protocols(obj: Obj) -> dict[str, list[str]]:
    """The protocols of each port."""
    found: dict[str, list[str]] = {}
    for number, protocol in _ports(obj):
        known = found.setdefault(number, [])
        if protocol not in known:
            known.append(protocol)
    return found


def _ports(obj: Obj) -> Iterator[tuple[str, str]]:
    spec = obj.get("spec") or {}
    if obj["kind"] == "Service":
        for port in spec.get("ports") or ():
            yield str(port.get("port", 0)), port.get("protocol") or "TCP"
        return
    if obj["kind"] != "Pod":
        spec = (spec.get("template") or {}).get("spec") or {}
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            yield str(port.get("containerPort", 0)), port.get("protocol") or "TCP"
