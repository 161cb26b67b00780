"""NetworkPolicies: how long it takes until the kernel has those of many pods, and one change among them."""

from __future__ import annotations

import asyncio
import time

from backend.meta.types import Obj
from backend.network.nftables import Section, Table, remove_table
from backend.network.policy.rulebook import Rulebook
from backend.network.policy.rules import read_policy
from tests.bench.report import Row, median
from tests.support import netns
from tests.support.policy_objects import labelled, pod, policy

PODS, POLICIES, NAMESPACES = 1000, 100, 10
ROUNDS = 20
_CLUSTER = "bench-policies"


def policy_rows() -> list[Row]:
    """From objects to the kernel, in a network namespace of our own."""
    with netns.machine():
        whole, one, edited = asyncio.run(_program())
    work = f"{PODS:,} pods x {POLICIES} policies"
    usual = median(one)
    beside = f"the longest of {ROUNDS} {max(one) * 1000:.0f} ms; a policy that changes {edited * 1000:.0f} ms"
    return [
        Row(f"{work}, all", f"{whole:.2f} s", "", "<= 2 s", whole <= 2),
        Row(f"{work}, one pod changes", f"{usual * 1000:.0f} ms", beside, "<= 100 ms", usual <= 0.1),
    ]


def _policy(number: int) -> Obj:
    """For a tenth of the pods of its namespace, with peers there and everywhere."""
    near, far = (
        {"podSelector": labelled(group=f"g{number % 7}")},
        {"namespaceSelector": labelled(place=f"p{number % 5}")},
    )
    ingress = [
        {"from": [near, far], "ports": [{"port": 80}, {"port": "web"}, {"port": 8000 + number, "endPort": 9000}]}
    ]
    egress = [{"to": [near, {"ipBlock": {"cidr": "10.0.0.0/8", "except": [f"10.{number}.0.0/16"]}}]}]
    selector = labelled(group=f"g{number % 10}") if number % 10 else {}
    space = f"n{number % NAMESPACES}"
    return policy(f"p{number}", space, podSelector=selector, ingress=ingress, egress=egress)


def _pod(number: int, group: int) -> Obj:
    address = f"10.200.{number // 250}.{number % 250 + 1}"
    labels = {"group": f"g{group}", "unique": str(number)}
    return pod(f"pod-{number}", address, namespace=f"n{number // 10 % NAMESPACES}", ports={"web": 80}, **labels)


async def _program() -> tuple[float, list[float], float]:
    section = Table(_CLUSTER).section("policy")
    namespaces = {f"n{number}": {"place": f"p{number % 5}"} for number in range(NAMESPACES)}
    pods = [_pod(number, number % 10) for number in range(PODS)]
    policies = [_policy(number) for number in range(POLICIES)]
    whole, book = await _all(section, policies, namespaces, pods)
    one = []
    for number in range(0, PODS, PODS // ROUNDS):
        changed = _pod(number, number % 10 + 1)
        began = time.monotonic()
        book.change((changed["metadata"]["namespace"], changed["metadata"]["name"]), changed)
        await section.put(book.content())
        one.append(time.monotonic() - began)
    edited, _ = await _all(section, [*policies[1:], _policy(POLICIES)], namespaces, pods)
    await asyncio.to_thread(remove_table, _CLUSTER)
    return whole, one, edited


async def _all(
    section: Section, policies: list[Obj], namespaces: dict[str, dict[str, str]], pods: list[Obj]
) -> tuple[float, Rulebook]:
    began = time.monotonic()
    book = Rulebook([read_policy(found) for found in policies], namespaces, pods)
    await section.put(book.content())
    return time.monotonic() - began, book
