"""The cluster's own CA as a trust bundle: there, right, and the only one of its signer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.controllers.certificates.trust_bundle_publisher import SIGNER, TRUST_BUNDLES, TrustBundlePublisher
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, eventually, running


@pytest.fixture
async def publisher(plane: ControlPlane) -> AsyncIterator[TrustBundlePublisher]:
    made = TrustBundlePublisher(plane.client, plane.keys.ca_cert.read_text())
    async with running(made.bundles.run(), made.controller.run()):
        yield made


async def only(plane: ControlPlane, name: str) -> Obj:
    async def found() -> Obj | None:
        bundles = (await plane.client.list(TRUST_BUNDLES))["items"]
        return bundles[0] if [bundle["metadata"]["name"] for bundle in bundles] == [name] else None

    bundle: Obj = await eventually(found)
    return bundle


async def test_the_ca_is_published_and_comes_back(plane: ControlPlane, publisher: TrustBundlePublisher) -> None:
    bundle = await only(plane, publisher.name)
    assert bundle["spec"] == {"signerName": SIGNER, "trustBundle": plane.keys.ca_cert.read_text()}
    assert publisher.name.startswith("kubernetes.io:kube-apiserver-serving:")
    assert len(publisher.name.rpartition(":")[2]) == 24
    await plane.client.delete(TRUST_BUNDLES, publisher.name)
    assert (await only(plane, publisher.name))["metadata"]["uid"] != bundle["metadata"]["uid"]


async def test_another_bundle_of_the_signer_goes(plane: ControlPlane, publisher: TrustBundlePublisher) -> None:
    await only(plane, publisher.name)
    name = f"{SIGNER.replace('/', ':')}:other"
    spec = {"signerName": SIGNER, "trustBundle": plane.keys.ca_cert.read_text()}
    await plane.client.create(TRUST_BUNDLES, {"metadata": {"name": name}, "spec": spec})
    await only(plane, publisher.name)
