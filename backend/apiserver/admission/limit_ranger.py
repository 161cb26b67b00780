"""LimitRanger: containers, pods and claims ask for no more and no less than the namespace's limit ranges allow.

Source: plugin/pkg/admission/limitranger. What a container says nothing about it gets from the limit range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta import resource_list
from backend.meta.resource_list import Amounts
from backend.meta.types import Obj
from backend.resources.core.pod_totals import total
from backend.resources.resource import Resource

ANNOTATION = "kubernetes.io/limit-ranger"

Asked = tuple[Amounts, Amounts]
"""Requests and limits."""
Constraint = Callable[[str, str, str, Amounts, Amounts], str]
"""(type, resource, what is enforced, requests, limits) -> a fault's text, or ""."""


class LimitRanger:
    def __init__(self) -> None:
        self._ranges = Stored("core/limitranges/")

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if resource.qualified == "pods":
            return (operation, subresource) in (("CREATE", ""), ("UPDATE", "resize"))
        return (
            resource.qualified == "persistentvolumeclaims"
            and operation in ("CREATE", "UPDATE")
            and not subresource
        )

    async def admit(self, attributes: Attributes) -> None:
        """Give a pod's containers the defaults."""
        if attributes.resource.plural != "pods":
            return
        for entry in self._ranges.entries(attributes.call.server.store, attributes.namespace):
            _fill_in(attributes.new, entry.obj)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.new["metadata"].get("deletionTimestamp"):
            return
        for entry in self._ranges.entries(attributes.call.server.store, attributes.namespace):
            check = _pod_faults if attributes.resource.plural == "pods" else _claim_faults
            texts = [*dict.fromkeys(check(entry.obj, attributes.new, attributes.old))]
            if texts:
                raise attributes.forbidden(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")


def _limits(limit_range: Obj, kind: str) -> Iterator[Obj]:
    return (limit for limit in limit_range["spec"].get("limits") or () if limit["type"] == kind)


def _fill_in(pod: Obj, limit_range: Obj) -> None:
    defaults: dict[str, Amounts] = {"limits": {}, "requests": {}}
    for limit in _limits(limit_range, "Container"):
        defaults["limits"] |= resource_list.amounts(limit.get("default"))
        defaults["requests"] |= resource_list.amounts(limit.get("defaultRequest"))
    notes: list[str] = []
    for name, label in (("containers", "container"), ("initContainers", "init container")):
        for container in pod["spec"].get(name) or ():
            notes += _fill_in_container(container, defaults, label)
    if notes:
        meta = pod["metadata"]
        note = f"LimitRanger plugin set: {'; '.join(notes)}"
        meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION: note}


def _fill_in_container(container: Obj, defaults: Mapping[str, Amounts], label: str) -> Iterator[str]:
    """In place; gives the notes about it."""
    for kind, singular in (("requests", "request"), ("limits", "limit")):
        resources = container.get("resources") or {}
        given = resources.get(kind) or {}
        added = {name: amount for name, amount in defaults[kind].items() if name not in given}
        if added:
            container["resources"] = {**resources, kind: {**given, **added}}
            yield f"{', '.join(sorted(added))} {singular} for {label} {container['name']}"


def _pod_faults(limit_range: Obj, pod: Obj, old: Obj | None) -> Iterator[str]:
    """What an update does not change is not looked at again."""
    for limit in limit_range["spec"].get("limits") or ():
        if limit["type"] == "Container":
            for kind in ("containers", "initContainers"):
                before = {container["name"]: container for container in old["spec"].get(kind) or ()} if old else {}
                for container in pod["spec"].get(kind) or ():
                    known = before.get(container["name"])
                    yield from _faults(limit, _asked(container), _asked(known) if known else None)
        elif limit["type"] == "Pod":
            yield from _faults(limit, _pod_asked(pod), _pod_asked(old) if old else None)


def _asked(container: Obj) -> Asked:
    resources = container.get("resources") or {}
    return resource_list.amounts(resources.get("requests")), resource_list.amounts(resources.get("limits"))


def _pod_asked(pod: Obj) -> Asked:
    return total(pod["spec"], "requests"), total(pod["spec"], "limits")


def _faults(limit: Obj, asked: Asked, before: Asked | None) -> Iterator[str]:
    for field, constraint in _CONSTRAINTS.items():
        for name, amount in sorted(resource_list.amounts(limit.get(field)).items()):
            if before is not None and all(_same(name, new, old) for new, old in zip(asked, before, strict=True)):
                continue
            text = constraint(limit["type"], name, amount, *asked)
            if text:
                yield text


def _same(name: str, new: Amounts, old: Amounts) -> bool:
    return resource_list.same(resource_list.only(new, (name,)), resource_list.only(old, (name,)))


def _claim_faults(limit_range: Obj, claim: Obj, old: Obj | None) -> Iterator[str]:
    requests, _ = _asked(claim["spec"])
    before = _asked(old["spec"])[0] if old else {}
    for limit in _limits(limit_range, "PersistentVolumeClaim"):
        for field, constraint in (("min", _minimum), ("max", _maximum_request)):
            for name, amount in sorted(resource_list.amounts(limit.get(field)).items()):
                unchanged = name in requests and name in before and _same(name, requests, before)
                text = "" if unchanged else constraint(limit["type"], name, amount, requests, {})
                if text:
                    yield text


def _minimum(kind: str, name: str, enforced: str, requests: Amounts, limits: Amounts) -> str:
    text = f"minimum {name} usage per {kind} is {enforced}"
    if name not in requests:
        return f"{text}.  No request is specified"
    return _compare(text, enforced, (("request", requests.get(name)), ("limit", limits.get(name))), -1)


def _maximum(kind: str, name: str, enforced: str, requests: Amounts, limits: Amounts) -> str:
    text = f"maximum {name} usage per {kind} is {enforced}"
    if name not in limits:
        return f"{text}.  No limit is specified"
    return _compare(text, enforced, (("limit", limits.get(name)), ("request", requests.get(name))), 1)


def _maximum_request(kind: str, name: str, enforced: str, requests: Amounts, _limits: Amounts) -> str:
    text = f"maximum {name} usage per {kind} is {enforced}"
    if name not in requests:
        return f"{text}.  No request is specified"
    return _compare(text, enforced, (("request", requests[name]),), 1)


def _compare(text: str, enforced: str, found: tuple[tuple[str, str | None], ...], sign: int) -> str:
    bound = resource_list.value(enforced)
    for label, amount in found:
        if amount is not None and (resource_list.value(amount) - bound) * sign > 0:
            return f"{text}, but {label} is {amount}"
    return ""


def _ratio(kind: str, name: str, enforced: str, requests: Amounts, limits: Amounts) -> str:
    text = f"{name} max limit to request ratio per {kind} is {enforced}"
    request, limit = requests.get(name, "0"), limits.get(name, "0")
    if request == "0":
        return f"{text}, but no request is specified or request is 0"
    if limit == "0":
        return f"{text}, but no limit is specified or limit is 0"
    ratio = resource_list.value(limit) / resource_list.value(request)
    if ratio > resource_list.value(enforced):
        return f"{text}, but provided ratio is {float(ratio):.6f}"
    return ""


_CONSTRAINTS: dict[str, Constraint] = {"min": _minimum, "max": _maximum, "maxLimitRequestRatio": _ratio}
