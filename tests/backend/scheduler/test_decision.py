"""Which node a pod gets and, where there is none, why, in kube-scheduler's words."""

import pytest

from backend.scheduler.decision import decide
from backend.scheduler.nodeinfo import Load, NodeInfo

TAINT = {"key": "dedicated", "value": "x", "effect": "NoSchedule"}
GONE = "no new claims to deallocate, preemption: "
HOPELESS = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


def node(name="n", *, labels=None, taints=None, unschedulable=False, pods=(), **allocatable):
    info = NodeInfo(name)
    info.set_node(
        {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": {"taints": taints or [], "unschedulable": unschedulable},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10", **allocatable}},
        }
    )
    for number, spec in enumerate(pods):
        info.add(("default", str(number)), Load.of(spec))
    return info


def needs(cpu=None, *, port=None, ip=None, **spec):
    container = {"name": "c"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    if port:
        container["ports"] = [{"hostPort": port, "hostIP": ip or "", "protocol": "TCP"}]
    return {"containers": [container], **spec}


def chosen(spec, *nodes):
    return decide(spec, Load.of(spec), nodes).node


def message(spec, *nodes):
    return decide(spec, Load.of(spec), nodes).message


def requires(*expressions, fields=()):
    term = {"matchExpressions": list(expressions), "matchFields": list(fields)}
    terms = {"nodeSelectorTerms": [term]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


REFUSED = [
    ("no node", needs(), [], "no nodes available to schedule pods"),
    (
        "cpu taken", needs("2"), [node(pods=[needs("3")])],
        f"0/1 nodes are available: 1 Insufficient cpu. {GONE}0/1 nodes are available: 1 {NO_VICTIMS}.",
    ),
    (
        "more cpu than there is", needs("5"), [node()],
        f"0/1 nodes are available: 1 Insufficient cpu. {GONE}0/1 nodes are available: 1 {HOPELESS}.",
    ),
    (
        "unknown resource",
        {"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}, [node()],
        f"0/1 nodes are available: 1 Insufficient nvidia.com/gpu. {GONE}0/1 nodes are available: 1 {HOPELESS}.",
    ),
    (
        "cordoned", needs(), [node(unschedulable=True)],
        f"0/1 nodes are available: 1 node(s) were unschedulable. {GONE}0/1 nodes are available: 1 {HOPELESS}.",
    ),
    (
        "taint", needs(), [node(taints=[TAINT])],
        f"0/1 nodes are available: 1 node(s) had untolerated taint(s). {GONE}0/1 nodes are available: 1 {HOPELESS}.",
    ),
    (
        "selector", needs(nodeSelector={"disk": "ssd"}), [node(labels={"disk": "hdd"})],
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. "
        f"{GONE}0/1 nodes are available: 1 {HOPELESS}.",
    ),
    (
        "port", needs(port=80), [node(pods=[needs(port=80)])],
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. "
        f"{GONE}0/1 nodes are available: 1 {NO_VICTIMS}.",
    ),
    (
        "several nodes", needs("3"),
        [node("a", taints=[TAINT]), node("b", pods=[needs("2")]), node("c", cpu="1"), node("d", cpu="2")],
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. "
        f"{GONE}0/4 nodes are available: 1 {NO_VICTIMS}, 3 {HOPELESS}.",
    ),
    (
        "no preemption wanted", needs("5", preemptionPolicy="Never"), [node()],
        f"0/1 nodes are available: 1 Insufficient cpu. {GONE}not eligible due to preemptionPolicy=Never.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "nodes", "expected"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_why_there_is_no_node(spec, nodes, expected):
    assert message(spec, *nodes) == expected


def test_a_node_takes_as_many_pods_as_it_says():
    full = node()
    for number in range(10):
        full.add(("default", str(number)), Load.of(needs()))
    assert message(needs(), full).startswith("0/1 nodes are available: 1 Too many pods. ")
    full.remove(("default", "3"))
    assert chosen(needs(), full) == "n"


def test_all_that_is_short_is_said():
    spec = {"containers": [{"resources": {"requests": {"cpu": "5", "memory": "9Gi"}}}]}
    assert message(spec, node()).startswith("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. ")


@pytest.mark.parametrize(
    "tolerations",
    [
        [{"operator": "Exists"}],
        [{"key": "dedicated", "operator": "Exists"}],
        [{"key": "dedicated", "value": "x"}],
        [{"key": "dedicated", "operator": "Equal", "value": "x", "effect": "NoSchedule"}],
    ],
)
def test_tolerated_taints(tolerations):
    assert chosen(needs(tolerations=tolerations), node(taints=[TAINT])) == "n"


@pytest.mark.parametrize(
    "tolerations",
    [
        [{"key": "dedicated", "value": "y"}],
        [{"key": "other", "operator": "Exists"}],
        [{"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}],
    ],
)
def test_untolerated_taints(tolerations):
    assert chosen(needs(tolerations=tolerations), node(taints=[TAINT])) == ""


def test_a_cordoned_node_takes_who_tolerates_that():
    tolerations = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert chosen(needs(tolerations=tolerations), node(unschedulable=True)) == "n"


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "5"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["5"]}, False),
        ({"key": "b", "operator": "NotIn", "values": ["5"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "Exists"}, False),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "a", "operator": "Gt", "values": ["5"]}, False),
        ({"key": "a", "operator": "Lt", "values": ["6"]}, True),
        ({"key": "b", "operator": "Gt", "values": ["4"]}, False),
    ],
)
def test_required_affinity(expression, fits):
    assert bool(chosen(needs(**requires(expression)), node(labels={"a": "5"}))) == fits


def test_affinity_for_a_node_by_name():
    field = {"key": "metadata.name", "operator": "In", "values": ["b"]}
    assert chosen(needs(**requires(fields=[field])), node("a"), node("b")) == "b"


def test_an_empty_term_matches_no_node():
    assert chosen(needs(**requires()), node()) == ""


@pytest.mark.parametrize(
    ("ip", "other", "fits"),
    [("127.0.0.1", "127.0.0.2", True), ("127.0.0.1", "", False), ("", "127.0.0.1", False), ("", "", False)],
)
def test_host_ports_collide_by_address(ip, other, fits):
    assert bool(chosen(needs(port=80, ip=ip), node(pods=[needs(port=80, ip=other)]))) == fits


def test_the_emptier_node_is_chosen():
    assert chosen(needs("1"), node("a", pods=[needs("2")]), node("b", pods=[needs("1")])) == "b"


def test_pods_without_requests_spread_too():
    assert chosen(needs(), node("a", pods=[needs()]), node("b")) == "b"
    assert chosen(needs(), node("a"), node("b", pods=[needs()])) == "a"


def test_a_preferred_node_is_chosen():
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]}
    wish = [{"weight": 1, "preference": term}]
    spec = needs(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wish}})
    assert chosen(spec, node("a"), node("b", labels={"zone": "z"}, pods=[needs("1")])) == "b"


def test_a_node_that_prefers_to_be_left_alone_is():
    taint = {"key": "k", "effect": "PreferNoSchedule"}
    assert chosen(needs(), node("a", taints=[taint]), node("b", pods=[needs("1")])) == "b"
    assert chosen(needs(), node("a", taints=[taint])) == "a"
