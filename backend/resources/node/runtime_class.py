"""node.k8s.io/v1 RuntimeClass. Source: pkg/registry/node/runtimeclass/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.node.v1.RuntimeClass"


def _row(runtime_class: Obj, now: float) -> list[Any]:
    return [runtime_class["metadata"]["name"], runtime_class.get("handler", ""), cells.age(runtime_class, now)]


RUNTIME_CLASS = Resource(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    singular="runtimeclass",
    namespaced=False,
    schema=_SCHEMA,
    columns=(NAME_COLUMN, Column("Handler", described_by=f"{_SCHEMA}.handler"), AGE_COLUMN),
    row=_row,
    validate_name=names.dns1123_subdomain,
    warnings=later("node.runtime_class_rules:warnings"),
    validate=later("node.runtime_class_rules:validate"),
    validate_update=later("node.runtime_class_rules:validate_update"),
)
