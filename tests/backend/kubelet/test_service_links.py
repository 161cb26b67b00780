"""Variables that tell containers of services: which, by what names, and what wins."""

from __future__ import annotations

import asyncio

import pytest

from backend.kubelet.env import NodeFacts, container_env
from backend.kubelet.service_links import ServiceLinks, link_variables
from backend.machinery.client import Client
from backend.machinery.clock import RealClock
from backend.meta.types import ADMIN, Obj
from tests.support.tiny_api import TinyApi


def service(name: str, address: str, *ports: Obj, namespace: str = "default") -> Obj:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": address, "ports": list(ports)},
    }  # fmt: skip


def test_names_and_values() -> None:
    ports = ({"port": 8080, "protocol": "TCP"}, {"name": "dns-udp", "port": 53, "protocol": "UDP"})
    assert dict(link_variables(service("my-rest-service", "10.96.0.9", *ports))) == {
        "MY_REST_SERVICE_SERVICE_HOST": "10.96.0.9",
        "MY_REST_SERVICE_SERVICE_PORT": "8080",
        "MY_REST_SERVICE_SERVICE_PORT_DNS_UDP": "53",
        "MY_REST_SERVICE_PORT": "tcp://10.96.0.9:8080",
        "MY_REST_SERVICE_PORT_8080_TCP": "tcp://10.96.0.9:8080",
        "MY_REST_SERVICE_PORT_8080_TCP_PROTO": "tcp",
        "MY_REST_SERVICE_PORT_8080_TCP_PORT": "8080",
        "MY_REST_SERVICE_PORT_8080_TCP_ADDR": "10.96.0.9",
        "MY_REST_SERVICE_PORT_53_UDP": "udp://10.96.0.9:53",
        "MY_REST_SERVICE_PORT_53_UDP_PROTO": "udp",
        "MY_REST_SERVICE_PORT_53_UDP_PORT": "53",
        "MY_REST_SERVICE_PORT_53_UDP_ADDR": "10.96.0.9",
    }
    six = dict(link_variables(service("six", "fd00::9", {"port": 80})))
    assert (six["SIX_SERVICE_HOST"], six["SIX_PORT"]) == ("fd00::9", "tcp://[fd00::9]:80")


def test_a_container_s_own_variables_win_and_may_refer_to_services() -> None:
    links = {"WEB_SERVICE_HOST": "10.96.0.9", "WEB_SERVICE_PORT": "80"}
    url = {"name": "URL", "value": "http://$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)"}
    spec = {"name": "c", "env": [url, {"name": "WEB_SERVICE_PORT", "value": "81"}, {**url, "name": "LATER"}]}
    pod = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [spec]}}
    assert container_env(pod, spec, lambda _kind, _name: None, NodeFacts(), links) == [
        ("URL", "http://10.96.0.9:80"),
        ("WEB_SERVICE_PORT", "81"),
        ("LATER", "http://10.96.0.9:81"),
        ("WEB_SERVICE_HOST", "10.96.0.9"),
    ]


@pytest.mark.parametrize(
    ("namespace", "links", "expected"),
    [
        ("default", True, {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "WEB_SERVICE_HOST": "10.96.0.9"}),
        ("default", False, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}),
        ("other", True, {"KUBERNETES_SERVICE_HOST": "10.96.0.66"}),
        ("other", False, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}),
        ("third", True, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}),
    ],
)
async def test_which_services_a_pod_is_told_of(namespace: str, links: bool, expected: dict[str, str]) -> None:
    api = TinyApi()
    for each in (
        service("kubernetes", "10.96.0.1"),
        service("web", "10.96.0.9"),
        service("headless", "None"),
        service("kubernetes", "10.96.0.66", namespace="other"),
    ):
        api.put("services", each)
    made = ServiceLinks(Client(api, ADMIN), RealClock())
    following = asyncio.create_task(made.run())
    try:
        pod = {"metadata": {"name": "p", "namespace": namespace}, "spec": {"enableServiceLinks": links}}
        assert await made.variables(pod) == expected
    finally:
        following.cancel()
        await asyncio.wait([following])
