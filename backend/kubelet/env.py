"""A container's environment, and `$(VAR)` in its command and arguments. Pure: objects are looked up by the caller.

Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, and third_party/forked expansion.
"""

from __future__ import annotations

import base64
import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from backend.kubelet.fields import UnsupportedField, pod_field, resource_field
from backend.kubelet.lookup import Lookup, MissingReference, required
from backend.meta.types import Obj

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


class EnvError(Exception):
    """The environment cannot be made; the text is the kubelet's, for CreateContainerConfigError."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a variable can tell of where the pod runs. Addresses: the first is the primary one."""

    pod_ips: Sequence[str] = ()
    host_ips: Sequence[str] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)


def container_env(
    pod: Obj, container: Obj, lookup: Lookup, node: NodeFacts, links: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """The variables in order, each name once: those of envFrom, then those of env, which win; last what of `links` (of
    services) has no such name, and which values may refer to.

    Names are not judged: since RelaxedEnvironmentVariableValidation any key of a Secret or ConfigMap is one.
    Raises EnvError: `secret "x" not found`, `couldn't find key k in Secret ns/x`.
    """
    try:
        own = _variables(pod, container, lookup, node, links)
    except (MissingReference, UnsupportedField) as error:
        raise EnvError(str(error)) from error
    return [*own.items(), *((name, value) for name, value in links.items() if name not in own)]


def tells_pod_address(container: Obj) -> bool:
    """Whether the environment needs the pod's address, which nobody knows before its sandbox runs."""
    sources = [variable.get("valueFrom") or {} for variable in container.get("env") or ()]
    paths = [(source.get("fieldRef") or {}).get("fieldPath") for source in sources]
    return "status.podIP" in paths or "status.podIPs" in paths


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value and `$$` one dollar; a name that is not known stays as it is written."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] is None else env.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def expand_strictly(text: str, env: Mapping[str, str]) -> str:
    """As `expand`, for a subPathExpr: raises EnvError for a name that is not known."""
    for match in _REFERENCE.finditer(text):
        if match[1] is not None and match[1] not in env:
            raise EnvError(f'missing value for "{match[1]}"')
    return expand(text, env)


def _variables(
    pod: Obj, container: Obj, lookup: Lookup, node: NodeFacts, links: Mapping[str, str]
) -> dict[str, str]:
    env: dict[str, str] = {}
    known: Mapping[str, str] = ChainMap(env, links)  # type: ignore[arg-type] # which reads only
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix") or ""
        env.update({prefix + key: value for key, value in _all_keys(source, lookup).items()})
    for variable in container.get("env") or []:
        if variable.get("value"):
            env[variable["name"]] = expand(variable["value"], known)
            continue
        value = _value_from(pod, container, variable.get("valueFrom") or {}, lookup, node)
        if value is not None:
            env[variable["name"]] = value
    return env


def _all_keys(source: Obj, lookup: Lookup) -> dict[str, str]:
    kind, reference = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
    found = _object(lookup, kind, source.get(reference) or {})
    if found is None:
        return {}
    return {key: _text(kind, value) for key, value in sorted((found.get("data") or {}).items())}


def _value_from(pod: Obj, container: Obj, source: Obj, lookup: Lookup, node: NodeFacts) -> str | None:
    """None: an optional source that is not there sets no variable."""
    if "secretKeyRef" in source:
        return _key(pod, "Secret", source["secretKeyRef"], lookup)
    if "configMapKeyRef" in source:
        return _key(pod, "ConfigMap", source["configMapKeyRef"], lookup)
    if "resourceFieldRef" in source:
        return _resource(pod, container, source["resourceFieldRef"], node)
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"], node)
    if source:
        raise UnsupportedField(f"unsupported source of a variable: {', '.join(source)}")
    return ""


def _key(pod: Obj, kind: str, reference: Obj, lookup: Lookup) -> str | None:
    found = _object(lookup, kind, reference)
    if found is None:
        return None
    key = reference["key"]
    value = (found.get("data") or {}).get(key)
    if value is None:
        if reference.get("optional"):
            return None
        where = f"{pod['metadata']['namespace']}/{reference.get('name', '')}"
        raise EnvError(f"couldn't find key {key} in {kind} {where}")
    return _text(kind, value)


def _object(lookup: Lookup, kind: str, reference: Obj) -> Obj | None:
    """None only for an optional reference."""
    name = reference.get("name", "")
    return lookup(kind, name) if reference.get("optional") else required(lookup, kind, name)


def _text(kind: str, value: str) -> str:
    """A secret's bytes need not be UTF-8; a variable of the engine's API must be."""
    return base64.b64decode(value).decode(errors="replace") if kind == "Secret" else value


def _field(pod: Obj, path: str, node: NodeFacts) -> str:
    spec = pod["spec"]
    match path:
        case "spec.nodeName":
            return str(spec.get("nodeName", ""))
        case "spec.serviceAccountName":
            return str(spec.get("serviceAccountName", ""))
        case "status.hostIP":
            return next(iter(node.host_ips), "")
        case "status.hostIPs":
            return ",".join(node.host_ips)
        case "status.podIP":
            return next(iter(node.pod_ips), "")
        case "status.podIPs":
            return ",".join(node.pod_ips)
    return pod_field(pod, path)


def _resource(pod: Obj, container: Obj, reference: Obj, node: NodeFacts) -> str:
    name = reference.get("containerName") or container["name"]
    containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    named = next((c for c in containers if c["name"] == name), None)
    if named is None:
        raise UnsupportedField(f"container {name} not found")
    return resource_field(named, reference, node.allocatable)
