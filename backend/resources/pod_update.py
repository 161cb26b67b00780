"""What may change in a pod. Source: ValidatePodUpdate, ValidatePodStatusUpdate."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.pod_validation import validate_pod


def validate_pod_update(pod: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_pod(pod)


def validate_pod_status_update(_pod: Obj, _old: Obj) -> Sequence[Cause]:
    return ()
