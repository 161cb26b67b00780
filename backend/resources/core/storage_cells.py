"""What volumes, claims and whatever shows them say alike. Source: pkg/apis/core/helper/helpers.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta.types import Obj

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_SHORT_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)


def access_modes(modes: Sequence[str] | None) -> str:
    """As `RWO,ROX`, each once, in Kubernetes' order."""
    return ",".join(short for mode, short in _SHORT_MODES if mode in (modes or ()))


def storage_class_of(obj: Obj) -> str:
    """The class of a volume or a claim, by its annotation of old or its field; "" for none."""
    annotations: dict[str, str] = obj["metadata"].get("annotations") or {}
    if CLASS_ANNOTATION in annotations:
        return annotations[CLASS_ANNOTATION]
    name: str = (obj.get("spec") or {}).get("storageClassName") or ""
    return name


def phase_of(obj: Obj) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    phase: str = (obj.get("status") or {}).get("phase", "")
    return phase
