"""EndpointSlices that mirror what somebody wrote into Endpoints: their content, and the fewest changes to them."""

from __future__ import annotations

from typing import Any

from backend.controllers.endpoints.mirrors import CONTROLLER, MAX_ADDRESSES, plan
from backend.controllers.endpoints.slices import Changes
from backend.meta.types import Obj


def endpoints(*subsets: Obj, **meta: Any) -> Obj:
    own = {"name": "s", "namespace": "default", "uid": "u", **meta}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": own, "subsets": [*subsets]}


def subset(*ips: str, ports: tuple[int, ...] = (80,), waiting: tuple[str, ...] = ()) -> Obj:
    found: Obj = {"ports": [{"port": port, "protocol": "TCP"} for port in ports]}
    if ips:
        found["addresses"] = [{"ip": ip} for ip in ips]
    if waiting:
        found["notReadyAddresses"] = [{"ip": ip} for ip in waiting]
    return found


def stored(made: Obj, name: str = "s-1") -> Obj:
    """As the API server has it."""
    meta = {key: value for key, value in made["metadata"].items() if key != "generateName"}
    return {**made, "metadata": {**meta, "name": name, "uid": name, "resourceVersion": "7"}}


def addresses(entry: Obj) -> dict[str, bool]:
    return {found["addresses"][0]: found["conditions"]["ready"] for found in entry["endpoints"]}


def test_a_slice_says_what_the_subset_says():
    address = {
        "ip": "010.0.0.1", "hostname": "a", "nodeName": "n",
        "targetRef": {"kind": "Pod", "name": "p", "namespace": "default", "uid": "p1"},
    }  # fmt: skip
    port = {"name": "web", "port": 80, "protocol": "TCP", "appProtocol": "http"}
    made = endpoints(
        {"addresses": [address], "notReadyAddresses": [{"ip": "10.0.0.2"}], "ports": [port]},
        labels={"l": "1", "kubernetes.io/service-name": "other"},
        annotations={
            "a": "1", "endpoints.kubernetes.io/last-change-trigger-time": "x",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    )  # fmt: skip
    (entry,) = plan(made, []).changes.create
    assert entry["metadata"] == {
        "generateName": "s-", "namespace": "default", "annotations": {"a": "1"},
        "labels": {
            "l": "1", "kubernetes.io/service-name": "s", "endpointslice.kubernetes.io/managed-by": CONTROLLER,
        },
        "ownerReferences": [
            {
                "apiVersion": "v1", "kind": "Endpoints", "name": "s", "uid": "u",
                "controller": True, "blockOwnerDeletion": True,
            }
        ],
    }  # fmt: skip
    assert (entry["addressType"], entry["ports"]) == ("IPv4", [port])
    first, second = entry["endpoints"]
    assert first == {
        "addresses": ["10.0.0.1"], "conditions": {"ready": True}, "hostname": "a", "nodeName": "n",
        "targetRef": address["targetRef"],
    }  # fmt: skip
    assert second == {"addresses": ["10.0.0.2"], "conditions": {"ready": False}}


def test_families_and_ports_have_slices_of_their_own():
    made = endpoints(subset("10.0.0.1", "fd00::1"), subset("10.0.0.2", ports=(81,)), subset("10.0.0.3"))
    created = plan(made, []).changes.create
    assert [(entry["addressType"], entry["ports"][0]["port"], [*addresses(entry)]) for entry in created] == [
        ("IPv4", 80, ["10.0.0.1", "10.0.0.3"]),
        ("IPv6", 80, ["fd00::1"]),
        ("IPv4", 81, ["10.0.0.2"]),
    ]


def test_what_is_so_already_is_not_written():
    made = endpoints(subset("10.0.0.1", "10.0.0.2"))
    (entry,) = plan(made, []).changes.create
    same = stored({**entry, "endpoints": entry["endpoints"][::-1]})
    assert plan(made, [same]).changes == Changes()


def test_a_change_is_an_update_in_place():
    (entry,) = plan(endpoints(subset("10.0.0.1")), []).changes.create
    for made in (
        endpoints(subset("10.0.0.1", "10.0.0.2")),
        endpoints(subset(waiting=("10.0.0.1",))),
        endpoints(subset("10.0.0.1"), labels={"new": "1"}),
        endpoints(subset("10.0.0.1", ports=(81,))),
    ):
        changes = plan(made, [stored(entry)]).changes
        (updated,) = changes.update
        assert (updated["metadata"]["name"], updated["metadata"]["resourceVersion"]) == ("s-1", "7")
        assert "generateName" not in updated["metadata"]
        assert changes == Changes(update=[updated])


def test_what_mirrors_nothing_goes():
    (entry,) = plan(endpoints(subset("10.0.0.1")), []).changes.create
    first, second = stored(entry), stored(entry, "s-2")
    assert plan(endpoints(), [first]).changes.delete == [first]
    assert plan(endpoints(subset("10.0.0.1")), [first, second]).changes.delete == [second]


def test_a_subset_has_no_more_than_a_thousand_addresses():
    ips = [f"10.0.{number // 250}.{number % 250}" for number in range(MAX_ADDRESSES - 1)]
    mirror = plan(endpoints(subset(*ips, waiting=("10.1.0.1", "10.1.0.2"))), [])
    (entry,) = mirror.changes.create
    assert len(entry["endpoints"]) == MAX_ADDRESSES
    assert "10.1.0.1" in addresses(entry)
    assert (mirror.skipped, mirror.invalid) == (1, 0)


def test_what_is_no_address_is_counted():
    mirror = plan(endpoints(subset("10.0.0.1", "somewhere")), [])
    assert [*addresses(mirror.changes.create[0])] == ["10.0.0.1"]
    assert (mirror.skipped, mirror.invalid) == (0, 1)
