"""Objects of kinds with a pod template, and what their rules say of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from backend.resources.resource import Resource

LABELS = {"app": "a"}


def template(labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "busybox:1"}]
    return {
        "metadata": {"labels": dict(LABELS if labels is None else labels)},
        "spec": {"containers": containers, **spec},
    }


def workload(kind: Resource, name: str = "w", **spec: Any) -> dict[str, Any]:
    """A valid one, as the registry has it before it validates; `spec` replaces its fields, None drops one."""
    given: dict[str, Any] = {"selector": {"matchLabels": dict(LABELS)}, "template": template(), **spec}
    obj: dict[str, Any] = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": "default", "uid": "u1"},
        "spec": {field: value for field, value in given.items() if value is not None},
    }
    kind.default(obj)
    kind.prepare_create(obj)
    return obj


def faults(kind: Resource, obj: dict[str, Any]) -> list[str]:
    return [str(cause) for cause in kind.validate(obj)]


def update_faults(kind: Resource, old: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> list[str]:
    """What is said of `old` after `change` was done to its spec."""
    new = copy.deepcopy(old)
    change(new["spec"])
    return [str(cause) for cause in kind.validate_update(new, old)]


def status_faults(
    kind: Resource, status: dict[str, Any], old: dict[str, Any] | None = None, **spec: Any
) -> list[str]:
    """What is said of a status that follows on `old`."""
    before = workload(kind, **spec)
    before["status"] = {**before["status"], **(old or {})}
    after = {**before, "status": {**workload(kind)["status"], **status}}
    return [str(cause) for cause in kind.validate_status_update(after, before)]
