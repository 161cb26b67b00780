"""The kinds of policy/v1, by name."""

from backend.resources.policy.poddisruptionbudget import POD_DISRUPTION_BUDGET
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (POD_DISRUPTION_BUDGET,)
