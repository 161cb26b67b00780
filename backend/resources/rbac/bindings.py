"""rbac.authorization.k8s.io/v1 RoleBinding and ClusterRoleBinding: who has a role.

Sources: pkg/apis/rbac/v1/defaults.go, pkg/registry/rbac/{rolebinding,clusterrolebinding}/strategy.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.rbac.roles import GROUP
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later


def _default(binding: Obj) -> None:
    reference = binding.get("roleRef")
    if reference is not None:
        binding["roleRef"] = {**reference, "apiGroup": reference.get("apiGroup") or GROUP}
    for subject in binding.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = GROUP


def _columns(kind: str) -> tuple[Column, ...]:
    named = kind[0].lower() + kind[1:]
    return (
        NAME_COLUMN,
        Column("Role", described_by=f"io.k8s.api.rbac.v1.{kind}.roleRef"),
        AGE_COLUMN,
        *(
            Column(name, priority=1, description=f"{name} in the {named}")
            for name in ("Users", "Groups", "ServiceAccounts")
        ),
    )


def _row(binding: Obj, now: float) -> list[Any]:
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in binding.get("subjects") or ():
        name = subject["name"]
        if subject["kind"] == "ServiceAccount":
            name = f"{subject.get('namespace', '')}/{name}"
        by_kind[subject["kind"]].append(name)
    reference = binding.get("roleRef") or {}
    role = f"{reference.get('kind', '')}/{reference.get('name', '')}"
    subjects = (", ".join(found) for found in by_kind.values())
    return [binding["metadata"]["name"], role, cells.age(binding, now), *subjects]


ROLE_BINDING = Resource(
    group=GROUP,
    version="v1",
    kind="RoleBinding",
    plural="rolebindings",
    singular="rolebinding",
    namespaced=True,
    schema="io.k8s.api.rbac.v1.RoleBinding",
    columns=_columns("RoleBinding"),
    row=_row,
    validate_name=names.path_segment,
    default=_default,
    validate=later("rbac.validation:validate_role_binding"),
    validate_update=later("rbac.validation:validate_role_binding_update"),
)

CLUSTER_ROLE_BINDING = Resource(
    group=GROUP,
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    singular="clusterrolebinding",
    namespaced=False,
    schema="io.k8s.api.rbac.v1.ClusterRoleBinding",
    columns=_columns("ClusterRoleBinding"),
    row=_row,
    validate_name=names.path_segment,
    default=_default,
    validate=later("rbac.validation:validate_cluster_role_binding"),
    validate_update=later("rbac.validation:validate_cluster_role_binding_update"),
)
