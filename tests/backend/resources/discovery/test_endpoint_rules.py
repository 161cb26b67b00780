"""Rules, defaults and tables of EndpointSlices, and of the Endpoints that were before them."""

import pytest

from backend.resources.core.endpoints import ENDPOINTS
from backend.resources.discovery.endpoint_slice import ENDPOINT_SLICE

NOW = 1_700_000_000.0
META = {"name": "x", "creationTimestamp": "2023-11-14T22:08:20Z"}


def sliced(kind="IPv4", ports=(), **endpoint):
    endpoints = [{"addresses": ["10.1.0.1"], **endpoint}]
    made = {"metadata": dict(META), "addressType": kind, "ports": list(ports), "endpoints": endpoints}
    ENDPOINT_SLICE.default(made)
    return made


@pytest.mark.parametrize(
    ("made", "causes"),
    [
        (sliced(ports=[{"port": 80}]), []),
        (sliced(kind=""), ["addressType: Required value"]),
        (sliced(kind="x"), ['addressType: Unsupported value: "x": supported values: "FQDN", "IPv4", "IPv6"']),
        (sliced(addresses=[]), ["endpoints[0].addresses: Required value: must contain at least 1 address"]),
        (sliced(addresses=["10.1.0.1"] * 101), [
            "endpoints[0].addresses: Too many: 101: must have at most 100 items"
        ]),
        (sliced(addresses=["2001:db8::1"]), [
            'endpoints[0].addresses[0]: Invalid value: "2001:db8::1": must be an IPv4 address'
        ]),
        (sliced(kind="IPv6", addresses=["::1"]), [
            'endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)'
        ]),
        (sliced(kind="FQDN", addresses=["a.b."]), []),
        (sliced(kind="FQDN", addresses=["a"]), [
            'endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by'
            " dots"
        ]),
        (sliced(ports=[{"name": "a"}, {"name": "a"}]), ['ports[1].name: Duplicate value: "a"']),
        (sliced(ports=[{}, {}]), ['ports[1].name: Duplicate value: ""']),
        (sliced(ports=[{"protocol": "x"}]), [
            'ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"'
        ]),
        (sliced(hints={"forZones": [{"name": "a"}, {"name": "a"}]}), [
            'endpoints[0].hints.forZones[1].name: Duplicate value: "a"'
        ]),
        (sliced(hints={"forNodes": [{"name": str(n)} for n in range(9)]}), [
            "endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items"
        ]),
    ],
)  # fmt: skip
def test_rules_of_a_slice(made, causes):
    assert [str(cause) for cause in ENDPOINT_SLICE.validate(made)] == causes


def test_defaults_of_a_slice():
    assert sliced(ports=[{"port": 80}])["ports"] == [{"port": 80, "name": "", "protocol": "TCP"}]


def test_the_address_type_stays_and_old_addresses_are_accepted():
    old = sliced(addresses=["10.1.0.01"])
    assert ENDPOINT_SLICE.validate(old)
    assert not ENDPOINT_SLICE.validate_update(sliced(addresses=["10.1.0.01"], hostname="a"), old)
    found = ENDPOINT_SLICE.validate_update(sliced(kind="FQDN", addresses=["a.b"]), old)
    assert [str(cause) for cause in found] == ['addressType: Invalid value: "FQDN": field is immutable']


def test_labels_count_as_a_change_of_a_slice():
    old, labelled, renamed = sliced(), sliced(), sliced()
    labelled["metadata"]["labels"] = {"a": "b"}
    renamed["metadata"]["annotations"] = {"a": "b"}
    assert ENDPOINT_SLICE.counted(old) != ENDPOINT_SLICE.counted(labelled)
    assert ENDPOINT_SLICE.counted(old) == ENDPOINT_SLICE.counted(renamed)
    assert ENDPOINT_SLICE.counted(old) != ENDPOINT_SLICE.counted(sliced(hostname="a"))


def test_a_slice_in_a_table():
    ports = [{"name": name, "port": port} for name, port in (("a", 1), ("b", 2), ("c", 3), ("d", 4))]
    made = sliced(ports=ports, addresses=["10.1.0.1", "10.1.0.2"])
    assert ENDPOINT_SLICE.row(made, NOW) == ["x", "IPv4", "1,2,3 + 1 more...", "10.1.0.1,10.1.0.2", "5m"]
    empty = {"metadata": META, "addressType": "IPv6", "endpoints": []}
    assert ENDPOINT_SLICE.row(empty, NOW) == ["x", "IPv6", "<unset>", "<unset>", "5m"]


def endpoints(*subsets):
    made = {"metadata": META, "subsets": list(subsets)}
    ENDPOINTS.default(made)
    return made


@pytest.mark.parametrize(
    ("subset", "causes"),
    [
        ({"addresses": [{"ip": "10.1.0.1"}], "ports": [{"port": 80}]}, []),
        ({"ports": [{"port": 80}]}, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
        ({"notReadyAddresses": [{"ip": "127.0.0.1"}]}, [
            'subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range'
            " (127.0.0.0/8, ::1/128)"
        ]),
        ({"addresses": [{"ip": "10.1.0.1"}], "ports": [{"port": 0}, {"port": 1, "name": "b"}]}, [
            "subsets[0].ports[0].name: Required value",
            "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ]),
    ],
)  # fmt: skip
def test_rules_of_endpoints(subset, causes):
    assert [str(cause) for cause in ENDPOINTS.validate(endpoints(subset))] == causes


def test_endpoints_in_a_table():
    two = [{"ip": "10.1.0.1"}, {"ip": "2001:db8::1"}]
    made = endpoints({"addresses": two, "ports": [{"port": 80}, {"port": 81}]})
    assert ENDPOINTS.row(made, NOW)[1] == "10.1.0.1:80,[2001:db8::1]:80,10.1.0.1:81 + 1 more..."
    assert ENDPOINTS.row(endpoints({"addresses": two}), NOW)[1] == "10.1.0.1,2001:db8::1"
    assert ENDPOINTS.row(endpoints(), NOW) == ["x", "<none>", "5m"]
