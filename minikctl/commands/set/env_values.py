"""`set env --list`: a container's variables, and what those that refer to something refer to.

Source: k8s.io/kubectl/pkg/cmd/set (set_env.go, env/env_resolve.go).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from backend.meta import names, quantity
from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import escape
from minikctl.command import Invocation
from minikctl.flags import go_quote

Obj = dict[str, Any]


def show(call: Invocation, info: Info, container: Obj) -> bool:
    """Print the container's variables; False if --resolve could not find a value, which is told on stderr."""
    out = call.streams.out
    out.write(f"# {info.mapping.kind} {info.name}, container {container['name']}\n")
    failed: dict[str, list[str]] = {}
    for variable in container.get("env") or []:
        name, source = variable["name"], variable.get("valueFrom")
        if source is None:
            out.write(f"{name}={variable.get('value', '')}\n")
            continue
        if call.flags["resolve"]:
            try:
                out.write(f"{name}={_value(call, info, container, source)}\n")
                continue
            except (StatusError, Failure) as error:
                failed.setdefault(str(error), []).append(name)
        out.write(f"# {name} from {_described(source)}\n")
    for line in sorted(
        f"error retrieving reference for {', '.join(sorted(failed[why]))}: {why}" for why in failed
    ):
        call.streams.err.write(f"{line}\n")
    return not failed


def _described(source: Obj) -> str:
    match source:
        case {"configMapKeyRef": reference}:
            return f"configmap {reference.get('name', '')}, key {reference['key']}"
        case {"secretKeyRef": reference}:
            return f"secret {reference.get('name', '')}, key {reference['key']}"
        case {"fieldRef": reference}:
            return f"field path {reference['fieldPath']}"
        case {"resourceFieldRef": reference}:
            container = reference.get("containerName")
            return f"resource field {f'{container}/' if container else ''}{reference['resource']}"
    return "invalid valueFrom"


def _value(call: Invocation, info: Info, container: Obj, source: Obj) -> str:
    match source:
        case {"secretKeyRef": reference}:
            return base64.b64decode(_of_key(call, "secrets", "secret", reference)).decode("utf-8", "replace")
        case {"configMapKeyRef": reference}:
            return _of_key(call, "configmaps", "config map", reference)
        case {"fieldRef": reference}:
            return _of_field(info.object, reference["fieldPath"])
        case {"resourceFieldRef": reference}:
            return _of_resource(container, reference)
    raise Failure("invalid valueFrom")


def _of_key(call: Invocation, resource: str, title: str, reference: Obj) -> str:
    name, key = reference.get("name", ""), reference["key"]
    path = f"/api/v1/namespaces/{escape(call.factory.namespace)}/{resource}/{escape(name)}"
    data = call.factory.client.get(path).get("data") or {}
    if key not in data:
        raise Failure(f"key {key} not found in {title} {name}")
    return str(data[key])


def _of_field(obj: Obj, path: str) -> str:
    meta = obj["metadata"]
    subscripted = re.fullmatch(r"(.+?)\['(.*)'\]", path, re.DOTALL)
    if subscripted:
        field, key = subscripted[1], subscripted[2]
        if field not in ("metadata.annotations", "metadata.labels"):
            raise Failure(f"fieldPath {go_quote(path)} does not support subscript")
        faults = names.qualified_name(key.lower() if field == "metadata.annotations" else key)
        if faults:
            raise Failure(f"invalid key subscript in {path}: {';'.join(faults)}")
        return str((meta.get(field.removeprefix("metadata.")) or {}).get(key, ""))
    if path in ("metadata.annotations", "metadata.labels"):
        pairs: Mapping[str, str] = meta.get(path.removeprefix("metadata.")) or {}
        return "\n".join(f"{key}={go_quote(value)}" for key, value in sorted(pairs.items()))
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(meta.get(path.removeprefix("metadata."), ""))
    raise Failure(f"unsupported fieldPath: {path}")


def _of_resource(container: Obj, reference: Obj) -> str:
    """The amount in units of the divisor, rounded up."""
    kind, _, name = reference["resource"].partition(".")
    known = name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-")
    if kind not in ("limits", "requests") or not known:
        raise Failure(f"Unsupported container resource : {reference['resource']}")
    amount = quantity.parse(((container.get("resources") or {}).get(kind) or {}).get(name, "0"))
    divisor = quantity.parse(reference.get("divisor") or "0")
    return str(-(-amount // (divisor or 1)))
