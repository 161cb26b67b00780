"""The kinds of autoscaling; v2 first, as the version that clients are to prefer."""

from backend.resources.autoscaling.horizontalpodautoscaler import (
    HORIZONTAL_POD_AUTOSCALER,
    HORIZONTAL_POD_AUTOSCALER_V1,
)
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (HORIZONTAL_POD_AUTOSCALER, HORIZONTAL_POD_AUTOSCALER_V1)
