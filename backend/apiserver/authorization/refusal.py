"""A request that is not allowed is a 403. Texts: k8s.io/apiserver endpoints/handlers/responsewriters/errors.go."""

from __future__ import annotations

from collections.abc import Mapping

from backend.apiserver.authorization.attributes import MASTERS, Attributes, Authorizer
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError, forbidden
from backend.meta.selectors import parse_field_selector
from backend.meta.types import ApiRequest

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def require(authorizer: Authorizer, attributes: Attributes) -> None:
    """Raises 403 unless the authorizer allows it."""
    if MASTERS in attributes.user.groups:
        return
    decision = authorizer.authorize(attributes)
    if not decision.allowed:
        raise _refused(attributes, decision.reason)


def require_also(authorizer: Authorizer, attributes: Attributes, verb: str) -> None:
    """Raises 403 unless another verb is allowed too: for what was allowed by its own verb already."""
    decision = authorizer.authorize(attributes._replace(verb=verb))
    if not decision.allowed:
        raise forbidden(_qualified(attributes), attributes.name, decision.reason)


def require_request(authorizer: Authorizer, request: ApiRequest) -> None:
    """`require` for a request of a part of this process."""
    if MASTERS in request.user.groups:
        return
    namespace, name = request.namespace, request.name
    if not name and request.query:
        name = selected_name(request.query)
    if request.resource == "namespaces" and not request.group:
        namespace = name  # a namespace is in itself, for RequestInfoFactory
    user, verb, group, resource = request.user, request.verb, request.group, request.resource
    require(authorizer, Attributes(user, verb, group, resource, request.subresource, namespace, name))


def selected_name(query: Mapping[str, str]) -> str:
    """The one name that a list or a watch selects, "" if it may be several. Source: RequestInfoFactory."""
    selector = query.get("fieldSelector", "")
    if "metadata.name" not in selector:
        return ""
    try:
        terms = parse_field_selector(selector).requirements
    except ApiError:
        return ""  # whoever reads the selector refuses it
    return next((value for field, operator, value in terms if (field, operator) == ("metadata.name", "=")), "")


def _refused(attributes: Attributes, reason: str) -> ApiError:
    why = _escaped(attributes)
    if reason:
        why = f"{why}: {reason}"
    if attributes.path:
        return ApiError(403, "Forbidden", f"forbidden: {why}", {})
    return forbidden(_qualified(attributes), attributes.name, why)


def _qualified(attributes: Attributes) -> str:
    return f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource


def _escaped(attributes: Attributes) -> str:
    user, verb = go_quote(attributes.user.name), attributes.verb
    if attributes.path:
        return f"User {user} cannot {verb} path {go_quote(attributes.path)}".translate(_ESCAPES)
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    scope = (
        f"in the namespace {go_quote(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    )
    text = f"User {user} cannot {verb} resource {go_quote(resource)} in API group {go_quote(attributes.group)} {scope}"
    return text.translate(_ESCAPES)
