"""Every group version that is served has an APIService, for as long as it is."""

import json

import pytest

from backend.machinery.client import GVR
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest
from tests.backend.apiserver.custom.conftest import DEFINITIONS
from tests.support.control_plane import eventually, running

SERVICES = GVR("apiregistration.k8s.io", "v1", "apiservices")


async def names(served):
    return {service["metadata"]["name"] for service in (await served.client.list(SERVICES))["items"]}


async def test_local_services_come_and_go_with_what_is_served(served):
    async with running(served.handler.local_services.run()):

        async def listed():
            return {"v1.", "v1.apps", "v1.apiextensions.k8s.io"} <= await names(served)

        await eventually(listed)
        assert "v1.apiregistration.k8s.io" not in await names(served)
        core = await served.client.get(SERVICES, "v1.")
        assert core["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}
        assert core["status"]["conditions"][0]["message"] == "Local APIServices are always available"
        await served.define()

        async def custom():
            return "v1.example.com" in await names(served)

        await eventually(custom)
        await served.client.delete(DEFINITIONS, "widgets.example.com")

        async def gone():
            return not await custom()

        await eventually(gone)
        request = ApiRequest("list", SERVICES.group, SERVICES.version, SERVICES.resource)
        rows = json.loads((await served.handler.answer(request, "table")).body)["rows"]
        assert rows[0]["cells"][1:3] == ["Local", "True"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"groupPriorityMinimum": 0}, "must be positive and less than 20000"),
        ({"group": "b.io"}, "metadata.name: Invalid value"),
        ({"caBundle": "eA=="}, "local APIServices may not have a caBundle"),
    ],
)
async def test_services_that_cannot_be_are_refused(served, change, text):
    spec = {"group": "a.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, **change}
    with pytest.raises(ApiError) as caught:
        await served.client.create(SERVICES, {"metadata": {"name": "v1.a.io"}, "spec": spec})
    assert text in caught.value.message
