"""What carries the traffic of pods and services: the parts, for whoever keeps them running."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from backend.config import Config
from backend.machinery.client import Client
from backend.machinery.informers import SharedInformers
from backend.network import nftables
from backend.network.ability import network_problem
from backend.network.bridge import PodBridge
from backend.network.dns.part import ClusterDnsPart
from backend.network.ingress.controller import IngressController
from backend.network.load_balancers import LoadBalancers
from backend.network.no_network import NoNetwork
from backend.network.pod_network import PodNetwork
from backend.network.policy import enforcer
from backend.network.proxy.service_proxy import ENDPOINT_SLICES, SERVICES, ServiceProxy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the parts stand on. `client` gives a client under the identity of a service account of kube-system."""

    config: Config
    client: Callable[[str], Client]
    pod_network: PodNetwork

    async def pod_bridge(self) -> PodBridge:
        """Waits until there was an engine; see PodNetwork.on_bridge for the rare case that it becomes another one."""
        return await self.pod_network.bridge()


def network_parts(surroundings: Surroundings) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """(name, run) of each part. A part that is cancelled leaves the rules of pods that go on as they are."""
    yield "pod network", surroundings.pod_network.run
    config = surroundings.config
    informers = SharedInformers(surroundings.client("kube-proxy"))
    ingress = IngressController(
        surroundings.client("ingress-controller"),
        services=informers.of(SERVICES), slices=informers.of(ENDPOINT_SLICES), memory=config.ingress_ports_path,
        http_port=config.ingress_http_port, https_port=config.ingress_https_port,
    )  # fmt: skip
    yield "ingress", ingress.run
    if problem := network_problem(config):
        yield "no network", NoNetwork(surroundings.client("kube-proxy"), config.node_name, problem).run
        yield from _informers(informers)
        return
    table = nftables.Table(config.cluster_id)
    proxy = ServiceProxy(
        table.section("proxy"), informers.of(SERVICES), informers.of(ENDPOINT_SLICES), node_name=config.node_name,
        cidrs=tuple(config.pod_network_cidrs),
        tell=lambda problem: surroundings.pod_network.tell("proxy", problem),
    )  # fmt: skip
    surroundings.pod_network.on_bridge(proxy.on_bridge)
    yield "service proxy", proxy.run
    policies = enforcer.NetworkPolicies(
        surroundings.client(enforcer.ACCOUNT), table.section("policy"), informers.of(SERVICES)
    )
    surroundings.pod_network.on_address(policies.address_given)
    yield "network policies", policies.run
    load_balancers = LoadBalancers(
        surroundings.client("service-controller"), informers.of(SERVICES), config.load_balancer_cidrs
    )
    yield "load balancers", load_balancers.run
    dns = ClusterDnsPart(
        surroundings.client("coredns"), informers.of(SERVICES), informers.of(ENDPOINT_SLICES),
        cidrs=config.service_cidrs, node_name=config.node_name,
    )  # fmt: skip
    surroundings.pod_network.on_bridge(dns.on_bridge)
    yield "cluster DNS", dns.run
    yield from _informers(informers)


def _informers(shared: SharedInformers) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """Once all who share them have asked for theirs."""
    for informer in shared:
        yield f"network's {informer.resource}", informer.run
