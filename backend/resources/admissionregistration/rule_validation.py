"""What webhooks and policies share: rules of what they apply to, match conditions, and how a webhook is reached.

Sources: pkg/apis/admissionregistration/validation/validation.go, k8s.io/apiserver/pkg/util/webhook/validation.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from backend.meta import causes, names
from backend.meta.cel.types import Type
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.admissionregistration.expressions import validate_condition

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MAX_CONDITIONS = 64
_URL_FORM = "; desired format: https://host[/path]"


def not_in(value: str | None, allowed: Sequence[str], path: str) -> list[Cause]:
    """For an optional value; `allowed` is sorted."""
    return [] if value is None or value in allowed else [causes.not_supported(path, value, allowed)]


def validate_rule(rule: Obj, path: str) -> list[Cause]:
    operations = rule.get("operations") or []
    found: list[Cause] = []
    if not operations:
        found.append(causes.required(f"{path}.operations"))
    if len(operations) > 1 and "*" in operations:
        text = "if '*' is present, must not specify other operations"
        found.append(causes.invalid_value(f"{path}.operations", operations, text))
    for index, operation in enumerate(operations):
        found += not_in(operation, OPERATIONS, f"{path}.operations[{index}]")
    found += _validate_set(rule.get("apiGroups") or [], f"{path}.apiGroups", "API groups")
    versions = rule.get("apiVersions") or []
    found += _validate_set(versions, f"{path}.apiVersions", "API versions")
    found += [
        causes.required(f"{path}.apiVersions[{index}]") for index, version in enumerate(versions) if not version
    ]
    found += _validate_resources(rule.get("resources") or [], f"{path}.resources")
    return found + not_in(rule.get("scope"), _SCOPES, f"{path}.scope")


def _validate_set(values: list[str], path: str, what: str) -> list[Cause]:
    if not values:
        return [causes.required(path)]
    if len(values) > 1 and "*" in values:
        return [causes.invalid_value(path, values, f"if '*' is present, must not specify other {what}")]
    return []


def _validate_resources(resources: list[str], path: str) -> list[Cause]:
    """`pods`, `pods/status`, `pods/*`, `*/scale`, `*`, `*/*`."""
    if not resources:
        return [causes.required(path)]
    found: list[Cause] = []
    whole, parts = set(), set()
    plain = False
    for index, resource in enumerate(resources):
        where = f"{path}[{index}]"
        if not resource:
            found.append(causes.required(where))
            continue
        name, slash, subresource = resource.partition("/")
        if not slash:
            plain = resource != "*"
            continue
        if name in whole:
            found.append(
                causes.invalid_value(where, resource, f"if '{name}/*' is present, must not specify {resource}")
            )
        if subresource in parts:
            text = f"if '*/{subresource}' is present, must not specify {resource}"
            found.append(causes.invalid_value(where, resource, text))
        if subresource == "*":
            whole.add(name)
        if name == "*":
            parts.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        text = "if '*/*' is present, must not specify other resources"
        found.append(causes.invalid_value(path, resources, text))
    if "*" in resources and plain:
        text = "if '*' is present, must not specify other resources without subresources"
        found.append(causes.invalid_value(path, resources, text))
    return found


def validate_match_conditions(
    conditions: Sequence[Obj], path: str, variables: Mapping[str, Type] | None = None
) -> list[Cause]:
    """`variables` are what expressions can name beside the request and its objects."""
    found: list[Cause] = []
    if len(conditions) > _MAX_CONDITIONS:
        found.append(causes.too_many(path, len(conditions), _MAX_CONDITIONS))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        where, name = f"{path}[{index}]", condition.get("name") or ""
        expression = (condition.get("expression") or "").strip()
        if expression:
            found += validate_condition(expression, f"{where}.expression", variables)
        else:
            found.append(causes.required(f"{where}.expression"))
        if not name:
            found.append(causes.required(f"{where}.name"))
            continue
        found += causes.each_invalid(f"{where}.name", name, names.qualified_name(name))
        if name in seen:
            found.append(causes.duplicate(f"{where}.name", name))
        seen.add(name)
    return found


def validate_client(client: Obj, path: str) -> list[Cause]:
    """Where the webhook is: exactly one of a URL and a service."""
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        return [causes.required(path, "exactly one of url or service is required")]
    if url is not None:
        return _validate_url(url, f"{path}.url")
    return _validate_service(service or {}, f"{path}.service")


def _validate_url(url: str, path: str) -> list[Cause]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        return [
            causes.required(path, f"url must be a valid URL: parse {causes.go_quote(url)}: {error}{_URL_FORM}")
        ]
    found = []
    if parts.scheme != "https":
        text = f"'https' is the only allowed URL scheme{_URL_FORM}"
        found.append(causes.invalid_value(path, parts.scheme, text))
    if not host:
        found.append(causes.invalid_value(path, "", f"host must be specified{_URL_FORM}"))
    user, at, _ = parts.netloc.rpartition("@")
    if at:
        found.append(causes.invalid_value(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        found.append(causes.invalid_value(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        found.append(causes.invalid_value(path, parts.query, "query parameters are not permitted in the URL"))
    return found


def _validate_service(service: Obj, path: str) -> list[Cause]:
    found = []
    # Kubernetes hands name and namespace over in the other order, so that each is missed as the other.
    if not service.get("namespace"):
        found.append(causes.required(f"{path}.name"))
    if not service.get("name"):
        found.append(causes.required(f"{path}.namespace"))
    port = service.get("port") or 0
    faults = names.port_number(port)
    if faults:
        found.append(causes.invalid_value(f"{path}.port", port, f"port is not valid: {', '.join(faults)}"))
    return found + _validate_path(service.get("path"), f"{path}.path")


def _validate_path(path: str | None, where: str) -> list[Cause]:
    if not path or path == "/":
        return []
    if path == "//":
        return [causes.invalid_value(where, path, "segment[0] may not be empty")]
    found = []
    if not path.startswith("/"):
        found.append(causes.invalid_value(where, path, "must start with a '/'"))
    for index, step in enumerate(path[1:].removesuffix("/").split("/")):
        faults = names.dns1123_subdomain(step) if step else None
        if faults is None:
            found.append(causes.invalid_value(where, path, f"segment[{index}] may not be empty"))
        else:
            found += causes.each_invalid(where, path, [f"segment[{index}]: {fault}" for fault in faults])
    return found
