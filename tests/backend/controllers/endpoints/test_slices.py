"""How many slices a service has, and which of them a change writes."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controllers.endpoints import slices

SERVICE: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default", "uid": "u"},
    "spec": {"clusterIP": "10.96.0.9", "ipFamilies": ["IPv4"], "ports": [{"port": 80, "protocol": "TCP"}]},
}  # fmt: skip


def pod(number: int, *, ready: bool = True, address: str = "") -> dict[str, Any]:
    where = address or f"10.0.{number // 250}.{number % 250 + 1}"
    return {
        "metadata": {"name": f"p{number:04}", "namespace": "default", "uid": f"u{number}"},
        "spec": {"containers": [{"name": "c"}]},
        "status": {
            "phase": "Running", "podIPs": [{"ip": where}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }  # fmt: skip


def made(changes: slices.Changes) -> list[dict[str, Any]]:
    """The new slices as the API server would store them."""
    return [
        {**entry, "metadata": {**entry["metadata"], "name": f"s-{number}"}}
        for number, entry in enumerate(changes.create)
    ]


def plan(pods: list[dict[str, Any]], present: list[dict[str, Any]]) -> slices.Changes:
    return slices.plan(SERVICE, pods, present, "", {})


def test_a_slice_holds_a_hundred():
    changes = plan([pod(number) for number in range(230)], [])
    assert [len(entry["endpoints"]) for entry in changes.create] == [100, 100, 30]


def test_nothing_is_written_when_nothing_has_changed():
    pods = [pod(number) for number in range(150)]
    again = plan(pods[::-1], made(plan(pods, [])))
    assert (again.create, again.update, again.delete) == ([], [], [])


def test_one_pod_that_changes_writes_its_own_slice():
    pods = [pod(number) for number in range(150)]
    present = made(plan(pods, []))
    changes = plan([pod(3, ready=False), *pods[:3], *pods[4:]], present)
    assert (changes.create, changes.delete) == ([], [])
    assert [entry["metadata"]["name"] for entry in changes.update] == ["s-0"]


def test_new_pods_fill_gaps_before_they_get_another_slice():
    present = made(plan([pod(number) for number in range(150)], []))
    changes = plan([pod(number) for number in range(2, 202)], present)
    assert changes.create == []
    assert sorted(len(entry["endpoints"]) for entry in changes.update) == [100, 100]


def test_slices_that_are_empty_go_but_the_last():
    present = made(plan([pod(number) for number in range(150)], []))
    changes = plan([], present)
    assert (len(changes.update), len(changes.delete), changes.create) == (1, 1, [])
    assert changes.update[0]["endpoints"] == []


def test_addresses_of_two_families_are_in_slices_of_their_own():
    service = {**SERVICE, "spec": {**SERVICE["spec"], "ipFamilies": ["IPv4", "IPv6"]}}
    both = pod(1)
    both["status"]["podIPs"].append({"ip": "fd00::1"})
    changes = slices.plan(service, [both], [], "", {})
    assert {entry["addressType"]: entry["endpoints"][0]["addresses"] for entry in changes.create} == {
        "IPv4": ["10.0.0.2"], "IPv6": ["fd00::1"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("distribution", "zone", "hints"),
    [
        (None, "z", None),
        ("PreferClose", "z", {"forZones": [{"name": "z"}]}),
        ("PreferSameZone", "z", {"forZones": [{"name": "z"}]}),
        ("PreferSameZone", "", None),
        ("PreferSameNode", "z", {"forZones": [{"name": "z"}], "forNodes": [{"name": "n"}]}),
        ("PreferSameNode", "", {"forNodes": [{"name": "n"}]}),
    ],
)
def test_hints_say_who_is_near(distribution: str | None, zone: str, hints: dict[str, Any] | None):
    service = {**SERVICE, "spec": {**SERVICE["spec"], "trafficDistribution": distribution}}
    pods = [pod(1), pod(2, ready=False)]
    for each in pods:
        each["spec"]["nodeName"] = "n"
    (entry,) = slices.plan(service, pods, [], "", {"n": zone}).create
    assert [(found.get("zone"), found.get("hints")) for found in entry["endpoints"]] == [
        (zone or None, hints),
        (zone or None, None),
    ]
