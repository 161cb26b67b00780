"""Rules of environment variables. Source: ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ENV_FIELDS = frozenset(
    {
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    }
)  # fmt: skip
_ENV_RESOURCES = frozenset(
    {f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")}
)
_CONVERTIBLE_FIELDS = _ENV_FIELDS | {
    "metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase",
}  # fmt: skip
_SUBSCRIPT = re.compile(r"(.+)\['(.*)'\]")
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_DIVISORS = {"cpu": ("1m", "1"), "memory": _SIZES, "ephemeral-storage": _SIZES}


def validate_env(env: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, variable in enumerate(env):
        here = f"{path}[{index}]"
        if name := variable.get("name", ""):
            found += causes.each_invalid(f"{here}.name", name, names.relaxed_env_var_name(name))
        else:
            found.append(causes.required(f"{here}.name"))
        if variable.get("valueFrom") is not None:
            found += _validate_value_from(variable, f"{here}.valueFrom")
    return found


def _validate_value_from(variable: Obj, path: str) -> list[Cause]:
    source: Obj = variable["valueFrom"]
    found: list[Cause] = []
    if (field := source.get("fieldRef")) is not None:
        found += validate_field_ref(field, _ENV_FIELDS, f"{path}.fieldRef")
    if (resource := source.get("resourceFieldRef")) is not None:
        found += validate_resource_ref(resource, _ENV_RESOURCES, f"{path}.resourceFieldRef", in_volume=False)
    for name in ("configMapKeyRef", "secretKeyRef"):
        if (reference := source.get(name)) is not None:
            found += _validate_key_ref(reference, f"{path}.{name}")
    count = sum(source.get(name) is not None for name in _SOURCES)
    if count == 0:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        found.append(causes.invalid_value(path, "", detail))
    elif variable.get("value"):
        found.append(causes.invalid_value(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        found.append(causes.invalid_value(path, "", "may not have more than one field specified at a time"))
    return found


def _validate_key_ref(reference: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if not reference.get("name"):
        found.append(causes.required(f"{path}.name"))
    if key := reference.get("key"):
        found += causes.each_invalid(f"{path}.key", key, names.config_map_key(key))
    else:
        found.append(causes.required(f"{path}.key"))
    return found


def validate_field_ref(field: Obj, supported: Collection[str], path: str) -> list[Cause]:
    """A downward API field; `supported` are those that need no subscript."""
    if not field.get("apiVersion"):
        return [causes.required(f"{path}.apiVersion")]
    text = field.get("fieldPath", "")
    if not text:
        return [causes.required(f"{path}.fieldPath")]
    if field["apiVersion"] != "v1":
        fault = f"error converting fieldPath: unsupported pod version: {field['apiVersion']}"
        return [causes.invalid_value(f"{path}.fieldPath", text, fault)]
    subscripted = _SUBSCRIPT.fullmatch(text)
    base = subscripted.group(1) if subscripted else text
    if base not in _CONVERTIBLE_FIELDS:
        fault = f"error converting fieldPath: field label not supported: {text}"
        return [causes.invalid_value(f"{path}.fieldPath", text, fault)]
    if subscripted:
        if base not in ("metadata.annotations", "metadata.labels"):
            return [causes.invalid_value(path, base, "does not support subscript")]
        key = subscripted.group(2)
        lowered = key.lower() if base == "metadata.annotations" else key
        return causes.each_invalid(path, key, names.qualified_name(lowered))
    if text not in supported:
        return [causes.not_supported(f"{path}.fieldPath", text, sorted(supported))]
    return []


def validate_resource_ref(
    reference: Obj, supported: Collection[str], path: str, *, in_volume: bool
) -> list[Cause]:
    resource = reference.get("resource", "")
    if in_volume and not reference.get("containerName"):
        return [causes.required(f"{path}.containerName")]
    if not resource:
        return [causes.required(f"{path}.resource")]
    name = resource.partition(".")[2]
    if resource not in supported and not name.startswith("hugepages-"):
        return [causes.not_supported(f"{path}.resource", resource, sorted(supported))]
    divisor = quantity.parse(str(reference.get("divisor", "0")))
    allowed = _DIVISORS.get(name, _SIZES)
    if divisor == 0 or divisor in [quantity.parse(text) for text in allowed]:
        return []
    listed = " and ".join(allowed) if name == "cpu" else ", ".join(allowed)
    detail = f"only divisor's values {listed} are supported with the {name} resource"
    return [causes.invalid_value(f"{path}.divisor", name, detail)]


def validate_env_from(sources: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, source in enumerate(sources):
        here = f"{path}[{index}]"
        if prefix := source.get("prefix"):
            found += causes.each_invalid(f"{here}.prefix", prefix, names.relaxed_env_var_name(prefix))
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        found += [causes.required(f"{here}.{name}.name") for name in given if not source[name].get("name")]
        if not given:
            found.append(causes.invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            found.append(causes.invalid_value(path, "", "may not have more than one field specified at a time"))
    return found
