"""Devices: claims, classes, slices and taint rules."""

import pytest

from backend.resources.resource_k8s.kinds import (
    DEVICE_CLASS,
    DEVICE_TAINT_RULE,
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    RESOURCE_SLICE,
)


def texts(found):
    return [str(cause) for cause in found]


def claim(*requests, **devices):
    made = {"metadata": {"name": "c"}, "spec": {"devices": {"requests": list(requests), **devices}}}
    RESOURCE_CLAIM.default(made)
    return made


REQUEST = {"name": "r", "exactly": {"deviceClassName": "c"}}


def test_a_request_is_for_one_device_unless_it_says_otherwise():
    made = claim({"name": "r", "exactly": {"deviceClassName": "c"}})
    wanted = made["spec"]["devices"]["requests"][0]["exactly"]
    assert wanted == {"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1}
    assert texts(RESOURCE_CLAIM.validate(made)) == []


@pytest.mark.parametrize(
    ("status", "deleted", "state"),
    [
        ({}, False, "pending"),
        ({"allocation": {}}, False, "allocated"),
        ({"allocation": {}, "reservedFor": [{}]}, False, "allocated,reserved"),
        ({}, True, "deleted"),
        ({"allocation": {}}, True, "deleted,allocated"),
    ],
)
def test_a_claims_state(status, deleted, state):
    made = {**claim(), "status": status}
    if deleted:
        made["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:00Z"
    assert RESOURCE_CLAIM.row(made, 0.0)[1] == state


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            claim({"name": "r"}),
            ["requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"],
        ),
        (claim(dict(REQUEST), dict(REQUEST)), ['requests[1]: Duplicate value: "r"']),
        (
            claim(dict(REQUEST), constraints=[{"requests": ["r", "x"], "matchAttribute": "d.example.com/a"}]),
            [
                'constraints[0].requests[1]: Invalid value: "x": must be the name of a request in the claim or the name'
                " of a request and a subrequest separated by '/'"
            ],
        ),
        (
            claim({"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All", "count": 2}}),
            ["requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
        ),
        (
            claim(dict(REQUEST), config=[{"opaque": {"driver": "d.example.com", "parameters": [1]}}]),
            ['config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
        ),
        (
            claim(*({"name": f"r{number}", "exactly": {"deviceClassName": "c"}} for number in range(33))),
            ["requests: Too many: 33: must have at most 32 items"],
        ),
    ],
)
def test_rules_of_claims(made, expected):
    assert texts(RESOURCE_CLAIM.validate(made)) == [f"spec.devices.{text}" for text in expected]


def test_alternatives_are_referred_to_by_their_path():
    request = {"name": "r", "firstAvailable": [{"name": "big", "deviceClassName": "c"}]}
    made = claim(request, constraints=[{"requests": ["r/big"], "matchAttribute": "d.example.com/a"}])
    assert texts(RESOURCE_CLAIM.validate(made)) == []


def test_what_a_claim_asks_for_stays():
    (fault,) = texts(RESOURCE_CLAIM.validate_update(claim(), claim(dict(REQUEST))))
    assert fault.startswith("spec: Invalid value: ")
    assert fault.endswith(": field is immutable")


def test_a_templates_claim_has_the_same_rules():
    made = {"metadata": {"name": "t"}, "spec": {"spec": {"devices": {"requests": [{"name": "r"}]}}}}
    RESOURCE_CLAIM_TEMPLATE.default(made)
    assert texts(RESOURCE_CLAIM_TEMPLATE.validate(made)) == [
        "spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"
    ]


def test_rules_of_classes():
    spec = {"selectors": [{}], "extendedResourceName": "cpu"}
    assert texts(DEVICE_CLASS.validate({"metadata": {"name": "c"}, "spec": spec})) == [
        "spec.selectors[0].cel: Required value",
        'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ]


def resource_slice(**spec):
    pool = {"name": "p", "resourceSliceCount": 1, "generation": 1}
    made = {"metadata": {"name": "s"}, "spec": {"driver": "d.example.com", "pool": pool, "nodeName": "n", **spec}}
    RESOURCE_SLICE.default(made)
    return made


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"devices": [{"name": "d", "attributes": {"a": {"version": "1.2.3"}}}]}, []),
        (
            {"allNodes": True},
            [
                'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`,'
                " `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"
            ],
        ),
        (
            {"devices": [{"name": "d", "attributes": {"a": {"version": "1"}}}]},
            [
                'spec.devices[0].attributes[a].version: Invalid value: "1": must be a string compatible with semver.org'
                " spec 2.0.0"
            ],
        ),
        ({"devices": [{"name": "d"}, {"name": "d"}]}, ['spec.devices[1]: Duplicate value: "d"']),
        (
            {"devices": [{"name": "d", "taints": [{"key": "k", "effect": "Odd"}]}]},
            [
                'spec.devices[0].taints[0].effect: Unsupported value: "Odd": supported values: "NoExecute",'
                ' "NoSchedule", "None"'
            ],
        ),
        (
            {"sharedCounters": [{"name": "c", "counters": {}}]},
            ["spec.sharedCounters[0].counters: Required value"],
        ),
    ],
)
def test_rules_of_slices(spec, expected):
    assert texts(RESOURCE_SLICE.validate(resource_slice(**spec))) == expected


def test_a_slice_stays_where_it_is():
    assert texts(RESOURCE_SLICE.validate_update(resource_slice(nodeName="other"), resource_slice())) == [
        'spec.nodeName: Invalid value: "other": field is immutable'
    ]


def test_a_taint_knows_since_when_it_is_there():
    made = {"metadata": {"name": "t"}, "spec": {"taint": {"key": "k", "effect": "None"}}}
    DEVICE_TAINT_RULE.default(made)
    assert made["spec"]["taint"]["timeAdded"]
    assert texts(DEVICE_TAINT_RULE.validate(made)) == []
    selected = {"deviceSelector": {"driver": ""}, "taint": {"key": "k"}}
    assert texts(DEVICE_TAINT_RULE.validate({"metadata": {"name": "t"}, "spec": selected})) == [
        "spec.deviceSelector.driver: Required value", "spec.taint.effect: Required value",
    ]  # fmt: skip


RESULT = {"request": "r", "driver": "d.example.com", "pool": "p", "device": "x"}
USER = {"resource": "pods", "name": "p", "uid": "u"}


def with_status(**status):
    return {**claim(dict(REQUEST)), "status": status}


@pytest.mark.parametrize(
    ("status", "before", "expected"),
    [
        ({"allocation": {"devices": {"results": [RESULT]}}, "reservedFor": [USER]}, {}, []),
        (
            {"reservedFor": [USER]},
            {},
            ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
        ),
        (
            {"allocation": {"devices": {"results": [{**RESULT, "request": "s"}]}}},
            {},
            [
                'status.allocation.devices.results[0].request: Invalid value: "s": must be the name of a request in'
                " the claim or the name of a request and a subrequest separated by '/'"
            ],
        ),
        (
            {"allocation": {"devices": {}}},
            {"allocation": {"devices": {"results": [RESULT]}}},
            ['status.allocation: Invalid value: {"devices":{}}: field is immutable'],
        ),
        (
            {"devices": [{"driver": "d.example.com", "pool": "p", "device": "x"}]},
            {},
            ['status.devices[0]: Invalid value: "d.example.com/p/x": must be an allocated device in the claim'],
        ),
    ],
)
def test_rules_of_a_claims_status(status, before, expected):
    found = RESOURCE_CLAIM.validate_status_update(with_status(**status), with_status(**before))
    assert texts(found) == expected


def test_a_claim_that_goes_is_reserved_for_nobody_new():
    allocation = {"devices": {"results": [RESULT]}}
    old = with_status(allocation=allocation)
    new = with_status(allocation=allocation, reservedFor=[USER])
    new["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:00Z"
    (fault,) = texts(RESOURCE_CLAIM.validate_status_update(new, old))
    assert fault.startswith("status.reservedFor: Forbidden: new entries may not be added while")
