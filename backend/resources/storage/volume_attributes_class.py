"""storage.k8s.io/v1 VolumeAttributesClass. Source: pkg/registry/storage/volumeattributesclass/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.storage.v1.VolumeAttributesClass"
_DEFAULT_ANNOTATION = "volumeattributesclass.alpha.kubernetes.io/is-default-class"


def _row(attributes_class: Obj, now: float) -> list[Any]:
    meta = attributes_class["metadata"]
    is_default = (meta.get("annotations") or {}).get(_DEFAULT_ANNOTATION) == "true"
    name = f"{meta['name']} (default)" if is_default else meta["name"]
    return [name, attributes_class.get("driverName", ""), cells.age(attributes_class, now)]


VOLUME_ATTRIBUTES_CLASS = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    singular="volumeattributesclass",
    namespaced=False,
    schema=_SCHEMA,
    short_names=("vac",),
    columns=(NAME_COLUMN, Column("DriverName", described_by=f"{_SCHEMA}.driverName"), AGE_COLUMN),
    row=_row,
    validate_name=names.dns1123_subdomain,
    validate=later("storage.class_rules:validate_volume_attributes_class"),
    validate_update=later("storage.class_rules:validate_volume_attributes_class_update"),
)
