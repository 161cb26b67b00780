"""A cluster role with an aggregationRule has the rules of the cluster roles that the rule selects.

Source: pkg/controller/clusterroleaggregation. kube-controller-manager applies the rules server-side; an update is the
same, as nobody else may write rules that are aggregated.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

CLUSTER_ROLES = GVR("rbac.authorization.k8s.io", "v1", "clusterroles")


class Aggregation(NamedTuple):
    """What the wiring runs."""

    roles: Informer
    controller: Controller


def make(client: Client, clock: Clock | None = None) -> Aggregation:
    roles = Informer(client, CLUSTER_ROLES, clock=clock)

    async def reconcile(key: Key) -> None:
        role = roles.get("", key.name)
        if role is None or not role.get("aggregationRule"):
            return
        rules = aggregated(role, [*roles.list()])
        if rules != (role.get("rules") or []):
            await client.update(CLUSTER_ROLES, {**role, "rules": rules})

    controller = Controller("cluster-role-aggregation", reconcile, clock=clock, informers=[roles])

    def changed(_new: Obj | None, _old: Obj | None) -> None:
        # Any role may begin or cease to be selected, and few aggregate.
        for role in roles.list():
            if role.get("aggregationRule"):
                controller.enqueue_changed(role, None)

    roles.on_change(changed)
    return Aggregation(roles, controller)


def aggregated(role: Obj, roles: list[Obj]) -> list[Obj]:
    """The rules of all that `role` selects, by name and without repetition. A role does not select itself."""
    found: list[Obj] = []
    for selector in map(as_selector, role["aggregationRule"].get("clusterRoleSelectors") or ()):
        for other in sorted(roles, key=lambda each: str(each["metadata"]["name"])):
            if other["metadata"]["name"] != role["metadata"]["name"] and selector.matches(
                other["metadata"].get("labels")
            ):
                found += [rule for rule in other.get("rules") or () if rule not in found]
    return found
