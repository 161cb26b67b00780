"""The records of Kubernetes' DNS specification 1.1.0, section by section, and what CoreDNS adds to them."""

from __future__ import annotations

import dns.flags
import dns.message
import pytest
from dns.rcode import NOERROR, NXDOMAIN, REFUSED

from tests.support.dns_cluster import DnsCluster, lines

HTTPS = [{"name": "https", "port": 443, "protocol": "TCP"}]
PETS = [{"addresses": ["10.3.0.100"], "hostname": "my-pet"}, {"addresses": ["10.3.0.101"]}]


async def answer(cluster: DnsCluster, name: str, rdtype: str = "A") -> list[str]:
    return lines((await cluster.ask(name, rdtype)).answer)


async def code(cluster: DnsCluster, name: str, rdtype: str = "A") -> tuple[int, list[str]]:
    """The code and the types of what stands in the authority section, of an answer without records."""
    message = await cluster.ask(name, rdtype)
    assert message.answer == []
    return message.rcode(), [line.split()[1] for line in lines(message.authority)]


async def test_the_version_of_the_schema(cluster: DnsCluster) -> None:
    assert await answer(cluster, "dns-version.cluster.local", "TXT") == ['dns-version.cluster.local. TXT "1.1.0"']


async def test_a_service_with_an_address(cluster: DnsCluster) -> None:
    cluster.service("kubernetes", "10.96.0.1", ports=HTTPS)
    name = "kubernetes.default.svc.cluster.local"
    message = await cluster.ask(name)
    assert lines(message.answer) == [f"{name}. A 10.96.0.1"]
    assert message.flags & dns.flags.AA
    assert message.flags & dns.flags.RA
    assert [rrset.ttl for rrset in message.answer] == [30]
    message = await cluster.ask(f"_https._tcp.{name}", "SRV")
    assert lines(message.answer) == [f"_https._tcp.{name}. SRV 0 100 443 {name}."]
    assert lines(message.additional) == [f"{name}. A 10.96.0.1"]
    assert await answer(cluster, "1.0.96.10.in-addr.arpa", "PTR") == [f"1.0.96.10.in-addr.arpa. PTR {name}."]


async def test_a_service_of_both_families(cluster: DnsCluster) -> None:
    cluster.service("both", "10.96.0.5", "FD00:10:0::5")
    name = "both.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.96.0.5"]
    assert await answer(cluster, name, "AAAA") == [f"{name}. AAAA fd00:10::5"]
    message = await cluster.ask(f"_http._tcp.{name}", "SRV")
    assert lines(message.answer) == [f"_http._tcp.{name}. SRV 0 100 80 {name}."]
    assert lines(message.additional) == [f"{name}. A 10.96.0.5", f"{name}. AAAA fd00:10::5"]
    reverse = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.d.f.ip6.arpa"
    assert await answer(cluster, reverse, "PTR") == [f"{reverse}. PTR {name}."]


async def test_a_headless_service_is_its_ready_endpoints(cluster: DnsCluster) -> None:
    cluster.service("headless", "None", ports=HTTPS)
    unready = {"addresses": ["10.3.0.9"], "conditions": {"ready": False}}
    cluster.slice("headless", *PETS, unready, ports=HTTPS)
    name = "headless.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.100", f"{name}. A 10.3.0.101"]
    assert await answer(cluster, f"my-pet.{name}") == [f"my-pet.{name}. A 10.3.0.100"]
    assert await answer(cluster, f"10-3-0-101.{name}") == [f"10-3-0-101.{name}. A 10.3.0.101"]
    message = await cluster.ask(f"_https._tcp.{name}", "SRV")
    assert lines(message.answer) == [
        f"_https._tcp.{name}. SRV 0 50 443 10-3-0-101.{name}.",
        f"_https._tcp.{name}. SRV 0 50 443 my-pet.{name}.",
    ]
    assert lines(message.additional) == [f"10-3-0-101.{name}. A 10.3.0.101", f"my-pet.{name}. A 10.3.0.100"]
    reverse = "100.0.3.10.in-addr.arpa"
    assert await answer(cluster, reverse, "PTR") == [f"{reverse}. PTR my-pet.{name}."]


async def test_a_headless_service_without_ready_endpoints_has_no_name(cluster: DnsCluster) -> None:
    cluster.service("headless", "None")
    cluster.slice("headless", {"addresses": ["10.3.0.9"], "conditions": {"ready": False}})
    assert await code(cluster, "headless.default.svc.cluster.local") == (NXDOMAIN, ["SOA"])
    cluster.slice("headless", {"addresses": ["10.3.0.9"], "conditions": {"ready": True}})
    name = "headless.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.9"]


async def test_a_hostname_with_several_addresses(cluster: DnsCluster) -> None:
    cluster.service("headless", "None")
    cluster.slice("headless", {"addresses": ["10.3.0.1"], "hostname": "twin"})
    cluster.slice("headless", {"addresses": ["fd00::1"], "hostname": "twin"}, name="six", family="IPv6")
    name = "twin.headless.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.1"]
    assert await answer(cluster, name, "AAAA") == [f"{name}. AAAA fd00::1"]


async def test_a_headless_service_without_ports(cluster: DnsCluster) -> None:
    cluster.service("plain", "None", ports=[])
    cluster.slice("plain", {"addresses": ["10.3.0.1"]}, ports=[])
    name = "plain.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.1"]
    assert await code(cluster, name, "SRV") == (NOERROR, ["SOA"])


async def test_unnamed_ports_have_no_srv_name(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7", ports=[{"port": 80, "protocol": "TCP"}])
    assert (await code(cluster, "_._tcp.web.default.svc.cluster.local", "SRV"))[0] == NXDOMAIN
    name = "web.default.svc.cluster.local"
    assert await answer(cluster, name, "SRV") == [f"{name}. SRV 0 100 80 {name}."]


async def test_the_endpoints_of_a_service_with_an_address_have_names_too(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7")
    cluster.slice("web", {"addresses": ["10.3.0.1"]})
    name = "10-3-0-1.web.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.1"]
    assert await answer(cluster, "1.0.3.10.in-addr.arpa", "PTR") == [f"1.0.3.10.in-addr.arpa. PTR {name}."]


async def test_an_external_name_of_this_cluster(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7")
    cluster.service("ext", ports=[], type="ExternalName", externalName="web.default.svc.cluster.local")
    name, target = "ext.default.svc.cluster.local", "web.default.svc.cluster.local"
    assert await answer(cluster, name) == [f"{name}. CNAME {target}.", f"{target}. A 10.96.0.7"]
    assert await answer(cluster, name, "CNAME") == [f"{name}. CNAME {target}."]
    message = await cluster.ask(name, "AAAA")
    assert lines(message.answer) == [f"{name}. CNAME {target}."]
    cluster.api.remove("services", "web")
    message = await cluster.ask(name)
    assert (message.rcode(), lines(message.answer)) == (NXDOMAIN, [f"{name}. CNAME {target}."])


async def test_external_names_in_a_circle_end(cluster: DnsCluster) -> None:
    cluster.service("a", ports=[], type="ExternalName", externalName="b.default.svc.cluster.local")
    cluster.service("b", ports=[], type="ExternalName", externalName="a.default.svc.cluster.local")
    message = await cluster.ask("a.default.svc.cluster.local")
    assert message.rcode() == dns.rcode.SERVFAIL


async def test_names_of_pods_are_their_addresses(cluster: DnsCluster) -> None:
    name = "10-3-0-1.default.pod.cluster.local"
    assert await answer(cluster, name) == [f"{name}. A 10.3.0.1"]
    six = "fd00--1.default.pod.cluster.local"
    assert await answer(cluster, six, "AAAA") == [f"{six}. AAAA fd00::1"]
    assert await code(cluster, name, "AAAA") == (NOERROR, ["SOA"])
    for missing in ("10-3-0-1.nowhere.pod", "10-3-0.default.pod", "web.default.pod", "x.10-3-0-1.default.pod"):
        assert (await code(cluster, f"{missing}.cluster.local"))[0] == NXDOMAIN, missing


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("cluster.local", "A", NOERROR), ("svc.cluster.local", "A", NOERROR), ("pod.cluster.local", "A", NOERROR),
        ("default.svc.cluster.local", "A", NOERROR), ("default.pod.cluster.local", "A", NOERROR),
        ("_tcp.web.default.svc.cluster.local", "SRV", NOERROR), ("dns.cluster.local", "A", NOERROR),
        ("web.default.svc.cluster.local", "AAAA", NOERROR), ("web.default.svc.cluster.local", "TXT", NOERROR),
        ("web.default.svc.cluster.local", "MX", NOERROR), ("dns-version.cluster.local", "A", NOERROR),
        ("0.96.10.in-addr.arpa", "PTR", NOERROR), ("96.10.in-addr.arpa", "A", NOERROR),
        ("other.svc.cluster.local", "A", NXDOMAIN), ("web.other.svc.cluster.local", "A", NXDOMAIN),
        ("wEb2.default.svc.cluster.local", "TXT", NXDOMAIN), ("web.cluster.local", "A", NXDOMAIN),
        ("_udp.web.default.svc.cluster.local", "SRV", NXDOMAIN), ("*.default.svc.cluster.local", "A", NXDOMAIN),
        ("_http._udp.web.default.svc.cluster.local", "SRV", NXDOMAIN),
        ("a.b.web.default.svc.cluster.local", "A", NXDOMAIN),
        ("x._http._tcp.web.default.svc.cluster.local", "SRV", NXDOMAIN), ("any.any.svc.cluster.local", "A", NXDOMAIN),
        ("google.com.default.svc.cluster.local", "A", NXDOMAIN), ("99.99.96.10.in-addr.arpa", "PTR", NXDOMAIN),
        ("300.96.10.in-addr.arpa", "PTR", NXDOMAIN), ("7.7.7.7.97.10.in-addr.arpa", "PTR", NXDOMAIN),
    ],
)  # fmt: skip
async def test_what_exists_without_records_and_what_does_not(
    cluster: DnsCluster, name: str, rdtype: str, expected: int
) -> None:
    cluster.service("web", "10.96.0.7")
    assert await code(cluster, name, rdtype) == (expected, ["SOA"])


async def test_the_zone_itself(cluster: DnsCluster) -> None:
    cluster.api.put(
        "services",
        {"metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {"clusterIP": "10.96.0.10"}},
    )
    [soa] = await answer(cluster, "cluster.local", "SOA")
    assert soa.startswith("cluster.local. SOA ns.dns.cluster.local. hostmaster.cluster.local. ")
    message = await cluster.ask("cluster.local", "NS")
    assert lines(message.answer) == ["cluster.local. NS ns.dns.cluster.local."]
    assert lines(message.additional) == ["ns.dns.cluster.local. A 10.96.0.10"]
    assert await answer(cluster, "ns.dns.cluster.local") == ["ns.dns.cluster.local. A 10.96.0.10"]
    [soa] = await answer(cluster, "96.10.in-addr.arpa", "SOA")
    assert soa.startswith("96.10.in-addr.arpa. SOA ns.dns.cluster.local. ")


async def test_any_type(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7")
    name = "web.default.svc.cluster.local"
    assert await answer(cluster, name, "ANY") == [f"{name}. A 10.96.0.7", f"{name}. SRV 0 100 80 {name}."]


async def test_transfers_are_refused(cluster: DnsCluster) -> None:
    [axfr] = await cluster.by_tcp(dns.message.make_query("cluster.local", "AXFR"))
    assert axfr.rcode() == REFUSED
    assert (await cluster.ask("cluster.local", "IXFR")).rcode() == REFUSED
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert (await cluster.send(chaos)).rcode() == REFUSED


async def test_letters_come_back_as_they_were_written(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7")
    message = await cluster.ask("wEb.DeFault.svc.CLUSTER.local")
    assert str(message.question[0].name) == "wEb.DeFault.svc.CLUSTER.local."
    assert lines(message.answer) == ["wEb.DeFault.svc.CLUSTER.local. A 10.96.0.7"]


async def test_a_service_that_changes_is_answered_anew(cluster: DnsCluster) -> None:
    cluster.service("web", "10.96.0.7")
    name = "web.default.svc.cluster.local"
    for _ in range(3):
        assert await answer(cluster, name) == [f"{name}. A 10.96.0.7"]
    assert await answer(cluster, "8.0.96.10.in-addr.arpa", "PTR") == []
    cluster.service("web", "10.96.0.8")
    assert await answer(cluster, name) == [f"{name}. A 10.96.0.8"]
    assert await answer(cluster, "8.0.96.10.in-addr.arpa", "PTR") == [f"8.0.96.10.in-addr.arpa. PTR {name}."]
    cluster.api.remove("services", "web")
    assert (await code(cluster, name))[0] == NXDOMAIN


async def test_a_namespace_that_comes_is_there(cluster: DnsCluster) -> None:
    assert (await code(cluster, "later.svc.cluster.local"))[0] == NXDOMAIN
    cluster.namespace("later")
    assert (await code(cluster, "later.svc.cluster.local"))[0] == NOERROR


async def test_addresses_come_in_changing_order(cluster: DnsCluster) -> None:
    cluster.service("headless", "None")
    cluster.slice("headless", *({"addresses": [f"10.3.0.{number}"]} for number in range(1, 21)))
    orders = set()
    for _ in range(16):
        message = await cluster.ask("headless.default.svc.cluster.local", use_edns=0, payload=4096)
        assert len(message.answer) == 20
        orders.add(tuple(str(rrset[0]) for rrset in message.answer))
    assert 4 <= len(orders) <= 8
