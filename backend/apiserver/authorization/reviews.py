"""Access reviews: somebody asks whether somebody may do something. Nothing is stored.

Sources: pkg/registry/authorization/*/rest.go, pkg/apis/authorization/validation.
"""

from __future__ import annotations

from typing import Any

from backend.apiserver import decoding, managedfields
from backend.apiserver.authorization.attributes import Attributes
from backend.apiserver.authorization.node import is_node
from backend.apiserver.authorization.review_selectors import selector_causes
from backend.apiserver.call import Call, Plain
from backend.meta import causes, errors
from backend.meta.errors import Cause
from backend.meta.types import Obj, User

_KIND = ".authorization.k8s.io"
"""As refusals name every review: kube-apiserver's internal objects do not know their own kind."""


async def review_subject(call: Call) -> Plain:
    review = _decode(call)
    _check(_subject_causes(review["spec"]) + _metadata_causes(review["metadata"], "must be empty"))
    return _answer(call, review, _user(review["spec"]))


async def review_local_subject(call: Call) -> Plain:
    review = _decode(call)
    spec, meta, namespace = review["spec"], review["metadata"], call.request.namespace
    found = _subject_causes(spec)
    bare = {name: value for name, value in meta.items() if name != "namespace"}
    if _is_set(bare):
        found.append(causes.invalid_value("metadata", meta, "must be empty except for namespace"))
    wanted, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if wanted is not None and wanted.get("namespace", "") != meta.get("namespace", ""):
        where = "spec.resourceAttributes.namespace"
        found.append(causes.invalid_value(where, wanted.get("namespace", ""), "must match metadata.namespace"))
    if other is not None:
        shown = _shown(other)
        found.append(
            causes.invalid_value("spec.nonResourceAttributes", shown, "disallowed on this kind of request")
        )
    _check(found)
    if meta.get("namespace", "") != namespace:
        raise errors.bad_request(f"spec.resourceAttributes.namespace must match namespace: {namespace}")
    return _answer(call, review, _user(spec))


async def review_self(call: Call) -> Plain:
    review = _decode(call)
    spec = review["spec"]
    found = [
        *_attributes_causes(spec),
        *selector_causes(spec.get("resourceAttributes"), "spec.resourceAttributes"),
    ]
    _check(found + _metadata_causes(review["metadata"], "must be empty"))
    return _answer(call, review, call.request.user)


async def review_rules(call: Call) -> Plain:
    """All that the user may do in a namespace, as far as it can be told."""
    review = _decode(call)
    user, namespace = call.request.user, review["spec"].get("namespace", "")
    if not namespace:
        raise errors.bad_request("no namespace on request")
    grants, faults = call.server.authorizer.rbac.rules(user, namespace)
    if is_node(user):
        faults = ["node authorizer does not support user rule resolution", *faults]
    rules = [grant.rule.source for grant in grants]
    status: Obj = {
        "resourceRules": [_only(rule, "resources") for rule in rules if rule.get("resources")],
        "nonResourceRules": [_only(rule, "nonResourceURLs") for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }
    if faults:
        status["evaluationError"] = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    head = {"kind": review["kind"], "apiVersion": review["apiVersion"]}
    return Plain({**head, "metadata": {}, "spec": {}, "status": status}, 201)


def _only(rule: Obj, kind: str) -> Obj:
    names = ("verbs", "apiGroups", "resources", "resourceNames") if kind == "resources" else ("verbs", kind)
    return {name: rule[name] for name in names if rule.get(name)}


def _decode(call: Call) -> Obj:
    review = decoding.decode(call)
    review["spec"] = review.get("spec") or {}
    return review


def _answer(call: Call, review: Obj, user: User) -> Plain:
    managedfields.created(call, review)
    decision = call.server.authorizer.authorize(_asked(user, review["spec"]))
    review["status"] = {"allowed": decision.allowed}
    if decision.reason:
        review["status"]["reason"] = decision.reason
    return Plain(review, 201)


def _asked(user: User, spec: Obj) -> Attributes:
    wanted = spec.get("resourceAttributes")
    if wanted is None:
        other = spec["nonResourceAttributes"]
        return Attributes(user, other.get("verb", ""), path=other.get("path", ""))
    group, resource, subresource = (wanted.get(name, "") for name in ("group", "resource", "subresource"))
    namespace, name = wanted.get("namespace", ""), wanted.get("name", "")
    return Attributes(user, wanted.get("verb", ""), group, resource, subresource, namespace, name)


def _user(spec: Obj) -> User:
    extra = tuple((key, tuple(values or ())) for key, values in sorted((spec.get("extra") or {}).items()))
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _attributes_causes(spec: Obj) -> list[Cause]:
    wanted, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if wanted is not None and other is not None:
        text = "cannot be specified in combination with resourceAttributes"
        return [causes.invalid_value("spec.nonResourceAttributes", _shown(other), text)]
    if wanted is None and other is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [causes.invalid_value("spec.resourceAttributes", None, text)]
    return []


def _subject_causes(spec: Obj) -> list[Cause]:
    found = _attributes_causes(spec)
    if not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        found.append(causes.invalid_value("spec.user", spec.get("user", ""), text))
    return found + selector_causes(spec.get("resourceAttributes"), "spec.resourceAttributes")


def _metadata_causes(meta: Obj, text: str) -> list[Cause]:
    return [causes.invalid_value("metadata", meta, text)] if _is_set(meta) else []


def _is_set(meta: Obj) -> bool:
    return any(value for name, value in meta.items() if name != "managedFields")


def _shown(attributes: Obj) -> dict[str, Any]:
    """NonResourceAttributes as Go shows the internal type, which has no JSON names."""
    return {"Path": attributes.get("path", ""), "Verb": attributes.get("verb", "")}


def _check(found: list[Cause]) -> None:
    if found:
        raise errors.invalid(_KIND, "", found)
