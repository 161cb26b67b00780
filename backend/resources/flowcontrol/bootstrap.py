"""The flow schemas and priority levels of every cluster. Source: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap.

Mandatory ones always have the specs that they have here; suggested ones are only made when they are missing.
"""

from __future__ import annotations

from backend.meta.types import Obj

_ALL = ["*"]
_READ_WRITE = ["get", "create", "update"]


def _group(name: str) -> Obj:
    return {"kind": "Group", "group": {"name": name}}


def _user(name: str) -> Obj:
    return {"kind": "User", "user": {"name": name}}


def _account(name: str) -> Obj:
    return {"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}}


def _resources(verbs: list[str], group: str, resources: list[str], *, cluster_scope: bool = False) -> Obj:
    rule: Obj = {"verbs": verbs, "apiGroups": [group], "resources": resources, "namespaces": _ALL}
    return {**rule, "clusterScope": True} if cluster_scope else rule


def _schema(precedence: int, level: str, method: str, subjects: list[Obj], **rules: list[Obj]) -> Obj:
    """Without rules it is about everything."""
    if not rules:
        rules = {
            "resourceRules": [_resources(_ALL, "*", _ALL, cluster_scope=True)],
            "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
        }
    spec: Obj = {
        "matchingPrecedence": precedence,
        "priorityLevelConfiguration": {"name": level},
        "rules": [{"subjects": subjects, **rules}],
    }
    return {**spec, "distinguisherMethod": {"type": method}} if method else spec


def _limited(shares: int, lendable: int, queues: int, hand: int) -> Obj:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
    response = {"type": "Queue", "queuing": queuing}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return {"type": "Limited", "limited": limited}


_EVERYBODY = [_group("system:unauthenticated"), _group("system:authenticated")]
_NODES = [_group("system:nodes")]
_CONTROLLER_MANAGER, _SCHEDULER = _user("system:kube-controller-manager"), _user("system:kube-scheduler")
_LEASES = _resources(_READ_WRITE, "coordination.k8s.io", ["leases"])

MANDATORY_PRIORITY_LEVELS: dict[str, Obj] = {
    "catch-all": {
        "type": "Limited",
        "limited": {
            "nominalConcurrencyShares": 5,
            "lendablePercent": 0,
            "limitResponse": {"type": "Reject"},
        },
    },
    "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
}
SUGGESTED_PRIORITY_LEVELS = {
    "global-default": _limited(20, 50, 128, 6),
    "leader-election": _limited(10, 0, 16, 4),
    "node-high": _limited(40, 25, 64, 6),
    "system": _limited(30, 33, 64, 6),
    "workload-high": _limited(40, 50, 128, 6),
    "workload-low": _limited(100, 90, 128, 6),
}
MANDATORY_FLOW_SCHEMAS = {
    "catch-all": _schema(10_000, "catch-all", "ByUser", _EVERYBODY),
    "exempt": _schema(1, "exempt", "", [_group("system:masters")]),
}
SUGGESTED_FLOW_SCHEMAS = {
    "endpoint-controller": _schema(
        150,
        "workload-high",
        "ByUser",
        [_CONTROLLER_MANAGER, _account("endpoint-controller"), _account("endpointslicemirroring-controller")],
        resourceRules=[_resources(_READ_WRITE, "", ["endpoints"])],
    ),
    "global-default": _schema(9900, "global-default", "ByUser", _EVERYBODY),
    "kube-controller-manager": _schema(800, "workload-high", "ByNamespace", [_CONTROLLER_MANAGER]),
    "kube-scheduler": _schema(800, "workload-high", "ByNamespace", [_SCHEDULER]),
    "kube-system-service-accounts": _schema(900, "workload-high", "ByNamespace", [_account("*")]),
    "probes": _schema(
        2,
        "exempt",
        "",
        _EVERYBODY,
        nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
    ),
    "service-accounts": _schema(9000, "workload-low", "ByUser", [_group("system:serviceaccounts")]),
    "system-leader-election": _schema(
        100,
        "leader-election",
        "ByUser",
        [_CONTROLLER_MANAGER, _SCHEDULER, _account("*")],
        resourceRules=[_LEASES],
    ),
    "system-node-high": _schema(
        400,
        "node-high",
        "ByUser",
        _NODES,
        resourceRules=[
            _resources(_ALL, "", ["nodes", "nodes/status"], cluster_scope=True),
            _resources(_ALL, "coordination.k8s.io", ["leases"]),
        ],
    ),
    "system-nodes": _schema(500, "system", "ByUser", _NODES),
    "workload-leader-election": _schema(
        200, "leader-election", "ByUser", [_account("*")], resourceRules=[_LEASES]
    ),
}
