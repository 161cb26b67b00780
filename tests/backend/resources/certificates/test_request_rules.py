"""What a certificate signing request may say, and what may become of it."""

from __future__ import annotations

import base64

import pytest

from backend.meta.types import Obj, User
from backend.resources.certificates import request_rules
from backend.resources.certificates.certificate_signing_request import CERTIFICATE_SIGNING_REQUEST, state
from tests.support.csr import csr, pkcs10

GOOD = pkcs10()
ENCODED = base64.b64encode(GOOD).decode()
APPROVED = {"type": "Approved", "status": "True"}
DENIED = {"type": "Denied", "status": "True"}


def faults(obj: Obj) -> list[str]:
    return [str(cause) for cause in request_rules.validate(obj)]


def with_status(**status: object) -> Obj:
    return {**csr(GOOD), "status": status}


def test_a_good_request_has_no_faults() -> None:
    assert faults(csr(GOOD)) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"request": base64.b64encode(b"x").decode()},
         ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']),
        ({"usages": []}, ["spec.usages: Required value"]),
        ({"usages": ["client auth", "client auth"]}, ['spec.usages[1]: Duplicate value: "client auth"']),
        ({"signerName": ""}, ["spec.signerName: Required value"]),
        ({"signerName": "kubernetes.io/legacy-unknown"},
         ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via '
          "this API version"]),
        ({"signerName": "nodomain"},
         ['spec.signerName: Invalid value: "nodomain": must be a fully qualified domain and path of the form '
          "'example.com/signer-name'"]),
        ({"signerName": "com/x"},
         ['spec.signerName: Invalid value: "com": should be a domain with at least two segments separated by dots']),
        ({"expirationSeconds": 599},
         ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"]),
    ],
)  # fmt: skip
def test_faults_of_a_new_request(changed: Obj, expected: list[str]) -> None:
    request = csr(GOOD)
    request["spec"].update(changed)
    assert faults(request) == expected


def test_unknown_usages_are_told_the_known_ones() -> None:
    (fault,) = faults(csr(GOOD, usages=["fun"]))
    assert fault.startswith(
        'spec.usages[0]: Unsupported value: "fun": supported values: "any", "cert sign", "client'
    )


def test_nobody_else_can_have_signed_it() -> None:
    pem = GOOD.decode().splitlines()
    middle = base64.b64decode("".join(pem[1:-1]))
    broken = base64.b64encode(middle[:-1] + bytes([middle[-1] ^ 1])).decode()
    request = csr(f"{pem[0]}\n{broken}\n{pem[-1]}\n".encode())
    assert len(faults(request)) == 1


def test_approved_and_denied_exclude_each_other() -> None:
    text = 'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
    new = with_status(conditions=[APPROVED, DENIED])
    assert [str(c) for c in request_rules.validate_approval_update(new, csr(GOOD))] == [text]


def test_a_decision_is_always_true() -> None:
    new = with_status(conditions=[{"type": "Approved", "status": "False"}])
    text = 'status.conditions[0].status: Unsupported value: "False": supported values: "True"'
    assert [str(c) for c in request_rules.validate_approval_update(new, csr(GOOD))] == [text]


def test_a_decision_is_made_at_its_own_endpoint_and_stays() -> None:
    plain, approved = csr(GOOD), with_status(conditions=[APPROVED])
    add = 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    assert [str(c) for c in request_rules.validate_status_update(approved, plain)] == [add]
    remove = 'status.conditions: Forbidden: updates may not remove a condition of type "Approved"'
    assert [str(c) for c in request_rules.validate_approval_update(plain, approved)] == [remove]


def test_a_certificate_is_set_once() -> None:
    issued = with_status(certificate=base64.b64encode(b"old").decode())
    other = with_status(certificate=base64.b64encode(b"new").decode())
    found = [str(c) for c in request_rules.validate_status_update(other, issued)]
    assert found == [
        'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
        "status.certificate: Forbidden: updates may not modify existing certificate content",
    ]
    found = [str(c) for c in request_rules.validate_approval_update(issued, csr(GOOD))]
    assert "status.certificate: Forbidden: updates may not set certificate content" in found


def test_the_requester_is_who_asks() -> None:
    request = csr(GOOD, username="root", groups=["system:masters"], extra={"a": ["b"]})
    record = CERTIFICATE_SIGNING_REQUEST.record_requester
    assert record is not None
    record(request, User("jane", ("devs",), "u1"))
    assert {key: request["spec"].get(key) for key in ("username", "uid", "groups", "extra")} == {
        "username": "jane", "uid": "u1", "groups": ["devs"], "extra": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "Pending"),
        ({"conditions": [APPROVED]}, "Approved"),
        ({"conditions": [APPROVED], "certificate": "eA=="}, "Approved,Issued"),
        ({"conditions": [DENIED]}, "Denied"),
        ({"conditions": [APPROVED, {"type": "Failed", "status": "True"}]}, "Approved,Failed"),
    ],
)
def test_states(status: Obj, expected: str) -> None:
    assert state({"status": status}) == expected
