"""policy/v1 PodDisruptionBudget. Source: pkg/registry/policy/poddisruptionbudget/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_NOT_GIVEN = "N/A"


def _row(budget: Obj, now: float) -> list[Any]:
    spec, status = budget["spec"], budget.get("status") or {}
    return [
        budget["metadata"]["name"], str(spec.get("minAvailable", _NOT_GIVEN)),
        str(spec.get("maxUnavailable", _NOT_GIVEN)), status.get("disruptionsAllowed", 0), cells.age(budget, now),
    ]  # fmt: skip


POD_DISRUPTION_BUDGET = Resource(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    namespaced=True,
    schema="io.k8s.api.policy.v1.PodDisruptionBudget",
    short_names=("pdb",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Min Available", description="The minimum number of pods that must be available."),
        Column("Max Unavailable", description="The maximum number of pods that may be unavailable."),
        Column(
            "Allowed Disruptions", "integer",
            description="Calculated number of pods that may be disrupted at this time.",
        ),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("policy.poddisruptionbudget_rules:default"),
    prepare_create=later("policy.poddisruptionbudget_rules:prepare_create"),
    validate=later("policy.poddisruptionbudget_rules:validate"),
    validate_update=later("policy.poddisruptionbudget_rules:validate_update"),
    validate_status_update=later("policy.poddisruptionbudget_rules:validate_status_update"),
    generation=True,
)  # fmt: skip
