"""storage.k8s.io/v1 VolumeAttachment. Source: pkg/registry/storage/volumeattachment/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.storage.v1.VolumeAttachmentSpec"


def _prepare_create(attachment: Obj) -> None:
    attachment["status"] = {"attached": False}


def _row(attachment: Obj, now: float) -> list[Any]:
    spec, status = attachment["spec"], attachment.get("status") or {}
    return [
        attachment["metadata"]["name"],
        spec.get("attacher", ""),
        (spec.get("source") or {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        status.get("attached", False),
        cells.age(attachment, now),
    ]


VOLUME_ATTACHMENT = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttachment",
    plural="volumeattachments",
    singular="volumeattachment",
    namespaced=False,
    schema="io.k8s.api.storage.v1.VolumeAttachment",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Attacher", format="name", described_by=f"{_SPEC}.attacher"),
        Column("PV", described_by="io.k8s.api.storage.v1.VolumeAttachmentSource.persistentVolumeName"),
        Column("Node", described_by=f"{_SPEC}.nodeName"),
        Column("Attached", "boolean", described_by="io.k8s.api.storage.v1.VolumeAttachmentStatus.attached"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    prepare_create=_prepare_create,
    validate=later("storage.attachment_rules:validate"),
    validate_update=later("storage.attachment_rules:validate_update"),
    validate_status_update=later("storage.attachment_rules:validate_status"),
)
