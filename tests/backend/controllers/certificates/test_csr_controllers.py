"""Requests for certificates, from asking to being forgotten."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from backend.controllers.certificates.cleaner import CsrCleaner
from backend.controllers.certificates.conditions import CSRS, certificate, conditions
from backend.controllers.certificates.signer import CsrSigner
from backend.controllers.credentials import Credentials
from backend.machinery.client import Client
from backend.machinery.clock import FakeClock
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj, User
from tests.support.control_plane import ControlPlane, eventually, running
from tests.support.csr import SERVING_USAGES, csr, pkcs10

KUBELET = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"


def credentials(plane: ControlPlane) -> list:
    made = Credentials(plane.client, plane.acting_as, plane.signers, "CA")
    return [*(informer.run() for informer in made.informers), *(c.run() for c in made.controllers)]


async def approve(plane: ControlPlane, name: str = "csr") -> None:
    found = await plane.client.get(CSRS, name)
    status = {"conditions": [{"type": "Approved", "status": "True", "reason": "Test", "message": "yes"}]}
    await plane.client.update(CSRS, {**found, "status": status}, "approval")


async def issued(plane: ControlPlane, name: str = "csr") -> x509.Certificate:
    async def found() -> str:
        return certificate(await plane.client.get(CSRS, name))

    return x509.load_pem_x509_certificate(base64.b64decode(await eventually(found)))


async def failure(plane: ControlPlane, name: str = "csr") -> Obj:
    async def failed() -> Obj | None:
        found = conditions(await plane.client.get(CSRS, name))
        return next((condition for condition in found if condition["type"] == "Failed"), None)

    condition: Obj = await eventually(failed)
    return condition


async def test_what_is_approved_is_signed_by_our_ca(plane: ControlPlane) -> None:
    async with running(*credentials(plane)):
        request = csr(pkcs10("jane", ["devs"], [x509.DNSName("jane.local")]), expirationSeconds=86400)
        await plane.client.create(CSRS, request)
        await approve(plane)
        found = await issued(plane)
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(plane.keys.ca_cert.read_bytes()))
    assert found.subject.rfc4514_string() == "CN=jane,O=devs"
    assert found.not_valid_after_utc - found.not_valid_before_utc == datetime.timedelta(days=1)
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    extended = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [*extended] == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["jane.local"]


async def test_a_kubelets_own_request_is_approved_by_itself(plane: ControlPlane) -> None:
    node = User("system:node:n", ("system:masters", "system:nodes"))
    async with running(*credentials(plane)):
        request = csr(pkcs10("system:node:n", ["system:nodes"]), signer=KUBELET)
        made = await Client(plane.handler, node).create(CSRS, request)
        assert made["spec"]["username"] == "system:node:n"
        await issued(plane)
    (condition,) = conditions(await plane.client.get(CSRS, "csr"))
    assert condition["reason"] == "AutoApproved"
    assert condition["message"] == "Auto approving self kubelet client certificate after SubjectAccessReview."
    assert condition["lastUpdateTime"]
    assert condition["lastTransitionTime"]


async def test_what_a_signer_may_not_sign_fails(plane: ControlPlane) -> None:
    async with running(*credentials(plane)):
        await plane.client.create(CSRS, csr(usages=["server auth"]))
        await approve(plane)
        condition = await failure(plane)
        assert condition["reason"] == "SignerValidationFailure"
        assert condition["message"] == "invalid usage for client certificate: server auth"
        await plane.client.create(CSRS, csr(signer=SERVING, usages=SERVING_USAGES, name="b"))
        await approve(plane, "b")
        assert (await failure(plane, "b"))["message"] == "subject organization is not system:nodes"


async def test_other_signers_are_left_alone(plane: ControlPlane) -> None:
    signed: list[str] = []

    def sign(*_request: object) -> str:
        signed.append("")
        return ""

    await plane.client.create(CSRS, csr(signer="example.com/mine"))
    await approve(plane)
    csrs = Informer(plane.client, CSRS)
    signer = CsrSigner(plane.client, sign, csrs=csrs)
    async with running(csrs.run(), signer.controller.run()):
        await eventually(lambda: _done(signer.controller.stats.reconciles))
    assert signed == []


async def _done(count: int) -> bool:
    return count > 0


async def test_nobody_is_made_a_master_by_certificate(plane: ControlPlane) -> None:
    with pytest.raises(ApiError) as caught:
        await plane.client.create(CSRS, csr(pkcs10("root", ["system:masters"])))
    assert caught.value.message == (
        'certificatesigningrequests.certificates.k8s.io "csr" is forbidden: use of '
        "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    )


@pytest.mark.parametrize(
    ("decision", "hours"), [("", 24), ("Denied", 1), ("Approved", 1)], ids=["pending", "denied", "issued"]
)
async def test_requests_are_forgotten_in_time(plane: ControlPlane, decision: str, hours: int) -> None:
    clock = FakeClock(timefmt.parse(timefmt.now()))
    made = await plane.client.create(CSRS, csr())
    if decision:
        made = await plane.client.update(
            CSRS, {**made, "status": {"conditions": [{"type": decision, "status": "True"}]}}, "approval"
        )
    if decision == "Approved":
        signed = plane.signers.certificate(made["spec"]["request"], ["client auth"], None)
        await plane.client.update(CSRS, {**made, "status": {**made["status"], "certificate": signed}}, "status")
    csrs = Informer(plane.client, CSRS)
    cleaner = CsrCleaner(plane.client, csrs=csrs, clock=clock)
    async with running(csrs.run(), cleaner.controller.run()):
        await eventually(lambda: _done(cleaner.controller.stats.reconciles))
        await clock.advance(hours * 3600 - 5)
        assert await plane.find(CSRS, "csr") is not None
        await clock.advance(10)
        await eventually(lambda: _gone(plane))


async def _gone(plane: ControlPlane) -> bool:
    return await plane.find(CSRS, "csr") is None
