"""Whether a node is one that a pod asks for. Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity."""

from __future__ import annotations

from backend.meta.types import Obj

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def matches_required(spec: Obj, node: Obj) -> bool:
    """The node selector and the required node affinity together."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = _node_affinity(spec).get(_REQUIRED)
    if required is None:
        return True
    return any(_matches_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def preferred_weight(spec: Obj, node: Obj) -> int:
    """The sum of the weights of what the pod prefers and the node has."""
    return sum(
        preferred.get("weight", 0)
        for preferred in _node_affinity(spec).get(_PREFERRED) or ()
        if _matches_term(preferred.get("preference") or {}, node)
    )


def _node_affinity(spec: Obj) -> Obj:
    return (spec.get("affinity") or {}).get("nodeAffinity") or {}


def _matches_term(term: Obj, node: Obj) -> bool:
    """All requirements of the term; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    labels = node["metadata"].get("labels") or {}
    names = {"metadata.name": node["metadata"]["name"]}
    return all(_matches(entry, labels) for entry in expressions) and all(
        _matches(entry, names) for entry in fields
    )


def _matches(requirement: Obj, labels: dict[str, str]) -> bool:
    operator, values = requirement["operator"], requirement.get("values") or []
    value = labels.get(requirement["key"])
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    try:
        actual, bound = int(value or ""), int(values[0])
    except ValueError:
        return False
    return actual > bound if operator == "Gt" else actual < bound
