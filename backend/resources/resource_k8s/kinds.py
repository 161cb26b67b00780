"""resource.k8s.io/v1: devices that pods claim. Source: pkg/registry/resource/*/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_API = "io.k8s.api.resource.v1."


def _drop_status(obj: Obj) -> None:
    obj.pop("status", None)


def _empty_status(obj: Obj) -> None:
    obj["status"] = {}


def claim_state(claim: Obj) -> str:
    """What kubectl shows of a claim: any of deleted, pending, allocated and reserved."""
    status = claim.get("status") or {}
    deleted = bool(claim["metadata"].get("deletionTimestamp"))
    states = ["deleted"] if deleted else []
    if status.get("allocation") is not None:
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    elif not deleted:
        states.append("pending")
    return ",".join(states)


def _claim_row(claim: Obj, now: float) -> list[Any]:
    return [claim["metadata"]["name"], claim_state(claim), cells.age(claim, now)]


def _slice_row(resource_slice: Obj, now: float) -> list[Any]:
    spec = resource_slice["spec"]
    return [
        resource_slice["metadata"]["name"],
        spec.get("nodeName", ""),
        spec.get("driver", ""),
        (spec.get("pool") or {}).get("name", ""),
        cells.age(resource_slice, now),
    ]


def _slice_fields(resource_slice: Obj) -> dict[str, str]:
    spec = resource_slice.get("spec") or {}
    return {"spec.nodeName": spec.get("nodeName", ""), "spec.driver": spec.get("driver", "")}


DEVICE_CLASS = Resource(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    singular="deviceclass",
    namespaced=False,
    schema=f"{_API}DeviceClass",
    validate_name=names.dns1123_subdomain,
    validate=later("resource_k8s.device_class_rules:validate"),
    validate_update=later("resource_k8s.device_class_rules:validate_update"),
    generation=True,
)

DEVICE_TAINT_RULE = Resource(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceTaintRule",
    plural="devicetaintrules",
    singular="devicetaintrule",
    namespaced=False,
    schema=f"{_API}DeviceTaintRule",
    subresources=("status",),
    validate_name=names.dns1123_subdomain,
    default=later("resource_k8s.taint_rules:default"),
    prepare_create=_drop_status,
    validate=later("resource_k8s.taint_rules:validate"),
    validate_update=later("resource_k8s.taint_rules:validate_update"),
    validate_status_update=later("resource_k8s.taint_rules:validate_status_update"),
    generation=True,
)

RESOURCE_CLAIM = Resource(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaim",
    plural="resourceclaims",
    singular="resourceclaim",
    namespaced=True,
    schema=f"{_API}ResourceClaim",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("State", description="A summary of the current state (allocated, pending, reserved, etc.)."),
        AGE_COLUMN,
    ),
    row=_claim_row,
    validate_name=names.dns1123_subdomain,
    default=later("resource_k8s.claim_rules:default"),
    prepare_create=_empty_status,
    validate=later("resource_k8s.claim_rules:validate"),
    validate_update=later("resource_k8s.claim_rules:validate_update"),
    validate_status_update=later("resource_k8s.claim_status_rules:validate_status_update"),
)

RESOURCE_CLAIM_TEMPLATE = Resource(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    singular="resourceclaimtemplate",
    namespaced=True,
    schema=f"{_API}ResourceClaimTemplate",
    validate_name=names.dns1123_subdomain,
    default=later("resource_k8s.claim_rules:default_template"),
    validate=later("resource_k8s.claim_rules:validate_template"),
    validate_update=later("resource_k8s.claim_rules:validate_template_update"),
)

RESOURCE_SLICE = Resource(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    singular="resourceslice",
    namespaced=False,
    schema=f"{_API}ResourceSlice",
    columns=(
        NAME_COLUMN,
        Column("Node", described_by=f"{_API}ResourceSliceSpec.nodeName"),
        Column("Driver", described_by=f"{_API}ResourceSliceSpec.driver"),
        Column("Pool", described_by=f"{_API}ResourcePool.name"),
        AGE_COLUMN,
    ),
    row=_slice_row,
    validate_name=names.dns1123_subdomain,
    default=later("resource_k8s.slice_rules:default"),
    validate=later("resource_k8s.slice_rules:validate"),
    validate_update=later("resource_k8s.slice_rules:validate_update"),
    selectable=_slice_fields,
    selectable_names=frozenset(_slice_fields({})),
    generation=True,
)
