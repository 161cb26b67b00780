"""Namespaces, nodes, events, service accounts and leases."""

import pytest

from backend.resources.coordination.lease import LEASE
from backend.resources.core.event import EVENT
from backend.resources.core.namespace import NAMESPACE
from backend.resources.core.node import NODE
from backend.resources.core.serviceaccount import SERVICE_ACCOUNT

NOW = 1_700_000_000.0
AGO_20S = "2023-11-14T22:13:00Z"
AGO_5M = "2023-11-14T22:08:20Z"


def meta(name, **more):
    return {"name": name, "creationTimestamp": AGO_20S, **more}


def namespace(**fields):
    made = {"metadata": {"name": "team"}, **fields}
    NAMESPACE.default(made)
    return made


def test_a_namespace_is_labelled_with_its_name():
    made = namespace(metadata={"name": "team", "labels": {"a": "b", "kubernetes.io/metadata.name": "other"}})
    assert made["metadata"]["labels"] == {"a": "b", "kubernetes.io/metadata.name": "team"}


def test_a_generated_name_is_labelled_once_it_is_known():
    made = namespace(metadata={"generateName": "team-"})
    assert "labels" not in made["metadata"]
    made["metadata"]["name"] = "team-x"
    NAMESPACE.prepare_create(made)
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "team-x"}


def test_a_namespace_starts_active_and_with_its_finalizer():
    made = namespace(status={"phase": "Terminating"}, spec={"finalizers": ["mine"]})
    NAMESPACE.prepare_create(made)
    assert made["status"] == {"phase": "Active"}
    assert made["spec"]["finalizers"] == ["mine", "kubernetes"]


def test_the_finalizers_of_a_namespace_are_not_changed_by_an_update():
    old = namespace(spec={"finalizers": ["kubernetes"]})
    new = namespace(spec={})
    NAMESPACE.prepare_update(new, old)
    assert new["spec"]["finalizers"] == ["kubernetes"]


def test_a_namespace_in_a_table():
    assert NAMESPACE.row(namespace(metadata=meta("team")), NOW) == ["team", "Active", "20s"]
    assert "deletecollection" not in NAMESPACE.verbs


def node(labels=None, spec=None, **status):
    made = {"metadata": meta("n", labels=labels or {}), "spec": spec or {}, "status": status}
    NODE.default(made)
    return made


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (node(), "Unknown"),
        (node(conditions=[{"type": "Ready", "status": "True"}]), "Ready"),
        (node(conditions=[{"type": "Ready", "status": "Unknown"}]), "NotReady"),
        (
            node(conditions=[{"type": "Ready", "status": "True"}], spec={"unschedulable": True}),
            "Ready,SchedulingDisabled",
        ),
    ],
)
def test_status_of_a_node(made, status):
    assert NODE.row(made, NOW)[1] == status


def test_a_node_in_a_wide_table():
    made = node(
        labels={
            "node-role.kubernetes.io/worker": "",
            "node-role.kubernetes.io/control-plane": "",
            "kubernetes.io/role": "x",
        },
        addresses=[{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}],
        nodeInfo={"kubeletVersion": "v1.37.0", "osImage": "Debian", "kernelVersion": "6.1"},
    )
    assert NODE.row(made, NOW)[2:] == [
        "control-plane,worker,x", "20s", "v1.37.0", "10.0.0.1", "<none>", "Debian", "6.1", "<unknown>",
    ]  # fmt: skip


def test_a_bare_node_in_a_table():
    assert NODE.row(node(), NOW)[2:] == [
        "<none>", "20s", "", "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>",
    ]  # fmt: skip


def test_allocatable_is_the_capacity_until_a_kubelet_says_otherwise():
    assert node(capacity={"cpu": "2"})["status"]["allocatable"] == {"cpu": "2"}
    assert node(capacity={"cpu": "2"}, allocatable={"cpu": "1"})["status"]["allocatable"] == {"cpu": "1"}


def test_taints():
    taints = [
        {"key": "a", "effect": "NoSchedule"},
        {"key": "a", "effect": "NoSchedule", "value": "x"},
        {"key": "b"},
    ]
    assert [str(cause) for cause in NODE.validate(node(spec={"taints": taints}))] == [
        'metadata.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a","value":"x"}: '
        "taints must be unique by key and effect pair",
        'metadata.taints[2].effect: Unsupported value: "": supported values: '
        '"NoSchedule", "PreferNoSchedule", "NoExecute"',
    ]


def test_a_node_keeps_its_addresses_of_pods_and_its_provider():
    old = node(spec={"podCIDRs": ["10.1.0.0/24"], "providerID": "a"})
    assert NODE.validate_update(old, old) == []
    assert [str(cause) for cause in NODE.validate_update(node(), old)] == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]


def test_unschedulable_can_be_selected():
    assert NODE.selectable(node()) == {"spec.unschedulable": "false"}
    assert NODE.selectable(node(spec={"unschedulable": True})) == {"spec.unschedulable": "true"}


def event(**fields):
    made = {
        "metadata": {"name": "web.1", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web",
                           "fieldPath": "spec.containers{c}"},
        "reason": "Started", "message": "Started container c\n", "type": "Normal",
        "source": {"component": "kubelet", "host": "n1"}, "firstTimestamp": AGO_5M, "lastTimestamp": AGO_20S,
        "count": 3,
        **fields,
    }  # fmt: skip
    EVENT.default(made)
    return made


def test_an_event_in_a_table():
    assert EVENT.row(event(), NOW) == [
        "20s", "Normal", "Started", "pod/web", "spec.containers{c}", "kubelet, n1", "Started container c", "5m",
        3, "web.1",
    ]  # fmt: skip


def test_an_event_of_the_new_kind_in_a_table():
    made = event(
        firstTimestamp=None, lastTimestamp=None, count=None, source={}, eventTime="2023-11-14T22:08:20.000000Z",
        reportingComponent="default-scheduler",
        series={"count": 4, "lastObservedTime": "2023-11-14T22:13:00.000000Z"},
    )  # fmt: skip
    shown = EVENT.row(made, NOW)
    assert (shown[0], shown[5], shown[7], shown[8]) == ("20s", "default-scheduler", "5m", 4)
    assert EVENT.row(event(firstTimestamp=None, lastTimestamp=None, count=0), NOW)[:1] == ["<unknown>"]
    assert EVENT.row(event(count=0), NOW)[8] == 1


def test_an_event_has_what_its_go_type_always_writes():
    made = event(source=None, firstTimestamp=None)
    assert (made["eventTime"], made["reportingComponent"], made["reportingInstance"]) == (None, "", "")


@pytest.mark.parametrize(
    ("namespace", "involved", "expected"),
    [
        ("default", {"kind": "Pod", "namespace": "default"}, []),
        ("default", {"kind": "Node"}, []),
        (
            "team", {"kind": "Node"},
            ['involvedObject.namespace: Invalid value: "": does not match event.namespace'],
        ),
        (
            "default", {"kind": "Pod", "namespace": "team"},
            ['involvedObject.namespace: Invalid value: "team": does not match event.namespace'],
        ),
    ],
)  # fmt: skip
def test_an_event_lives_where_its_object_lives(namespace, involved, expected):
    made = event(metadata={"name": "e", "namespace": namespace}, involvedObject=involved)
    assert [str(cause) for cause in EVENT.validate(made)] == expected


def test_an_event_of_the_new_kind_has_more_rules():
    made = event(eventTime="2023-11-14T22:08:20.000000Z", reason="")
    found = [str(cause) for cause in EVENT.validate(made)]
    assert found[:2] == [
        "reportingComponent: Required value",
        'reportingComponent: Invalid value: "": name part must be non-empty',
    ]
    assert found[3:] == [
        "reportingInstance: Required value", "action: Required value", "reason: Required value",
    ]  # fmt: skip


def test_selectable_fields_of_an_event():
    made = event(reportingComponent="other", source={})
    fields = EVENT.selectable(made)
    assert fields["involvedObject.name"] == "web"
    assert (fields["source"], fields["reportingComponent"]) == ("other", "other")
    assert EVENT.selectable(event())["source"] == "kubelet"


def test_service_accounts_and_leases_in_tables():
    assert SERVICE_ACCOUNT.row({"metadata": meta("default")}, NOW) == ["default", "20s"]
    assert LEASE.row({"metadata": meta("n"), "spec": {"holderIdentity": "n"}}, NOW) == ["n", "n", "20s"]
    assert LEASE.row({"metadata": meta("n")}, NOW) == ["n", "", "20s"]


def test_rules_of_leases():
    bad = {
        "metadata": {"name": "n"},
        "spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1, "holderIdentity": ""},
    }
    expected = [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ]
    assert [str(cause) for cause in LEASE.validate(bad)] == expected
    assert LEASE.validate({"metadata": {"name": "n"}, "spec": {"leaseDurationSeconds": 40}}) == []
    made = {"metadata": {"name": "n"}, "spec": {"holderIdentity": "", "strategy": "s", "preferredHolder": "p"}}
    LEASE.prepare_create(made)
    assert made["spec"] == {"holderIdentity": ""}
