"""Which objects of a collection a request is about: its label and field selectors."""

from __future__ import annotations

from dataclasses import dataclass

from backend.apiserver.call import Call
from backend.meta import errors
from backend.meta.causes import go_quote
from backend.meta.selectors import FieldSelector, Selector, parse_field_selector, parse_label_selector
from backend.meta.types import Obj
from backend.resources.resource import Resource

_META_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


@dataclass(frozen=True, slots=True)
class Selection:
    """`name` is set when only the object of that name can match: it is then found without a search."""

    resource: Resource
    labels: Selector | None = None
    fields: FieldSelector | None = None
    name: str = ""
    only_meta: bool = True

    @property
    def everything(self) -> bool:
        return self.labels is None and self.fields is None

    def matches(self, obj: Obj) -> bool:
        meta = obj["metadata"]
        if self.labels is not None and not self.labels.matches(meta.get("labels") or {}):
            return False
        if self.fields is None:
            return True
        fields = {} if self.only_meta else self.resource.selectable(obj)
        fields["metadata.name"], fields["metadata.namespace"] = meta["name"], meta.get("namespace", "")
        return self.fields.matches(fields)


def select(call: Call) -> Selection:
    """The selection of a list, a watch or a deletecollection. Raises 400."""
    query, resource, name = call.request.query, call.resource, call.request.name
    label_text, field_text = query.get("labelSelector", ""), query.get("fieldSelector", "")
    if not label_text and not field_text and not name:
        return Selection(resource)
    labels = parse_label_selector(label_text) if label_text else None
    if name:
        # A watch of one object by its path is a watch by its name.
        own = f"metadata.name={name}"
        field_text = f"{field_text},{own}" if field_text else own
    if not field_text:
        return Selection(resource, labels)
    fields = parse_field_selector(field_text)
    _check_supported(resource, fields)
    only_meta, exact = True, ""
    for field, op, value in fields.requirements:
        only_meta = only_meta and field in _META_FIELDS
        if field == "metadata.name" and op in ("=", "=="):
            exact = value
    if not fields.requirements:
        return Selection(resource, labels)
    return Selection(resource, labels, fields, exact, only_meta)


def _check_supported(resource: Resource, fields: FieldSelector) -> None:
    """Source: the field label conversions of pkg/apis/core/v1, and DefaultMetaV1FieldSelectorConversion."""
    for field, _, _ in fields.requirements:
        if field in resource.selectable_names or field == "metadata.name":
            continue
        if field == "metadata.namespace" and (resource.namespaced or not resource.selectable_names):
            continue
        if resource.selectable_names:
            raise errors.bad_request(f"field label not supported: {field}")
        only = 'only "metadata.name", "metadata.namespace"'
        raise errors.bad_request(f"{go_quote(field)} is not a known field selector: {only}")
