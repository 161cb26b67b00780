"""What a pod takes of a node. Source: k8s.io/component-helpers/resource PodRequests, and the host ports of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

from backend.meta import quantity
from backend.meta.types import Obj
from backend.resources.core.pod_table import is_sidecar

Amounts = dict[str, Fraction]
HostPort = tuple[str, str, int]
"""(IP, protocol, port); the IP 0.0.0.0 stands for all."""

ANY_IP = "0.0.0.0"


@lru_cache(maxsize=4096)
def _amount(text: str) -> Fraction:
    return quantity.parse(text)


def amounts(texts: Mapping[str, object] | None) -> Amounts:
    return {name: _amount(str(text)) for name, text in (texts or {}).items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Fraction(0)) + amount


def _raise_to(total: Amounts, least: Amounts) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, Fraction(0)), amount)


def _requests(holder: Obj) -> Amounts:
    return amounts((holder.get("resources") or {}).get("requests"))


def pod_requests(spec: Obj) -> Amounts:
    """The most that the pod's containers take at one time, with its overhead.

    Init containers run one after the other, each beside the sidecars started before it. What the pod itself
    requests goes before the sum of its containers.
    """
    running: Amounts = {}
    for container in spec.get("containers") or ():
        _add(running, _requests(container))
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in spec.get("initContainers") or ():
        if is_sidecar(container):
            _add(sidecars, _requests(container))
            _raise_to(starting, sidecars)
        else:
            with_sidecars = dict(sidecars)
            _add(with_sidecars, _requests(container))
            _raise_to(starting, with_sidecars)
    _add(running, sidecars)
    _raise_to(running, starting)
    running.update(_requests(spec))
    _add(running, amounts(spec.get("overhead")))
    return running


def host_ports(spec: Obj) -> Iterator[HostPort]:
    sidecars = [container for container in spec.get("initContainers") or () if is_sidecar(container)]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or ANY_IP, port.get("protocol") or "TCP", port["hostPort"]
