"""flowcontrol.apiserver.k8s.io/v1 FlowSchema. Source: pkg/registry/flowcontrol/flowschema/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.flowcontrol.v1.FlowSchemaSpec"
_LEVEL = "io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference"
DEFAULT_PRECEDENCE = 1000


def _default(schema: Obj) -> None:
    """What is absent, and what Kubernetes' Go type always writes."""
    spec = schema.setdefault("spec", {})
    spec.setdefault("priorityLevelConfiguration", {}).setdefault("name", "")
    if not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = DEFAULT_PRECEDENCE
    schema.setdefault("status", {})


def _prepare_create(schema: Obj) -> None:
    schema["status"] = {}


def _row(schema: Obj, now: float) -> list[Any]:
    spec = schema["spec"]
    dangling = [
        condition.get("status", "")
        for condition in (schema.get("status") or {}).get("conditions") or ()
        if condition.get("type") == "Dangling"
    ]
    return [
        schema["metadata"]["name"],
        spec["priorityLevelConfiguration"].get("name", ""),
        spec.get("matchingPrecedence", 0),
        (spec.get("distinguisherMethod") or {}).get("type", cells.NONE),
        cells.age(schema, now),
        dangling[0] if dangling else "?",
    ]


def _table_order(schema: Obj) -> tuple[int, str]:
    """In the order in which they are matched with requests."""
    return schema["spec"].get("matchingPrecedence", 0), schema["metadata"]["name"]


FLOW_SCHEMA = Resource(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="FlowSchema",
    plural="flowschemas",
    singular="flowschema",
    namespaced=False,
    schema="io.k8s.api.flowcontrol.v1.FlowSchema",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("PriorityLevel", described_by=f"{_LEVEL}.name"),
        Column("MatchingPrecedence", described_by=f"{_SPEC}.matchingPrecedence"),
        Column("DistinguisherMethod", described_by=f"{_SPEC}.distinguisherMethod"),
        AGE_COLUMN,
        Column("MissingPL", description="references a broken or non-existent PriorityLevelConfiguration"),
    ),
    row=_row,
    table_order=_table_order,
    validate_name=names.dns1123_subdomain,
    default=_default,
    prepare_create=_prepare_create,
    validate=later("flowcontrol.flow_schema_rules:validate"),
    validate_update=later("flowcontrol.flow_schema_rules:validate_update"),
    validate_status_update=later("flowcontrol.flow_schema_rules:validate_status_update"),
    generation=True,
)
