"""apps/v1 Deployment. Source: pkg/registry/apps/deployment/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, Scale, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.apps.v1.DeploymentSpec"
_STATUS = "io.k8s.api.apps.v1.DeploymentStatus"


def _prepare_create(deployment: Obj) -> None:
    deployment["status"] = {}


def _counted(deployment: Obj) -> tuple[Any, Any]:
    """Annotations count, since controllers copy them to the replica sets."""
    return deployment.get("spec"), deployment["metadata"].get("annotations")


def _row(deployment: Obj, now: float) -> list[Any]:
    spec, status = deployment["spec"], deployment.get("status") or {}
    try:
        selector = str(as_selector(spec.get("selector")))
    except ValueError:
        selector = "<invalid>"
    return [
        deployment["metadata"]["name"], f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0), status.get("availableReplicas", 0), cells.age(deployment, now),
        *containers_and_images(spec["template"]), selector,
    ]  # fmt: skip


DEPLOYMENT = Resource(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    singular="deployment",
    namespaced=True,
    schema="io.k8s.api.apps.v1.Deployment",
    short_names=("deploy",),
    categories=("all",),
    subresources=("scale", "status"),
    columns=(
        NAME_COLUMN,
        Column("Ready", description="Number of the pod with ready state"),
        Column("Up-to-date", described_by=f"{_STATUS}.updatedReplicas"),
        Column("Available", described_by=f"{_STATUS}.availableReplicas"),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
        Column("Selector", priority=1, described_by=f"{_SPEC}.selector"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("apps.deployment_rules:default"),
    prepare_create=_prepare_create,
    validate=later("apps.deployment_rules:validate"),
    validate_update=later("apps.deployment_rules:validate_update"),
    validate_status_update=later("apps.deployment_rules:validate_status_update"),
    warnings=later("core.pod_warnings:template_warnings"),
    generation=True,
    counted=_counted,
    scale=Scale(),
)
