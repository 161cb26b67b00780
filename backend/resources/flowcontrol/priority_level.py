"""flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration.

Source: pkg/registry/flowcontrol/prioritylevelconfiguration/strategy.go, pkg/apis/flowcontrol/v1/defaults.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_API = "io.k8s.api.flowcontrol.v1."
_LIMITED, _QUEUING = f"{_API}LimitedPriorityLevelConfiguration", f"{_API}QueuingConfiguration"
_DEFAULT_SHARES = 30


def _default(level: Obj) -> None:
    """What is absent, and what Kubernetes' Go type always writes."""
    spec = level.setdefault("spec", {})
    exempt, limited = spec.get("exempt"), spec.get("limited")
    if exempt is not None:
        exempt.setdefault("nominalConcurrencyShares", 0)
        exempt.setdefault("lendablePercent", 0)
    if limited is not None:
        limited.setdefault("nominalConcurrencyShares", _DEFAULT_SHARES)
        limited.setdefault("lendablePercent", 0)
        _default_queuing(limited.setdefault("limitResponse", {}))
    level.setdefault("status", {})


def _default_queuing(response: Obj) -> None:
    queuing = response.get("queuing")
    if queuing is None:
        return
    for name, value in (("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)):
        if not queuing.get(name):
            queuing[name] = value


def _prepare_create(level: Obj) -> None:
    level["status"] = {}


def _row(level: Obj, now: float) -> list[Any]:
    spec = level["spec"]
    limited = spec.get("limited") or {}
    queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
    return [
        level["metadata"]["name"],
        spec.get("type", ""),
        limited.get("nominalConcurrencyShares", cells.NONE),
        queuing.get("queues", cells.NONE),
        queuing.get("handSize", cells.NONE),
        queuing.get("queueLengthLimit", cells.NONE),
        cells.age(level, now),
    ]


PRIORITY_LEVEL_CONFIGURATION = Resource(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    singular="prioritylevelconfiguration",
    namespaced=False,
    schema=f"{_API}PriorityLevelConfiguration",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Type", described_by=f"{_API}PriorityLevelConfigurationSpec.type"),
        Column("NominalConcurrencyShares", described_by=f"{_LIMITED}.nominalConcurrencyShares"),
        Column("Queues", described_by=f"{_QUEUING}.queues"),
        Column("HandSize", described_by=f"{_QUEUING}.handSize"),
        Column("QueueLengthLimit", described_by=f"{_QUEUING}.queueLengthLimit"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    prepare_create=_prepare_create,
    validate=later("flowcontrol.priority_level_rules:validate"),
    validate_update=later("flowcontrol.priority_level_rules:validate_update"),
    validate_status_update=later("flowcontrol.priority_level_rules:validate_status_update"),
    generation=True,
)
