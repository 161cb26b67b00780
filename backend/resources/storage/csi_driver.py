"""storage.k8s.io/v1 CSIDriver. Source: pkg/registry/storage/csidriver/strategy.go, pkg/apis/storage/v1/defaults.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.storage.v1.CSIDriverSpec"


def _default(driver: Obj) -> None:
    spec = driver.setdefault("spec", {})
    spec.setdefault("attachRequired", True)
    for name in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
        spec.setdefault(name, False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]


def _row(driver: Obj, now: float) -> list[Any]:
    spec = driver["spec"]
    audiences = ",".join(request.get("audience", "") for request in spec.get("tokenRequests") or ())
    return [
        driver["metadata"]["name"],
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        audiences if spec.get("tokenRequests") else cells.UNSET,
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes") or ()) or cells.NONE,
        cells.age(driver, now),
    ]


CSI_DRIVER = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="CSIDriver",
    plural="csidrivers",
    singular="csidriver",
    namespaced=False,
    schema="io.k8s.api.storage.v1.CSIDriver",
    columns=(
        NAME_COLUMN,
        Column("AttachRequired", "boolean", described_by=f"{_SPEC}.attachRequired"),
        Column("PodInfoOnMount", "boolean", described_by=f"{_SPEC}.podInfoOnMount"),
        Column("StorageCapacity", "boolean", described_by=f"{_SPEC}.storageCapacity"),
        Column("TokenRequests", described_by=f"{_SPEC}.tokenRequests"),
        Column("RequiresRepublish", "boolean", described_by=f"{_SPEC}.requiresRepublish"),
        Column("Modes", described_by=f"{_SPEC}.volumeLifecycleModes"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    prepare_update=later("storage.csi_rules:prepare_csi_driver_update"),
    validate=later("storage.csi_rules:validate_csi_driver"),
    validate_update=later("storage.csi_rules:validate_csi_driver_update"),
)
