"""The rules of one service as text, and what a Service and its slices mean for them."""

from __future__ import annotations

from typing import Any

import pytest

from backend.meta.types import Obj
from backend.network.bridge import PodBridge
from backend.network.nftables import Chain
from backend.network.proxy.conntrack import Flow
from backend.network.proxy.endpoints import endpoints_by_port
from backend.network.proxy.family import IPV4, IPV6
from backend.network.proxy.reach import Ended, abandoned
from backend.network.proxy.service_ports import service_ports
from backend.network.proxy.service_rules import ServiceRules, add_rules
from backend.network.proxy.table_content import Grounds, section
from tests.support.service_objects import endpoint, endpoint_slice, port, service

IP = "10.96.0.10"
GROUNDS = Grounds(PodBridge("docker0", ("172.17.0.0/16",), ("172.17.0.1",)), ("10.96.0.0/16", "fd96::/112"))
REJECT = "goto proxy/reject"


def rules_of(made: Obj, *slices: Obj) -> ServiceRules:
    rules, found = ServiceRules(), endpoints_by_port(slices, "n")
    for each in service_ports(made):
        endpoints = found.get((each.port_name, each.protocol, each.family), ())
        add_rules(rules, each, endpoints, GROUNDS.pod_subnets(each.family))
    return rules


def test_two_endpoints_are_drawn_by_chance() -> None:
    rules = rules_of(service("web", IP), endpoint_slice("web", "172.17.0.3", "172.17.0.2"))
    chain = "cluster4/default/web/tcp/80"
    slots = "{ 0 : 172.17.0.2 . 8080, 1 : 172.17.0.3 . 8080 }"
    drawn = f"meta l4proto tcp dnat ip to numgen random mod 2 map {slots}"
    assert rules.chains == {chain: Chain((drawn,))}
    assert rules.leads == {"proxy/addresses4": {f"{IP} . tcp . 80": f"goto {chain}"}}
    assert rules.members == {"proxy/to-itself4": {"172.17.0.2 . 172.17.0.2", "172.17.0.3 . 172.17.0.3"}}


@pytest.mark.parametrize(
    ("address", "keyword", "target"),
    [("172.17.0.2", "ip", "172.17.0.2:8080"), ("fd00::2", "ip6", "[fd00::2]:8080")],
)
def test_one_endpoint_needs_no_draw(address: str, keyword: str, target: str) -> None:
    rules = rules_of(service("web", "fd96::1" if ":" in address else IP), endpoint_slice("web", address))
    assert [*rules.chains.values()] == [Chain((f"meta l4proto tcp dnat {keyword} to {target}",))]


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_other_protocols(protocol: str) -> None:
    entry = endpoint_slice("dns", "172.17.0.2", ports=[{"port": 53, "protocol": protocol}])
    rules = rules_of(service("dns", IP, port(53, protocol)), entry)
    name = protocol.lower()
    assert rules.leads["proxy/addresses4"] == {f"{IP} . {name} . 53": f"goto cluster4/default/dns/{name}/53"}
    [chain] = rules.chains.values()
    assert chain.rules == (f"meta l4proto {name} dnat ip to 172.17.0.2:53",)


def test_a_dual_stack_service_has_rules_in_both_families() -> None:
    dual = service("web", IP, clusterIPs=[IP, "fd96::1"])
    rules = rules_of(dual, endpoint_slice("web", "172.17.0.2"), endpoint_slice("web", "fd00::2"))
    assert {*rules.chains} == {"cluster4/default/web/tcp/80", "cluster6/default/web/tcp/80"}
    assert {*rules.leads} == {"proxy/addresses4", "proxy/addresses6"}


def test_no_endpoints_reject_everywhere() -> None:
    made = service(
        "web", IP, port(80, nodePort=30001), type="LoadBalancer", externalIPs=["1.2.3.4", "fd00::9"],
        status={"loadBalancer": {"ingress": [{"ip": "198.18.0.1"}]}},
    )  # fmt: skip
    assert rules_of(made).leads == {
        "proxy/addresses4": {f"{address} . tcp . 80": REJECT for address in (IP, "1.2.3.4", "198.18.0.1")},
        "proxy/node-ports4": {"tcp . 30001": REJECT},
    }


@pytest.mark.parametrize(
    "made",
    [
        service("s", "None", clusterIPs=["None"]),
        service("s", "", clusterIPs=[], type="ExternalName", externalName="example.org"),
        {**service("s", IP), "metadata": {"namespace": "default", "name": "s", "labels": {
            "service.kubernetes.io/service-proxy-name": "x"}}},
    ],
    ids=["headless", "external name", "of another proxy"],
)  # fmt: skip
def test_services_without_rules(made: Obj) -> None:
    assert service_ports(made) == []


def test_an_address_behind_a_proxy_is_not_ours() -> None:
    ingress = [{"ip": "198.18.0.1", "ipMode": "Proxy"}, {"ip": "198.18.0.2", "ipMode": "VIP"}, {"hostname": "h"}]
    made = service("s", IP, type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}})
    [found] = service_ports(made)
    assert found.load_balancer_ips == ("198.18.0.2",)


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        ([], None),
        (["0.0.0.0/0"], None),
        (["fd00::/8"], None),
        ([" 10.0.0.1/8", "10.1.0.0/16"], "10.0.0.0/8"),
        (["10.0.0.0/8", "192.168.0.0/24", "192.168.1.0/24"], "10.0.0.0/8, 192.168.0.0/23"),
    ],
)
def test_source_ranges_keep_others_from_the_load_balancers_address_only(ranges: list[str], wanted: str) -> None:
    made = service(
        "s", IP, port(80, nodePort=30001), type="LoadBalancer", loadBalancerSourceRanges=ranges,
        status={"loadBalancer": {"ingress": [{"ip": "198.18.0.1"}]}},
    )  # fmt: skip
    rules = rules_of(made, endpoint_slice("s", "172.17.0.2"))
    plain, guarded = "goto cluster4/default/s/tcp/80", "goto load-balancer4/default/s/tcp/80"
    leads = rules.leads["proxy/addresses4"]
    assert leads[f"{IP} . tcp . 80"] == plain
    assert rules.leads["proxy/node-ports4"] == {"tcp . 30001": plain}
    assert leads["198.18.0.1 . tcp . 80"] == (guarded if wanted else plain)
    if wanted:
        assert rules.chains[guarded[5:]].rules == (f"ip saddr != {{ {wanted} }} drop", plain)


def test_affinity_remembers_clients_of_each_endpoint() -> None:
    sticky = service(
        "s", IP, sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}
    )
    rules = rules_of(sticky, endpoint_slice("s", "172.17.0.2", "172.17.0.3"))
    clients, chain = (
        "clients-60s4/default/s/tcp/80/172.17.0.{}/8080",
        "endpoint4/default/s/tcp/80/172.17.0.{}/8080",
    )
    assert {*rules.sets} == {clients.format(2), clients.format(3)}
    assert rules.sets[clients.format(2)].options == ("flags dynamic,timeout", "timeout 60s")
    assert rules.chains[chain.format(2)].rules == (
        f"update @{clients.format(2)} {{ ip saddr }}", "meta l4proto tcp dnat ip to 172.17.0.2:8080"
    )  # fmt: skip
    assert rules.chains["cluster4/default/s/tcp/80"].rules == (
        f"ip saddr @{clients.format(2)} goto {chain.format(2)}",
        f"ip saddr @{clients.format(3)} goto {chain.format(3)}",
        f"numgen random mod 2 vmap {{ 0 : goto {chain.format(2)}, 1 : goto {chain.format(3)} }}",
    )


READY, NOT_READY = {"ready": True}, {"ready": False}
ENDING, ENDED = {"ready": False, "serving": True, "terminating": True}, {"ready": False, "terminating": True}


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        ([READY, NOT_READY], [0]),
        ([READY, ENDING], [0]),
        ([ENDING, NOT_READY], [0]),
        ([ENDING, ENDED], [0]),
        ([ENDED, NOT_READY], []),
        ([{"ready": False, "serving": True}], []),
        ([{"terminating": False}], [0]),
    ],
)
def test_who_gets_new_connections(conditions: list[dict[str, bool]], chosen: list[int]) -> None:
    addresses = [f"172.17.0.{2 + number}" for number in range(len(conditions))]
    entries = [endpoint(address, **each) for address, each in zip(addresses, conditions, strict=True)]
    rules = rules_of(service("s", IP), endpoint_slice("s", *entries))
    drawn = " ".join(rule for chain in rules.chains.values() for rule in chain.rules)
    assert [number for number, address in enumerate(addresses) if address in drawn] == chosen
    assert (rules.leads["proxy/addresses4"][f"{IP} . tcp . 80"] == REJECT) == (not chosen)


def test_local_policies() -> None:
    here, there = endpoint("172.17.0.2"), endpoint("172.18.0.2", "another")
    made = service(
        "s",
        IP,
        port(80, nodePort=30001),
        type="NodePort",
        internalTrafficPolicy="Local",
        externalTrafficPolicy="Local",
    )
    both = rules_of(made, endpoint_slice("s", here, there))
    assert both.leads["proxy/addresses4"] == {f"{IP} . tcp . 80": "goto local4/default/s/tcp/80"}
    assert both.leads["proxy/node-ports4"] == {"tcp . 30001": "goto external4/default/s/tcp/80"}
    assert both.chains["external4/default/s/tcp/80"].rules == (
        "ip saddr 172.17.0.0/16 goto cluster4/default/s/tcp/80",
        "fib saddr type local goto cluster4/default/s/tcp/80",
        "goto local4/default/s/tcp/80",
    )
    elsewhere = rules_of(made, endpoint_slice("s", there))
    assert elsewhere.leads["proxy/addresses4"] == {f"{IP} . tcp . 80": "drop"}
    assert elsewhere.chains["external4/default/s/tcp/80"].rules[-1] == "drop"
    assert elsewhere.members == {"proxy/elsewhere4": {"172.18.0.2 . tcp . 8080"}}
    same = rules_of(made, endpoint_slice("s", here))
    assert {*same.chains} == {"cluster4/default/s/tcp/80"}


def test_an_endpoint_in_two_slices_is_one() -> None:
    first = endpoint_slice("s", endpoint("172.17.0.2", ready=False), name="a")
    second = endpoint_slice("s", endpoint("172.17.0.2"), name="b")
    [found] = endpoints_by_port([first, second], "n").values()
    assert [(each.address, each.ready) for each in found] == [("172.17.0.2", True)]


def test_addresses_are_written_as_the_kernel_writes_them() -> None:
    made = service("s", "fd96::1", externalIPs=["FD00:0::9", "010.0.0.1"])
    rules = rules_of(made, endpoint_slice("s", endpoint("FD00:0:0::2"), endpoint("fd00::2")))
    assert {*rules.leads["proxy/addresses6"]} == {"fd96::1 . tcp . 80", "fd00::9 . tcp . 80"}
    assert [*rules.chains.values()] == [Chain(("meta l4proto tcp dnat ip6 to [fd00::2]:8080",))]


def test_slices_of_names_and_without_ports_are_passed_over() -> None:
    names = {**endpoint_slice("s", "172.17.0.2"), "addressType": "FQDN"}
    nothing: dict[str, Any] = {**endpoint_slice("s", "172.17.0.2"), "ports": None}
    assert endpoints_by_port([names, nothing], "n") == {}


def test_the_service_that_comes_last_has_an_address_that_two_want() -> None:
    first = rules_of(service("a", IP, externalIPs=["1.2.3.4"]), endpoint_slice("a", "172.17.0.2"))
    last = rules_of(service("b", "10.96.0.11", externalIPs=["1.2.3.4"]), endpoint_slice("b", "172.17.0.3"))
    elements = section(GROUNDS, [first, last]).maps["proxy/addresses4"].elements
    assert elements["1.2.3.4 . tcp . 80"] == "goto cluster4/default/b/tcp/80"
    assert {f"{IP} . tcp . 80", "10.96.0.11 . tcp . 80"} <= {*elements}


def test_all_ranges_are_guarded() -> None:
    chains = section(GROUNDS, []).chains
    for name in ("proxy/guard-forward", "proxy/guard-output"):
        assert chains[name].rules == (f"ip daddr 10.96.0.0/16 {REJECT}", f"ip6 daddr fd96::/112 {REJECT}")


def flow(endpoint_ip: str, protocol: str = "tcp", to: tuple[str, int] = (IP, 80), translated: bool = True) -> Flow:
    return Flow(protocol, to, (endpoint_ip, 8080), translated, 2, b"")


def test_connections_end_with_their_endpoint_only() -> None:
    key, there, gone = ("tcp", IP, 80), ("172.17.0.2", 8080), ("172.17.0.3", 8080)
    ended = Ended()
    ended.add({key: frozenset({there, gone})}, {key: frozenset({there})})
    doomed = flow("172.17.0.3")
    others = [flow("172.17.0.2"), flow("172.17.0.3", to=("10.96.0.99", 80)), flow("172.17.0.3", translated=False)]
    assert ended.stale([doomed, *others]) == [doomed]
    assert [selection.answering for selection in ended.selections()] == ["172.17.0.3"]


def test_udp_that_nobody_translated_begins_anew_once_somebody_is_there() -> None:
    key, place = ("udp", "", 30001), frozenset({("172.17.0.2", 8080)})
    ended = Ended()
    ended.add({key: frozenset()}, {key: place})
    waiting = flow("9.9.9.9", "udp", ("9.9.9.9", 30001), translated=False)
    assert ended.stale([waiting, flow("172.17.0.2", "udp", ("9.9.9.9", 30001))]) == [waiting]
    nothing = Ended()
    nothing.add({key: place}, {key: place})
    assert not nothing


def test_many_endpoints_at_once_are_looked_for_together() -> None:
    key = ("tcp", IP, 80)
    ended = Ended()
    ended.add({key: frozenset((f"172.17.0.{number}", 8080) for number in range(2, 99))}, {})
    [selection] = ended.selections()
    assert selection.translated
    assert not selection.answering


def test_at_the_start_whoever_has_no_endpoint_any_more_ends() -> None:
    reach = {("tcp", IP, 80): frozenset({("172.17.0.2", 8080)})}
    lost = flow("172.17.0.3")
    strangers = flow("172.17.0.3", to=("10.0.0.1", 80))
    assert abandoned([lost, flow("172.17.0.2"), strangers], reach) == [lost]


def test_families() -> None:
    assert IPV4.join("1.2.3.4", 80) == "1.2.3.4:80"
    assert IPV6.join("fd00::1", 80) == "[fd00::1]:80"
