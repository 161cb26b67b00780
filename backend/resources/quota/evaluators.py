"""What objects take of quotas, kind by kind: at admission, and when usage is counted anew.

Sources: pkg/quota/v1/evaluator/core, and k8s.io/apiserver/pkg/quota/v1/generic.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.meta import resource_list, timefmt
from backend.meta.resource_list import Amounts
from backend.meta.types import Obj
from backend.resources.core import resource_names
from backend.resources.core.pod_totals import total_with_overhead
from backend.resources.quota import scopes

_COUNT = "count/"
_ALIASES = frozenset({"configmaps", "resourcequotas", "replicationcontrollers", "secrets"})
"""Kinds of core that quotas can also count by their bare name; pods, services and claims have rules of their own."""
_PER_CLASS = ".storageclass.storage.k8s.io/"
_POD_NAMES = frozenset(
    {"pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
     "limits.cpu", "limits.memory", "limits.ephemeral-storage"}
)  # fmt: skip
_SERVICE_NAMES = frozenset({"services", "services.nodeports", "services.loadbalancers"})
_CLAIM_NAMES = frozenset({"persistentvolumeclaims", "requests.storage"})
_REQUIRED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
"""A quota of these asks every container to say how much of it it takes."""


class Evaluator:
    """Of one kind: this one counts objects and no more."""

    def __init__(self, group: str, plural: str) -> None:
        self.count = f"{_COUNT}{plural}.{group}" if group else f"{_COUNT}{plural}"
        self._names = {self.count, plural} if not group and plural in _ALIASES else {self.count}

    def handles(self, operation: str, subresource: str) -> bool:
        """Whether a request can change what is used."""
        return operation == "CREATE" and not subresource

    def names(self, hard: Iterable[str]) -> list[str]:
        """Those of a quota's resources that this kind uses, sorted."""
        return sorted(name for name in hard if self._uses(name))

    def _uses(self, name: str) -> bool:
        return name in self._names

    def usage(self, obj: Obj, now: float) -> Amounts:
        """How much one object takes, by the resources' names in quotas. `now`: seconds since the epoch."""
        return dict.fromkeys(self._names, "1")

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return False

    def missing(self, names: Iterable[str], obj: Obj) -> str:
        """What the object must say for a quota of `names`, as an error text; "" if it does."""
        return ""

    def matches(self, quota: Obj, hard: Iterable[str], obj: Obj) -> bool:
        """Whether the quota limits the object at all."""
        return bool(self.names(hard)) and all(
            self.matches_scope(requirement, obj) for requirement in scopes.requirements(quota)
        )


class _Pods(Evaluator):
    def handles(self, operation: str, subresource: str) -> bool:
        return (operation == "CREATE" and not subresource) or (operation == "UPDATE" and subresource == "resize")

    def _uses(self, name: str) -> bool:
        huge = name.removeprefix(resource_names.REQUESTS)
        return (
            name == self.count
            or name in _POD_NAMES
            or resource_names.is_huge_pages(huge)
            or (resource_names.is_extended_in_quota(name) and _PER_CLASS not in name)
        )

    def usage(self, obj: Obj, now: float) -> Amounts:
        """Every pod counts as an object; it takes resources until it has ended."""
        counted = {self.count: "1"}
        if _has_ended(obj, now):
            return counted
        spec = obj["spec"]
        return counted | _compute(total_with_overhead(spec, "requests"), total_with_overhead(spec, "limits"))

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return scopes.pod_matches(requirement, obj)

    def missing(self, names: Iterable[str], obj: Obj) -> str:
        """Source: Constraints. A pod that says what it takes as a whole need not say it container by container."""
        spec = obj["spec"]
        required = _REQUIRED.intersection(names)
        if not required or spec.get("resources"):
            return ""
        lacking: dict[str, set[str]] = {}
        for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
            for name in required - _compute_of(container).keys():
                lacking.setdefault(name, set()).add(container["name"])
        texts = [f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking)]
        return f"must specify {'; '.join(texts)}" if texts else ""


def _compute_of(holder: Obj) -> Amounts:
    resources = holder.get("resources") or {}
    return _compute(
        resource_list.amounts(resources.get("requests")), resource_list.amounts(resources.get("limits"))
    )


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    """Source: podComputeUsageHelper."""
    used = {"pods": "1"}
    for name, amount in requests.items():
        asked = f"{resource_names.REQUESTS}{name}"
        if name in resource_names.COMPUTE or resource_names.is_huge_pages(name):
            used[name] = used[asked] = amount
        elif resource_names.is_extended(name):
            used[asked] = amount
    for name in resource_names.COMPUTE & limits.keys():
        used[f"limits.{name}"] = limits[name]
    return used


def _has_ended(pod: Obj, now: float) -> bool:
    """Source: QuotaV1Pod."""
    if (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
        return True
    meta = pod["metadata"]
    deleted, grace = meta.get("deletionTimestamp"), meta.get("deletionGracePeriodSeconds")
    return bool(deleted) and grace is not None and now > timefmt.parse(deleted) + grace


class _Services(Evaluator):
    def handles(self, operation: str, subresource: str) -> bool:
        """A change can turn a service into one that takes node ports."""
        return operation in ("CREATE", "UPDATE") and not subresource

    def _uses(self, name: str) -> bool:
        return name == self.count or name in _SERVICE_NAMES

    def usage(self, obj: Obj, now: float) -> Amounts:
        spec = obj.get("spec") or {}
        ports, kind = spec.get("ports") or (), spec.get("type")
        balanced = kind == "LoadBalancer"
        if balanced and spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
        return {
            self.count: "1",
            "services": "1",
            "services.nodeports": str(len(ports)) if balanced or kind == "NodePort" else "0",
            "services.loadbalancers": "1" if balanced else "0",
        }


class _Claims(Evaluator):
    def handles(self, operation: str, subresource: str) -> bool:
        return operation in ("CREATE", "UPDATE") and not subresource

    def _uses(self, name: str) -> bool:
        if name == self.count or name in _CLAIM_NAMES:
            return True
        return name.partition(_PER_CLASS)[2] in _CLAIM_NAMES

    def usage(self, obj: Obj, now: float) -> Amounts:
        spec, meta = obj["spec"], obj["metadata"]
        used = {"persistentvolumeclaims": "1"}
        asked = (spec.get("resources") or {}).get("requests") or {}
        if "storage" in asked:
            requested = resource_list.amounts({"requests.storage": asked["storage"]})
            allocated = ((obj.get("status") or {}).get("allocatedResources") or {}).get("storage")
            if allocated is not None:
                granted = resource_list.amounts({"requests.storage": allocated})
                requested = resource_list.highest(requested, granted)
            used |= requested
        annotated = (meta.get("annotations") or {}).get("volume.beta.kubernetes.io/storage-class")
        storage_class = annotated or spec.get("storageClassName")
        if storage_class:
            used |= {f"{storage_class}{_PER_CLASS}{name}": amount for name, amount in used.items()}
        return used | {self.count: "1"}

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return scopes.claim_matches(requirement, obj)


_OWN_RULES = {
    ("", "pods"): _Pods("", "pods"),
    ("", "services"): _Services("", "services"),
    ("", "persistentvolumeclaims"): _Claims("", "persistentvolumeclaims"),
}


def evaluator(group: str, plural: str) -> Evaluator:
    return _OWN_RULES.get((group, plural)) or Evaluator(group, plural)


def kinds_of(hard: Iterable[str]) -> list[tuple[str, str]]:
    """(group, plural) of every kind whose objects use a quota of these resources, sorted."""
    found = set()
    for name in hard:
        if name.startswith(_COUNT):
            plural, _, group = name.removeprefix(_COUNT).partition(".")
            found.add((group, plural))
        elif name in _ALIASES:
            found.add(("", name))
        else:
            found |= {kind for kind, rules in _OWN_RULES.items() if rules.names((name,))}
    return sorted(found)
