"""Who may approve, sign and attest, by signer."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controllers.certificates.conditions import CSRS
from backend.controllers.certificates.trust_bundle_publisher import TRUST_BUNDLES
from backend.machinery.client import GVR, Client
from backend.meta.errors import ApiError
from backend.meta.types import Obj, User
from tests.support.control_plane import ControlPlane
from tests.support.csr import csr

ROLES = GVR("rbac.authorization.k8s.io", "v1", "clusterroles")
BINDINGS = GVR("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
SIGNER = "example.com/mine"
APPROVED = {"conditions": [{"type": "Approved", "status": "True"}]}
DENIED = 'certificatesigningrequests.certificates.k8s.io "csr" is forbidden: user not permitted to'


async def allow(plane: ControlPlane, name: str, **rule: Any) -> Client:
    """A client of jane's, who may do what the rule says besides what she was allowed before."""
    rules = [{"apiGroups": ["certificates.k8s.io"], **rule}]
    await plane.client.create(ROLES, {"metadata": {"name": name}, "rules": rules})
    subject = {"kind": "User", "name": "jane", "apiGroup": ROLES.group}
    reference = {"kind": "ClusterRole", "name": name, "apiGroup": ROLES.group}
    await plane.client.create(BINDINGS, {"metadata": {"name": name}, "subjects": [subject], "roleRef": reference})
    return Client(plane.handler, User("jane", ("system:authenticated",)))


async def refusal(jane: Client, obj: Obj, subresource: str) -> str:
    with pytest.raises(ApiError) as caught:
        await jane.update(CSRS, obj, subresource)
    assert caught.value.code == 403
    return caught.value.message


@pytest.mark.parametrize("granted", [SIGNER, "example.com/*"])
async def test_an_approver_is_allowed_its_signers_only(plane: ControlPlane, granted: str) -> None:
    made = await plane.client.create(CSRS, csr(signer=SIGNER))
    jane = await allow(plane, "update", verbs=["update"], resources=["certificatesigningrequests/approval"])
    approved = {**made, "status": APPROVED}
    assert await refusal(jane, approved, "approval") == f'{DENIED} approve requests with signerName "{SIGNER}"'
    await allow(plane, "approve", verbs=["approve"], resources=["signers"], resourceNames=[granted])
    assert (await jane.update(CSRS, approved, "approval"))["status"]["conditions"][0]["type"] == "Approved"


async def test_a_signer_signs_its_own_only(plane: ControlPlane) -> None:
    made = await plane.client.create(CSRS, csr(signer=SIGNER))
    jane = await allow(plane, "update", verbs=["update"], resources=["certificatesigningrequests/status"])
    failed = {**made, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    assert await refusal(jane, failed, "status") == f'{DENIED} sign requests with signerName "{SIGNER}"'
    labelled = {**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    made = await jane.update(CSRS, labelled, "status")
    await allow(plane, "sign", verbs=["sign"], resources=["signers"], resourceNames=[SIGNER])
    await jane.update(CSRS, {**failed, "metadata": made["metadata"]}, "status")


async def test_a_trust_bundle_is_vouched_for(plane: ControlPlane) -> None:
    spec = {"signerName": SIGNER, "trustBundle": plane.keys.ca_cert.read_text()}
    bundle = {"metadata": {"name": "example.com:mine:x"}, "spec": spec}
    jane = await allow(plane, "create", verbs=["create"], resources=["clustertrustbundles"])
    with pytest.raises(ApiError) as caught:
        await jane.create(TRUST_BUNDLES, dict(bundle, metadata=dict(bundle["metadata"])))
    assert caught.value.message.endswith(f'user not permitted to attest for signerName="{SIGNER}"')
    await allow(plane, "attest", verbs=["attest"], resources=["signers"], resourceNames=["example.com/*"])
    await jane.create(TRUST_BUNDLES, bundle)


async def test_who_approves_does_not_sign(plane: ControlPlane) -> None:
    """Each endpoint keeps what the other one writes."""
    made = await plane.client.create(CSRS, csr(signer=SIGNER))
    signed = plane.signers.certificate(made["spec"]["request"], ["client auth"], None)
    both = {"certificate": signed, **APPROVED}
    approved = await plane.client.update(CSRS, {**made, "status": both}, "approval")
    assert "certificate" not in approved["status"]
    (condition,) = approved["status"]["conditions"]
    assert condition["lastTransitionTime"]
    issued = await plane.client.update(CSRS, {**approved, "status": {"certificate": signed}}, "status")
    assert issued["status"] == {"certificate": signed, "conditions": [condition]}
