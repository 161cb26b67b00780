"""Which URL a service of each type is reached by."""

from __future__ import annotations

from typing import Any

import pytest

from minikctl.commands.service_urls import ServiceUrl, has_ready_endpoint, service_urls

NODE = "192.168.1.2"
HTTP: dict[str, Any] = {"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"type": "ClusterIP", "clusterIP": "10.96.3.4", "ports": [*(ports or (HTTP,))], **spec}}


def endpoint_slice(*addresses: str, ready: bool | None = True, ports: Any = None) -> dict[str, Any]:
    conditions = {} if ready is None else {"ready": ready}
    return {
        "ports": ports if ports is not None else [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": conditions} for address in addresses],
    }


def urls(*args: Any, **options: Any) -> list[str]:
    return [found.url for found in service_urls(*args, **options)]


def test_a_service_with_an_address_of_its_own_is_reached_there() -> None:
    assert service_urls(service(), [], NODE) == [ServiceUrl("http/80", "http://10.96.3.4:80")]
    assert service_urls(service({"port": 81, "protocol": "TCP"}), [], NODE) == [
        ServiceUrl("81", "http://10.96.3.4:81")
    ]


def test_an_ipv6_address_is_bracketed() -> None:
    assert urls(service(clusterIP="fd00::1"), [], NODE) == ["http://[fd00::1]:80"]


def test_a_node_port_is_reached_at_the_node() -> None:
    exposed = service({**HTTP, "nodePort": 30080}, type="NodePort")
    assert urls(exposed, [], NODE) == ["http://192.168.1.2:30080"]


def test_on_a_machine_with_no_address_a_node_port_service_is_reached_at_its_own() -> None:
    exposed = service({**HTTP, "nodePort": 30080}, type="NodePort")
    assert urls(exposed, [], "") == ["http://10.96.3.4:80"]


@pytest.mark.parametrize("balancer", [{"ip": "172.17.255.1"}, {"hostname": "lb.example"}])
def test_a_load_balancer_is_reached_at_its_address_and_by_its_service_until_it_has_one(
    balancer: dict[str, str],
) -> None:
    balanced = service({**HTTP, "nodePort": 30080}, type="LoadBalancer")
    assert urls(balanced, [], NODE) == ["http://10.96.3.4:80"]
    host = next(iter(balancer.values()))
    assert urls({**balanced, "status": {"loadBalancer": {"ingress": [balancer]}}}, [], NODE) == [
        f"http://{host}:80"
    ]


def test_a_headless_service_is_reached_at_a_pod_that_is_ready_and_at_the_pods_port() -> None:
    slices = [endpoint_slice("172.17.0.2", ready=False), endpoint_slice("172.17.0.3", "172.17.0.4")]
    assert urls(service(clusterIP="None"), slices, NODE) == ["http://172.17.0.3:8080"]


def test_a_headless_port_that_no_pod_has_is_left_out() -> None:
    headless = service(HTTP, {"name": "other", "port": 90, "targetPort": "x"}, clusterIP="None")
    assert urls(headless, [endpoint_slice("172.17.0.3")], NODE) == ["http://172.17.0.3:8080"]
    assert urls(headless, [endpoint_slice("172.17.0.3", ports=[])], NODE) == []


def test_an_external_name_is_reached_under_it() -> None:
    assert urls(service(type="ExternalName", externalName="db.example", clusterIP=None), [], NODE) == [
        "http://db.example:80"
    ]


@pytest.mark.parametrize(
    ("port", "scheme"),
    [
        ({"port": 80}, "http"),
        ({"port": 443}, "https"),
        ({"port": 443, "appProtocol": "http"}, "http"),
        ({"port": 80, "name": "https"}, "https"),
        ({"port": 80, "name": "https-admin"}, "https"),
        ({"port": 80, "targetPort": "https"}, "https"),
        ({"port": 80, "appProtocol": "HTTPS"}, "https"),
        ({"port": 80, "appProtocol": "kubernetes.io/ws"}, "ws"),
        ({"port": 443, "protocol": "UDP"}, "udp"),
        ({"port": 5000, "protocol": "SCTP"}, "sctp"),
    ],
)
def test_the_scheme_follows_from_protocol_names_and_number(port: dict[str, Any], scheme: str) -> None:
    assert urls(service(port), [], NODE) == [f"{scheme}://10.96.3.4:{port['port']}"]


def test_https_may_be_asked_for_but_not_of_udp() -> None:
    both = service(HTTP, {"name": "dns", "port": 53, "protocol": "UDP"})
    assert urls(both, [], NODE, https=True) == ["https://10.96.3.4:80", "udp://10.96.3.4:53"]


def test_what_is_not_said_to_be_unready_is_ready() -> None:
    assert has_ready_endpoint([endpoint_slice("172.17.0.3", ready=None)])
    assert not has_ready_endpoint([endpoint_slice("172.17.0.3", ready=False), endpoint_slice()])
    assert not has_ready_endpoint([{"ports": None, "endpoints": None}])
