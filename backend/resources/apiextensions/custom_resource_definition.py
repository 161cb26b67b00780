"""apiextensions.k8s.io/v1 CustomResourceDefinition.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, OBJECT_META, Column, Resource, later

GROUP = "apiextensions.k8s.io"
_RULES = "apiextensions.definition_rules"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer of a definition that is deleted, until its instances are gone."""


def _row(definition: Obj, _now: float) -> list[Any]:
    meta = definition["metadata"]
    return [meta["name"], meta.get("creationTimestamp", "")]


CUSTOM_RESOURCE_DEFINITION = Resource(
    group=GROUP,
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    namespaced=False,
    schema="io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=("status",),
    columns=(NAME_COLUMN, Column("Created At", "date", described_by=f"{OBJECT_META}.creationTimestamp")),
    row=_row,
    default=later(f"{_RULES}:default"),
    prepare_create=later(f"{_RULES}:prepare_create"),
    prepare_update=later(f"{_RULES}:prepare_update"),
    validate=later(f"{_RULES}:validate"),
    validate_update=later(f"{_RULES}:validate_update"),
    validate_status_update=later(f"{_RULES}:validate_status_update"),
    generation=True,
    deletion_finalizer=CLEANUP,
)
