"""Which requests a webhook is asked about.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/{generic,predicates}.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.apiserver.admission.attributes import Attributes
from backend.meta import errors
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources.resource import Resource


def matched_resource(webhook: Obj, attributes: Attributes) -> Resource | None:
    """The resource that one of the webhook's rules names: the request's own or, if the webhook takes equivalents,
    another version of it. None if the webhook has nothing to do with the request."""
    rules = webhook.get("rules") or ()
    own = attributes.resource
    if any(_covers(rule, own, attributes) for rule in rules):
        return own
    if webhook.get("matchPolicy") == "Exact":
        return None
    for other in _equivalents(own, attributes):
        if any(_covers(rule, other, attributes) for rule in rules):
            return other
    return None


def _equivalents(own: Resource, attributes: Attributes) -> Iterator[Resource]:
    for other in attributes.call.server.catalog:
        if other.prefix == own.prefix and other is not own:
            yield other


def _covers(rule: Obj, resource: Resource, attributes: Attributes) -> bool:
    scope = rule.get("scope", "*")
    if scope != "*" and (scope == "Namespaced") is not resource.namespaced:
        return False
    return (
        _has(rule["operations"], attributes.operation)
        and _has(rule["apiGroups"], resource.group)
        and _has(rule["apiVersions"], resource.version)
        and any(_names(pattern, resource.plural, attributes.subresource) for pattern in rule["resources"])
    )


def _has(values: list[str], value: str) -> bool:
    return "*" in values or value in values


def _names(pattern: str, plural: str, subresource: str) -> bool:
    name, _, part = pattern.partition("/")
    return name in ("*", plural) and (part == subresource or part == "*")


def selects(webhook: Obj, attributes: Attributes) -> bool:
    """Whether the namespace and the object have the labels that the webhook asks for. Raises 404 for a namespace that
    is not there."""
    return _selects_namespace(webhook.get("namespaceSelector"), attributes) and _selects_object(
        webhook.get("objectSelector"), attributes
    )


def _selects_namespace(selector: Obj | None, attributes: Attributes) -> bool:
    if not selector:
        return True
    is_namespace = attributes.resource.qualified == "namespaces"
    if not attributes.resource.namespaced and not is_namespace:
        return True
    if is_namespace and attributes.obj is not None and not attributes.subresource:
        return as_selector(selector).matches(attributes.obj["metadata"].get("labels"))
    name = attributes.namespace or (attributes.old or {"metadata": {"name": ""}})["metadata"]["name"]
    entry = attributes.call.server.store.get(f"core/namespaces/{name}")
    if entry is None:
        raise errors.not_found("namespaces", name)
    return as_selector(selector).matches(entry.obj["metadata"].get("labels"))


def _selects_object(selector: Obj | None, attributes: Attributes) -> bool:
    """Either state of the object will do, so that no change of labels gets around a webhook."""
    if not selector:
        return True
    wanted = as_selector(selector)
    return any(
        wanted.matches(labels)
        for obj in (attributes.obj, attributes.old)
        if obj is not None and "metadata" in obj
        for labels in (obj["metadata"].get("labels"),)
    )
