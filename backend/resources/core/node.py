"""v1 Node. Source: pkg/registry/core/node/strategy.go, ValidateNode, printNode."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.node_validation import validate_node, validate_node_update
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

_INFO = "io.k8s.api.core.v1.NodeSystemInfo"
_STATUS = "io.k8s.api.core.v1.NodeStatus"
_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


def _default(node: Obj) -> None:
    """Allocatable is the capacity until a kubelet says otherwise (SetDefaults_NodeStatus)."""
    node.setdefault("spec", {})
    status = node.setdefault("status", {})
    if not status.get("allocatable") and status.get("capacity"):
        status["allocatable"] = dict(status["capacity"])


def roles(node: Obj) -> list[str]:
    """Sorted names of the roles that labels give."""
    found = set()
    for key, value in (node["metadata"].get("labels") or {}).items():
        if key.startswith(_ROLE_PREFIX):
            found.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE_LABEL:
            found.add(value)
    return sorted(found - {""})


def _status(node: Obj) -> str:
    texts = [
        "Ready" if condition["status"] == "True" else "NotReady"
        for condition in (node.get("status") or {}).get("conditions") or ()
        if condition["type"] == "Ready"
    ][-1:] or ["Unknown"]
    if (node.get("spec") or {}).get("unschedulable"):
        texts.append("SchedulingDisabled")
    return ",".join(texts)


def _address(node: Obj, kind: str) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((entry["address"] for entry in addresses if entry["type"] == kind), cells.NONE)


def _row(node: Obj, now: float) -> list[Any]:
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return [
        node["metadata"]["name"], _status(node), ",".join(roles(node)) or cells.NONE, cells.age(node, now),
        info.get("kubeletVersion", ""), _address(node, "InternalIP"), _address(node, "ExternalIP"),
        info.get("osImage") or cells.UNKNOWN, info.get("kernelVersion") or cells.UNKNOWN,
        info.get("containerRuntimeVersion") or cells.UNKNOWN,
    ]  # fmt: skip


def _selectable(node: Obj) -> dict[str, str]:
    return {"spec.unschedulable": "true" if (node.get("spec") or {}).get("unschedulable") else "false"}


NODE = Resource(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    singular="node",
    namespaced=False,
    schema="io.k8s.api.core.v1.Node",
    short_names=("no",),
    subresources=("proxy", "status"),
    columns=(
        NAME_COLUMN,
        Column("Status", description="The status of the node"),
        Column("Roles", description="The roles of the node"),
        AGE_COLUMN,
        Column("Version", described_by=f"{_INFO}.kubeletVersion"),
        Column("Internal-IP", priority=1, described_by=f"{_STATUS}.addresses"),
        Column("External-IP", priority=1, described_by=f"{_STATUS}.addresses"),
        Column("OS-Image", priority=1, described_by=f"{_INFO}.osImage"),
        Column("Kernel-Version", priority=1, described_by=f"{_INFO}.kernelVersion"),
        Column("Container-Runtime", priority=1, described_by=f"{_INFO}.containerRuntimeVersion"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=validate_node,
    validate_update=validate_node_update,
    selectable=_selectable,
    selectable_names=frozenset({"spec.unschedulable"}),
)
