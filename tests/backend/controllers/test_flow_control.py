"""The flow schemas and priority levels of every cluster."""

import pytest

from backend.controllers.flow_control import FLOW_SCHEMAS, PRIORITY_LEVELS, FlowControl
from tests.support.control_plane import eventually, running


@pytest.fixture
async def controlled(plane):
    async with running(FlowControl(plane.client).run()):
        yield plane


async def dangling(plane, name):
    """The status of the schema's Dangling condition; "" if there is none yet."""
    schema = await plane.find(FLOW_SCHEMAS, name)
    conditions = (schema.get("status") or {}).get("conditions") or () if schema else ()
    return next((one["status"] for one in conditions if one["type"] == "Dangling"), "")


async def test_every_cluster_has_thirteen_schemas_and_their_levels(controlled):
    async def complete():
        schemas = (await controlled.client.list(FLOW_SCHEMAS))["items"]
        told = [schema for schema in schemas if (schema.get("status") or {}).get("conditions")]
        return len(told) == 13

    await eventually(complete)
    levels = (await controlled.client.list(PRIORITY_LEVELS))["items"]
    schemas = (await controlled.client.list(FLOW_SCHEMAS))["items"]
    named = {schema["spec"]["priorityLevelConfiguration"]["name"] for schema in schemas}
    assert named == {level["metadata"]["name"] for level in levels}
    assert {schema["status"]["conditions"][0]["status"] for schema in schemas} == {"False"}


async def test_a_mandatory_object_comes_back(controlled):
    async def there():
        return await controlled.find(FLOW_SCHEMAS, "catch-all")

    before = await eventually(there)
    await controlled.client.delete(FLOW_SCHEMAS, "catch-all")

    async def again():
        found = await there()
        return found and found["metadata"]["uid"] != before["metadata"]["uid"]

    await eventually(again)


async def test_a_schema_says_whether_its_level_exists(controlled):
    spec = {
        "priorityLevelConfiguration": {"name": "mine"},
        "rules": [
            {
                "subjects": [{"kind": "User", "user": {"name": "u"}}],
                "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
            }
        ],
    }
    await controlled.client.create(FLOW_SCHEMAS, {"metadata": {"name": "s"}, "spec": spec})

    async def dangles():
        return await dangling(controlled, "s") == "True"

    await eventually(dangles)
    level = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    await controlled.client.create(PRIORITY_LEVELS, {"metadata": {"name": "mine"}, "spec": level})

    async def found():
        return await dangling(controlled, "s") == "False"

    await eventually(found)
