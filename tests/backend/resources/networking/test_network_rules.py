"""Rules, defaults and tables of the kinds of networking.k8s.io."""

import pytest

from backend.resources.networking.ingress import INGRESS
from backend.resources.networking.ingress_class import INGRESS_CLASS
from backend.resources.networking.ip_address import IP_ADDRESS
from backend.resources.networking.network_policy import NETWORK_POLICY
from backend.resources.networking.service_cidr import SERVICE_CIDR

NOW = 1_700_000_000.0
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
WILDCARD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower"
    " case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used"
    r" for validation is '\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def made(kind, spec, **metadata):
    obj = {"metadata": {"name": "x", "creationTimestamp": "2023-11-14T22:08:20Z", **metadata}, "spec": spec}
    kind.default(obj)
    return obj


def texts(kind, spec, old=None):
    new = made(kind, spec)
    found = kind.validate(new) if old is None else kind.validate_update(new, made(kind, old))
    return [str(cause) for cause in found]


def ingress(*paths, host=""):
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND, **path} for path in paths]}}
    return {"rules": [{**rule, **({"host": host} if host else {})}]}


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        ({"defaultBackend": BACKEND}, []),
        (ingress({}), []),
        ({}, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]),
        (ingress({}, host="*.example.com"), []),
        (ingress({}, host="*"), [f'spec.rules[0].host: Invalid value: "*": {WILDCARD}']),
        (ingress({}, host="A"), [f'spec.rules[0].host: Invalid value: "A": {SUBDOMAIN}']),
        (ingress({}, host="192.0.2.1"), [
            'spec.rules[0].host: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'
        ]),
        ({"rules": [{"http": {"paths": []}}]}, ["spec.rules[0].http.paths: Required value"]),
        (ingress({"pathType": None}), [
            "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"
        ]),
        (ingress({"pathType": "x"}), [
            'spec.rules[0].http.paths[0].pathType: Unsupported value: "x": supported values: "Exact",'
            ' "ImplementationSpecific", "Prefix"'
        ]),
        (ingress({"path": "a//b/.."}), [
            'spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": must be an absolute path',
            "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": must not contain '//'",
            "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": cannot end with '/..'",
        ]),
        (ingress({"path": "", "pathType": "ImplementationSpecific"}), []),
        (ingress({"backend": {}}), [
            'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'
        ]),
        (ingress({"backend": {"service": {"name": "", "port": {}}}}), [
            "spec.rules[0].http.paths[0].backend.service.name: Required value",
            "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
        ]),
        ({"defaultBackend": {**BACKEND, "resource": {"kind": "A", "name": "b"}}}, [
            'spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'
        ]),
        ({"defaultBackend": {"resource": {"kind": "", "name": "a/b"}}}, [
            "spec.defaultBackend.resource.kind: Required value",
            "spec.defaultBackend.resource.name: Invalid value: \"a/b\": may not contain '/'",
        ]),
        ({"defaultBackend": BACKEND, "tls": [{"hosts": ["A"], "secretName": "B"}], "ingressClassName": "C"}, [
            f'spec.tls[0].hosts[0]: Invalid value: "A": {SUBDOMAIN}',
            f'spec.tls[0].secretName: Invalid value: "B": {SUBDOMAIN}',
            f'spec.ingressClassName: Invalid value: "C": {SUBDOMAIN}',
        ]),
    ],
)  # fmt: skip
def test_rules_of_an_ingress(spec, causes):
    assert texts(INGRESS, spec) == causes


def test_the_old_class_annotation():
    annotations = {"kubernetes.io/ingress.class": "a"}
    old = made(INGRESS, {"defaultBackend": BACKEND}, annotations=annotations)
    assert INGRESS.warnings(old, None) == [
        "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
    ]
    both = made(INGRESS, {"defaultBackend": BACKEND, "ingressClassName": "b"}, annotations=annotations)
    (cause,) = INGRESS.validate(both)
    assert str(cause) == (
        'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are'
        " specified"
    )
    assert not INGRESS.validate_update(both, old)


def test_an_ingress_in_a_table():
    obj = made(INGRESS, {"rules": [{"host": host} for host in ("a", "b", "c", "d")], "tls": [{}]})
    obj["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "a.b"}]}}
    assert INGRESS.row(obj, NOW) == ["x", "<none>", "a,b,c + 1 more...", "192.0.2.1,a.b", "80, 443", "5m"]
    bare = made(INGRESS, {"ingressClassName": "c", "rules": [{}]})
    assert INGRESS.row(bare, NOW) == ["x", "c", "*", "", "80", "5m"]


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        ({"controller": "a.b/c"}, []),
        ({}, ["spec.controller: Required value"]),
        ({"controller": "a"}, [
            'spec.controller: Invalid value: "a": must be a domain-prefixed path (such as "acme.io/foo")'
        ]),
        ({"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": "x"}}, [
            'spec.parameters.scope: Unsupported value: "x": supported values: "Cluster", "Namespace"'
        ]),
        ({"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "namespace": "x"}}, [
            "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"
        ]),
        ({"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": "Namespace"}}, [
            "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"
        ]),
    ],
)  # fmt: skip
def test_rules_of_an_ingress_class(spec, causes):
    assert texts(INGRESS_CLASS, spec) == causes


def test_the_controller_of_a_class_stays():
    assert texts(INGRESS_CLASS, {"controller": "a.b/c"}, {"controller": "a.b/d"}) == [
        'spec.controller: Invalid value: "a.b/c": field is immutable'
    ]


def test_an_ingress_class_in_a_table():
    parameters = {"apiGroup": "k.io", "kind": "K", "name": "n"}
    obj = made(INGRESS_CLASS, {"controller": "a.b/c", "parameters": parameters})
    assert obj["spec"]["parameters"]["scope"] == "Cluster"
    assert INGRESS_CLASS.row(obj, NOW) == ["x", "a.b/c", "K.k.io/n", "5m"]


def test_defaults_of_a_policy():
    assert made(NETWORK_POLICY, None)["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    spec = made(NETWORK_POLICY, {"egress": [{"ports": [{"port": 80}]}]})["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["egress"] == [{"ports": [{"port": 80, "protocol": "TCP"}]}]


@pytest.mark.parametrize(
    ("rule", "causes"),
    [
        ({}, []),
        ({"ports": [{"port": 0}]}, [
            "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"
        ]),
        ({"ports": [{"port": 80, "endPort": 79}]}, [
            "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"
        ]),
        ({"ports": [{"port": "http", "endPort": 79}]}, [
            "spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is non-numeric"
        ]),
        ({"ports": [{"endPort": 79, "protocol": "x"}]}, [
            'spec.ingress[0].ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"',
            "spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is not specified",
        ]),
        ({"from": [{}]}, ["spec.ingress[0].from[0]: Required value: must specify a peer"]),
        ({"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}, [
            "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"
        ]),
        ({"from": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}, [
            "spec.ingress[0].from[0].podSelector.matchExpressions[0].values: Required value: must be specified when"
            " `operator` is 'In' or 'NotIn'"
        ]),
        ({"from": [{"ipBlock": {"cidr": ""}}]}, ["spec.ingress[0].from[0].ipBlock.cidr: Required value"]),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "10.0.0.0/8"]}}]}, [
            'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of'
            " `cidr`",
            'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of'
            " `cidr`",
        ]),
    ],
)  # fmt: skip
def test_rules_of_a_policy(rule, causes):
    assert texts(NETWORK_POLICY, {"podSelector": {}, "ingress": [rule]}) == causes


def test_types_of_a_policy():
    assert texts(NETWORK_POLICY, {"policyTypes": ["x"]}) == [
        'spec.policyTypes[0]: Unsupported value: "x": supported values: "Egress", "Ingress"'
    ]
    assert texts(NETWORK_POLICY, {"policyTypes": ["Ingress"] * 3}) == [
        'spec.policyTypes: Invalid value: ["Ingress","Ingress","Ingress"]: may not specify more than two policyTypes'
    ]


def test_cidrs_of_a_policy_from_before_stricter_rules_stay_valid():
    spec = {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.1/8"}}]}]}
    assert texts(NETWORK_POLICY, spec) == [
        'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix'
        " length"
    ]
    assert texts(NETWORK_POLICY, spec, spec) == []


def test_a_policy_in_a_table():
    selector = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]}
    assert NETWORK_POLICY.row(made(NETWORK_POLICY, {"podSelector": selector}), NOW) == ["x", "a=b,c", "5m"]


@pytest.mark.parametrize(
    ("parent", "causes"),
    [
        ({"resource": "services", "name": "n", "namespace": "s"}, []),
        (None, ["spec.parentRef: Required value"]),
        ({"resource": "", "name": "a/b", "group": "G"}, [
            f'spec.parentRef.group: Invalid value: "G": {SUBDOMAIN}',
            "spec.parentRef.resource: Required value",
            "spec.parentRef.name: Invalid value: \"a/b\": may not contain '/'",
        ]),
    ],
)  # fmt: skip
def test_rules_of_an_ip_address(parent, causes):
    assert texts(IP_ADDRESS, {"parentRef": parent}) == causes


def test_an_ip_address_is_named_by_itself():
    assert IP_ADDRESS.validate_name is not None
    assert IP_ADDRESS.validate_name("192.0.2.1") == []
    assert IP_ADDRESS.validate_name("192.0.2.01") == ["must not have leading 0s"]
    parent = {"group": "g.io", "resource": "things", "name": "n"}
    assert IP_ADDRESS.row(made(IP_ADDRESS, {"parentRef": parent}), NOW) == ["x", "things.g.io/n", "5m"]


@pytest.mark.parametrize(
    ("cidrs", "causes"),
    [
        (["10.0.0.0/24", "fd00::/64"], []),
        ([], ["spec.cidrs: Required value: at least one CIDR required"]),
        (["10.0.0.0/24", "10.1.0.0/24"], [
            'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP'
            " family, i.e 192.168.0.0/24 and 2001:db8::/64"
        ]),
        (["x"], [
            'spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
        ]),
    ],
)  # fmt: skip
def test_rules_of_a_service_cidr(cidrs, causes):
    assert texts(SERVICE_CIDR, {"cidrs": cidrs}) == causes


def test_a_service_cidr_only_gets_a_second_family():
    one, two = ["10.0.0.0/24"], ["10.0.0.0/24", "fd00::/64"]
    assert texts(SERVICE_CIDR, {"cidrs": two}, {"cidrs": one}) == []
    assert texts(SERVICE_CIDR, {"cidrs": one}, {"cidrs": two}) == [
        'spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable'
    ]
    assert texts(SERVICE_CIDR, {"cidrs": ["10.1.0.0/24"]}, {"cidrs": one}) == [
        'spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'
    ]
    assert SERVICE_CIDR.row(made(SERVICE_CIDR, {"cidrs": two}), NOW) == ["x", "10.0.0.0/24,fd00::/64", "5m"]
