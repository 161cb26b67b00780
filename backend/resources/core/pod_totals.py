"""What a pod as a whole requests, and what it is limited to. Source: PodRequests and PodLimits of
k8s.io/component-helpers/resource, and their copies in the LimitRanger."""

from __future__ import annotations

from typing import Literal

from backend.meta import resource_list
from backend.meta.resource_list import Amounts
from backend.meta.types import Obj
from backend.resources.core.pod_table import is_sidecar

_OF_PODS = ("cpu", "memory")
Kind = Literal["requests", "limits"]


def total(spec: Obj, kind: Kind) -> Amounts:
    """The most of all containers at one time, without the overhead.

    Init containers run one after the other, each beside the sidecars started before it. What the pod itself says of
    cpu and memory goes before the sum.
    """
    running: Amounts = {}
    for container in spec.get("containers") or ():
        running = resource_list.add(running, _of(container, kind))
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _of(container, kind)
        if is_sidecar(container):
            running = resource_list.add(running, own)
            sidecars = beside = resource_list.add(sidecars, own)
        else:
            beside = resource_list.add(own, sidecars)
        starting = resource_list.highest(starting, beside)
    whole = resource_list.highest(running, starting)
    return {**whole, **resource_list.only(_of(spec, kind), _OF_PODS)}


def total_with_overhead(spec: Obj, kind: Kind) -> Amounts:
    """A limit grows by the overhead only where there is one."""
    whole = total(spec, kind)
    overhead = resource_list.amounts(spec.get("overhead"))
    if kind == "limits":
        overhead = resource_list.only(overhead, resource_list.nonzero(whole))
    return resource_list.add(whole, overhead)


def _of(holder: Obj, kind: Kind) -> Amounts:
    return resource_list.amounts((holder.get("resources") or {}).get(kind))
