"""Ports and addresses as `port-forward` is given them."""

from __future__ import annotations

from typing import Any

import pytest

from minikctl.client.errors import Failure
from minikctl.commands.forwarded_ports import Address, Forwarded, of_pod, of_service, parse_addresses, parse_ports

POD: dict[str, Any] = {
    "metadata": {"name": "p"},
    "spec": {
        "containers": [
            {"name": "c", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]},
            {"name": "d", "ports": [
                {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                {"name": "both-udp", "containerPort": 54, "protocol": "UDP"},
                {"name": "both", "containerPort": 54, "protocol": "TCP"},
            ]},
        ],
        "initContainers": [
            {"name": "side", "restartPolicy": "Always", "ports": [{"name": "metrics", "containerPort": 9}]},
        ],
    },
}  # fmt: skip


def service(**spec: Any) -> dict[str, Any]:
    ports = [
        {"name": "web", "port": 80, "targetPort": "http", "protocol": "TCP"},
        {"name": "number", "port": 81, "targetPort": 8081, "protocol": "TCP"},
        {"name": "same", "port": 82, "protocol": "TCP"},
        {"name": "lost", "port": 83, "targetPort": "nowhere", "protocol": "TCP"},
        {"name": "udp", "port": 84, "targetPort": 84, "protocol": "UDP"},
    ]
    return {"metadata": {"name": "s"}, "spec": {"ports": ports, "clusterIP": "10.0.0.1", **spec}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("80", "80"), ("8000:80", "8000:80"), (":80", ":80"), ("http", "8080"), ("1:http", "1:8080"), ("54", "54"),
        ("metrics", "9"), ("1:2:3", "1"),
    ],
)  # fmt: skip
def test_names_of_a_pod_s_ports_become_numbers(given: str, expected: str) -> None:
    assert of_pod([given], POD) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("80", "80:8080"), ("web", "80:8080"), ("1:web", "1:8080"), (":80", ":8080"), ("81", "81:8081"), ("82", "82"),
        ("number", "81:8081"), ("8081:81", "8081"),
    ],
)  # fmt: skip
def test_a_service_s_ports_become_those_of_its_pods(given: str, expected: str) -> None:
    assert of_service([given], service(), POD) == [expected]


def test_a_headless_service_has_the_ports_of_its_pods() -> None:
    assert of_service(["80", "81"], service(clusterIP="None"), POD) == ["80", "81"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nope", "Pod 'p' does not have a named port 'nope'"),
        (":", "Pod 'p' does not have a named port ''"),
        ("53", "UDP protocol is not supported for 53"),
        ("5:dns", "UDP protocol is not supported for dns"),
    ],
)
def test_what_a_pod_does_not_have(given: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        of_pod([given], POD)
    assert str(failure.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("8080", "Service s does not have a service port 8080"),
        ("nope", "Service 's' does not have a named port 'nope'"),
        ("lost", "Pod 'p' does not have a named port 'nowhere'"),
        ("udp", "UDP protocol is not supported for udp"),
    ],
)
def test_what_a_service_does_not_have(given: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        of_service([given], service(), POD)
    assert str(failure.value) == message


def test_ports_are_read() -> None:
    assert parse_ports(["80", "8000:80", ":80"]) == [Forwarded(80, 80), Forwarded(8000, 80), Forwarded(0, 80)]
    assert str(Forwarded(8000, 80)) == "{8000 80}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("1:2:3", "invalid port format '1:2:3'"),
        ("x:80", "error parsing local port 'x': strconv.ParseUint: parsing \"x\": invalid syntax"),
        ("80:-1", "error parsing remote port '-1': strconv.ParseUint: parsing \"-1\": invalid syntax"),
        ("65536:80", "error parsing local port '65536': strconv.ParseUint: parsing \"65536\": value out of range"),
        ("80:0", "remote port must be > 0"),
    ],
)
def test_what_is_no_port(given: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_ports([given])
    assert str(failure.value) == message


def test_of_localhost_s_addresses_one_is_enough() -> None:
    assert parse_addresses(["localhost"]) == [Address("127.0.0.1", True), Address("::1", True)]
    assert parse_addresses(["10.0.0.2", "10.0.0.1"]) == [Address("10.0.0.1", False), Address("10.0.0.2", False)]
    assert Address("::1", True).with_port(80) == "[::1]:80"
    with pytest.raises(Failure, match=r"example\.com is not a valid IP"):
        parse_addresses(["example.com"])
