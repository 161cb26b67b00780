"""What the describers of volumes, claims and storage classes share. Source: k8s.io/kubectl/pkg/util/storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

Obj = Mapping[str, Any]

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_SHORT_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)


def access_modes(modes: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in _SHORT_MODES if mode in (modes or ()))


def class_of(obj: Obj) -> str:
    """By the annotation of old or by the field; "" for none."""
    annotations = obj["metadata"].get("annotations") or {}
    if CLASS_ANNOTATION in annotations:
        return str(annotations[CLASS_ANNOTATION])
    name: str = (obj.get("spec") or {}).get("storageClassName") or ""
    return name


def status_of(obj: Obj) -> str:
    deleted = obj["metadata"].get("deletionTimestamp")
    if deleted:
        return f"Terminating (lasts {common.since(deleted)})"
    phase: str = (obj.get("status") or {}).get("phase", "")
    return phase


def finalizers(obj: Obj) -> str:
    return f"[{' '.join(obj['metadata'].get('finalizers') or ())}]"


def plain_pairs(values: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, sorted, as labels.FormatLabels prints annotations and parameters."""
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or "<none>"


def requirements(writer: Writer, level: int, title: str, wanted: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """(key, operator, values) of one selector term, one below the other."""
    writer.write(level, f"{title}:\t")
    if not wanted:
        writer.write(0, "<none>\n")
    for number, (key, operator, values) in enumerate(wanted):
        if number:
            writer.write(level, "\t")
        listed = f" [{', '.join(values)}]" if values else ""
        writer.write(0, f"{key} {operator.lower()}{listed}\n")
