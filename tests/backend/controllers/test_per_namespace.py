"""Each active namespace has its account and its CA, and gets them back."""

import pytest

from backend.controllers import root_ca, service_account
from backend.controllers.manager import ControllerManager
from backend.machinery.client import CONFIGMAPS, NAMESPACES, SERVICE_ACCOUNTS
from tests.support.control_plane import eventually, running

CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


@pytest.fixture
async def managed(plane):
    manager = ControllerManager(
        plane.client, acting_as=plane.acting_as, catalog=plane.catalog, ca_bundle=CA, signers=plane.signers
    )
    async with running(manager.run()):
        yield plane


async def account(plane, namespace):
    return await plane.find(SERVICE_ACCOUNTS, service_account.NAME, namespace)


async def bundle(plane, namespace):
    return await plane.find(CONFIGMAPS, root_ca.NAME, namespace)


async def test_namespaces_that_are_there_and_that_come(managed):
    await managed.client.create(NAMESPACES, {"metadata": {"name": "team"}})
    for namespace in ("kube-system", "team"):
        await eventually(lambda namespace=namespace: account(managed, namespace))
        found = await eventually(lambda namespace=namespace: bundle(managed, namespace))
        assert found["data"] == {"ca.crt": CA}
        assert "kubernetes.io/description" in found["metadata"]["annotations"]


async def test_what_is_deleted_comes_back(managed):
    for gvr, name, look in (
        (SERVICE_ACCOUNTS, service_account.NAME, account),
        (CONFIGMAPS, root_ca.NAME, bundle),
    ):
        first = await eventually(lambda look=look: look(managed, "kube-system"))
        await managed.client.delete(gvr, name, "kube-system")

        async def again(look=look, first=first):
            found = await look(managed, "kube-system")
            return found and found["metadata"]["uid"] != first["metadata"]["uid"]

        await eventually(again)


async def test_the_bundle_is_put_right_and_the_account_is_left_to_its_owner(managed):
    await eventually(lambda: bundle(managed, "default"))
    await managed.client.patch(CONFIGMAPS, root_ca.NAME, {"data": {"ca.crt": "other", "x": "y"}}, "default")

    async def right():
        return (await bundle(managed, "default"))["data"] == {"ca.crt": CA}

    await eventually(right)
    patch = {"imagePullSecrets": [{"name": "mine"}]}
    await managed.client.patch(SERVICE_ACCOUNTS, service_account.NAME, patch, "default")
    await managed.client.create(NAMESPACES, {"metadata": {"name": "later"}})
    await eventually(lambda: account(managed, "later"))
    assert (await account(managed, "default"))["imagePullSecrets"] == [{"name": "mine"}]
