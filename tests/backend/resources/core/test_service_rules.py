"""Defaults, rules, changes and table of a Service. What depends on other services is in test_service_allocation."""

import copy

import pytest

from backend.resources.core.service import SERVICE

NOW = 1_700_000_000.0


def service(spec=None, *, metadata=None, status=None, **fields):
    """A valid service of type ClusterIP with these fields, or with exactly `spec`."""
    if spec is None:
        spec = {"ports": [{"port": 80}], "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], **fields}
    made = {
        "kind": "Service",
        "metadata": {"name": "web", "creationTimestamp": "2023-11-14T22:08:20Z", **(metadata or {})},
        "spec": spec,
        "status": status or {"loadBalancer": {}},
    }
    SERVICE.default(made)
    return made


def texts(made, old=None):
    found = SERVICE.validate(made) if old is None else SERVICE.validate_update(made, old)
    return [str(cause) for cause in found]


def test_defaults():
    spec = service(spec={"ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}]})["spec"]
    assert spec == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ports": [
            {"port": 80, "protocol": "TCP", "targetPort": 80},
            {"port": 53, "protocol": "UDP", "targetPort": "dns"},
        ],
    }


def test_defaults_by_type():
    assert service(type="NodePort")["spec"]["externalTrafficPolicy"] == "Cluster"
    assert service(externalIPs=["192.0.2.1"])["spec"]["externalTrafficPolicy"] == "Cluster"
    balanced = service(type="LoadBalancer")["spec"]
    assert (balanced["externalTrafficPolicy"], balanced["allocateLoadBalancerNodePorts"]) == ("Cluster", True)
    named = service(spec={"type": "ExternalName", "externalName": "a.b"})["spec"]
    assert named == {"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "None"}


def test_affinity_lasts_three_hours():
    config = {"clientIP": {"timeoutSeconds": 10800}}
    assert service(sessionAffinity="ClientIP")["spec"]["sessionAffinityConfig"] == config
    assert "sessionAffinityConfig" not in service(sessionAffinityConfig=config)["spec"]


def test_a_new_service_has_no_status():
    made = service(status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    SERVICE.prepare_create(made)
    assert made["status"] == {"loadBalancer": {}}


LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("fields", "causes"),
    [
        ({}, []),
        ({"ports": []}, ["spec.ports: Required value"]),
        ({"ports": [], "clusterIP": "None", "clusterIPs": ["None"]}, []),
        ({"ports": [{"port": 0}]}, [
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
        ]),
        ({"ports": [{"port": 80, "name": "A_"}]}, [f'spec.ports[0].name: Invalid value: "A_": {LABEL}']),
        ({"ports": [{"port": 80}, {"port": 81, "name": "b"}]}, ["spec.ports[0].name: Required value"]),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, [
            'spec.ports[1].name: Duplicate value: "a"'
        ]),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, [
            'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,'
            '"NodePort":0}'
        ]),
        ({"ports": [{"port": 80, "protocol": "X"}]}, [
            'spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'
        ]),
        ({"ports": [{"port": 80, "nodePort": 30000}]}, [
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"
        ]),
        ({"type": "NodePort", "ports": [{"port": 80, "name": "a", "nodePort": 30000},
                                        {"port": 81, "name": "b", "nodePort": 30000}]}, [
            "spec.ports[1].nodePort: Duplicate value: 30000"
        ]),
        ({"type": "NodePort", "clusterIP": "None", "clusterIPs": ["None"]}, [
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"
        ]),
        ({"type": "Foo"}, [
            'spec.type: Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer",'
            ' "NodePort"'
        ]),
        ({"type": "ExternalName"}, [
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
            "spec.externalName: Required value",
        ]),
        ({"sessionAffinity": "x"}, [
            'spec.sessionAffinity: Unsupported value: "x": supported values: "ClientIP", "None"'
        ]),
        ({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}, [
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less"
            " than 86400"
        ]),
        ({"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.8"]}, [
            'spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`'
        ]),
        ({"clusterIP": "x", "clusterIPs": ["x"]}, [
            'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        ]),
        ({"clusterIPs": ["10.96.0.9", "10.96.0.8"]}, [
            'spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP'
            " family"
        ]),
        ({"ipFamilies": ["IPv6"]}, [
            'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`'
        ]),
        ({"ipFamilies": ["IPv4", "IPv4"]}, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']),
        ({"ipFamilyPolicy": "x"}, [
            'spec.ipFamilyPolicy: Unsupported value: "x": supported values: "PreferDualStack", "RequireDualStack",'
            ' "SingleStack"'
        ]),
        ({"externalIPs": ["127.0.0.1"]}, [
            'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'
        ]),
        ({"loadBalancerSourceRanges": ["10.0.0.1/8"]}, [
            "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
            'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix'
            " length",
        ]),
        ({"allocateLoadBalancerNodePorts": True, "loadBalancerClass": "a/b"}, [
            "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ]),
        ({"externalTrafficPolicy": "Local"}, [
            'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'
        ]),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}, ["spec.healthCheckNodePort: Required value"]),
        ({"healthCheckNodePort": 30000}, [
            "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and"
            " `externalTrafficPolicy` is 'Local'"
        ]),
        ({"internalTrafficPolicy": "x"}, [
            'spec.internalTrafficPolicy: Unsupported value: "x": supported values: "Cluster", "Local"'
        ]),
        ({"trafficDistribution": "x"}, [
            'spec.trafficDistribution: Unsupported value: "x": supported values: "PreferClose", "PreferSameNode",'
            ' "PreferSameZone"'
        ]),
    ],
)  # fmt: skip
def test_rules(fields, causes):
    assert texts(service(**fields)) == causes


def changed(old, **fields):
    """(the service with these fields, None to drop one, as an update sends it; what the strategy makes of it)."""
    new = copy.deepcopy(old)
    new["spec"].update(fields)
    new["spec"] = {name: value for name, value in new["spec"].items() if value is not None}
    SERVICE.default(new)
    SERVICE.prepare_update(new, old)
    return new


def test_addresses_do_not_change():
    old = service()
    new = changed(old, clusterIP="10.96.0.8", clusterIPs=["10.96.0.8"])
    assert texts(new, old) == ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set']


def test_a_value_from_before_stricter_rules_stays_valid():
    old = service(externalIPs=["192.0.2.01"])
    assert texts(changed(old, publishNotReadyAddresses=True), old) == []
    assert texts(changed(old, externalIPs=["192.0.2.02"]), old) == [
        'spec.externalIPs[0]: Invalid value: "192.0.2.02": must not have leading 0s'
    ]


def test_a_load_balancers_class_stays():
    old = service(type="LoadBalancer", loadBalancerClass="a/b")
    assert texts(changed(old, loadBalancerClass="a/c"), old) == [
        'spec.loadBalancerClass: Invalid value: "a/c": may not change once set'
    ]
    plain = changed(old, type="ClusterIP")
    assert texts(plain, old) == []
    assert (
        not {"loadBalancerClass", "allocateLoadBalancerNodePorts", "externalTrafficPolicy"} & plain["spec"].keys()
    )


def test_what_is_set_anew_with_a_change_of_type_is_refused_not_dropped():
    old = service(type="NodePort", ports=[{"port": 80, "nodePort": 30001}])
    new = changed(old, type="ClusterIP", ports=[{"port": 80, "nodePort": 30002}])
    assert texts(new, old) == ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]


def test_only_load_balancers_keep_their_ingress():
    points = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}
    old = service(type="LoadBalancer", status=points)
    assert changed(old, type="NodePort")["status"] == {"loadBalancer": {}}
    assert changed(old, publishNotReadyAddresses=True)["status"] == points


@pytest.mark.parametrize(
    ("point", "causes"),
    [
        ({"ip": "192.0.2.1"}, []),
        ({"hostname": "lb.example.com"}, []),
        ({"ip": "x"}, [
            'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or'
            " 2001:db8::ffff)"
        ]),
        ({"ip": "192.0.2.1", "ipMode": "x"}, [
            'status.loadBalancer.ingress[0].ipMode: Unsupported value: "x": supported values: "Proxy", "VIP"'
        ]),
        ({"ipMode": "VIP"}, [
            "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"
        ]),
        ({"hostname": "192.0.2.1"}, [
            'status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP'
            " address"
        ]),
    ],
)  # fmt: skip
def test_ingress_of_a_load_balancer(point, causes):
    old = service(type="LoadBalancer")
    new = service(type="LoadBalancer", status={"loadBalancer": {"ingress": [point]}})
    assert [str(cause) for cause in SERVICE.validate_status_update(new, old)] == causes


def test_others_have_no_ingress():
    old = service()
    new = service(status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    (cause,) = SERVICE.validate_status_update(new, old)
    assert str(cause) == (
        "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
    )


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ({}, []),
        ({"externalIPs": ["192.0.2.1"]}, [
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
        ]),
        ({"externalName": "a"}, ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        ({"trafficDistribution": "PreferClose"}, [
            'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'
        ]),
        ({"clusterIP": "None", "clusterIPs": ["None"], "loadBalancerIP": "192.0.2.1", "sessionAffinity": "ClientIP"}, [
            "spec.loadBalancerIP is ignored for headless services",
            "spec.SessionAffinity is ignored for headless services",
        ]),
    ],
)  # fmt: skip
def test_warnings(fields, warnings):
    assert SERVICE.warnings(service(**fields), None) == warnings


@pytest.mark.parametrize(
    ("made", "cells"),
    [
        (service(selector={"b": "c", "a": "b"}), ["ClusterIP", "10.96.0.9", "<none>", "80/TCP", "5m", "a=b,b=c"]),
        (
            service(
                type="NodePort", ports=[{"port": 80, "nodePort": 30000}], externalIPs=["192.0.2.1", "192.0.2.2"]
            ),
            ["NodePort", "10.96.0.9", "192.0.2.1,192.0.2.2", "80:30000/TCP", "5m", "<none>"],
        ),
        (service(type="LoadBalancer"), ["LoadBalancer", "10.96.0.9", "<pending>", "80/TCP", "5m", "<none>"]),
        (
            service(
                type="LoadBalancer",
                externalIPs=["192.0.2.9"],
                status={"loadBalancer": {"ingress": [{"ip": "192.0.2.2"}, {"hostname": "a.b"}]}},
            ),
            ["LoadBalancer", "10.96.0.9", "192.0.2.2,a.b,192.0.2.9", "80/TCP", "5m", "<none>"],
        ),
        (
            service(spec={"type": "ExternalName", "externalName": "a.b"}),
            ["ExternalName", "<none>", "a.b", "<none>", "5m", "<none>"],
        ),
    ],
)
def test_a_service_in_a_wide_table(made, cells):
    assert SERVICE.row(made, NOW) == ["web", *cells]
