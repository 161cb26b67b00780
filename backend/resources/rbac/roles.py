"""rbac.authorization.k8s.io/v1 Role and ClusterRole: what may be done, by nobody yet.

Sources: pkg/registry/rbac/{role,clusterrole}/strategy.go, ValidateRole, ValidateClusterRole.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, OBJECT_META, Column, Resource, later

GROUP = "rbac.authorization.k8s.io"

_COLUMNS = (NAME_COLUMN, Column("Created At", "date", described_by=f"{OBJECT_META}.creationTimestamp"))
"""As of every kind for which kube-apiserver has no printer."""


def _default(role: Obj) -> None:
    """Rules are always there, as Go writes a list that has no omitempty: null where there are none."""
    role["rules"] = role.get("rules") or None


def _row(role: Obj, _now: float) -> list[Any]:
    return [role["metadata"]["name"], role["metadata"].get("creationTimestamp")]


ROLE = Resource(
    group=GROUP,
    version="v1",
    kind="Role",
    plural="roles",
    singular="role",
    namespaced=True,
    schema="io.k8s.api.rbac.v1.Role",
    columns=_COLUMNS,
    row=_row,
    validate_name=names.path_segment,
    default=_default,
    validate=later("rbac.validation:validate_role"),
    validate_update=later("rbac.validation:validate_role_update"),
)

CLUSTER_ROLE = Resource(
    group=GROUP,
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    singular="clusterrole",
    namespaced=False,
    schema="io.k8s.api.rbac.v1.ClusterRole",
    columns=_COLUMNS,
    row=_row,
    validate_name=names.path_segment,
    default=_default,
    validate=later("rbac.validation:validate_cluster_role"),
    validate_update=later("rbac.validation:validate_cluster_role_update"),
)
