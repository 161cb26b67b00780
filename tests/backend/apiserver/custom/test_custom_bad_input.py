"""Definitions and objects with anything anywhere are refused or served, and never a fault of the server."""

import asyncio
import copy
import random

import pytest
import yaml

from backend.machinery.client import GVR
from backend.meta.errors import ApiError
from tests.backend.apiserver.custom.conftest import DEFINITIONS
from tests.parity.compare import FOLDER
from tests.support.control_plane import eventually

VALUES = (
    None,
    True,
    5,
    -1,
    1.5,
    "",
    "x",
    ".a[",
    "(",
    [],
    [None],
    [1],
    ["x"],
    {},
    {"a": 1},
    {"type": "object"},
    "self",
)
STATUS = {
    "status": {
        "conditions": [{"type": "Established", "status": "True", "reason": "x", "message": "y"}],
        "acceptedNames": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["a"]},
        "storedVersions": ["v1"],
    }
}
OBJECT = {"metadata": {"name": "o"}, "spec": {"cronSpec": "* *", "env": [{"name": "a"}], "args": ["x"], "port": 1}}


def paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def mutated(value, chance):
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice([path for path in paths(value) if path[0] not in ("apiVersion", "kind")])
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        if chance.random() < 0.3:
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(chance.choice(VALUES))
    return value


async def answered(request):
    """The answer, or None if it was refused. A fault of the server fails the test."""
    try:
        return await request
    except ApiError as error:
        if error.code >= 500:
            raise
        return None


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_that_is_sent_is_a_fault_of_the_server(served, seed):
    chance = random.Random(seed)
    base = yaml.safe_load((FOLDER / "custom_objects.yaml").read_text().split("---\n")[0])
    for _ in range(80):
        made = await answered(served.client.create(DEFINITIONS, mutated(base, chance)))
        if made is None:
            continue
        spec, name = made["spec"], made["metadata"]["name"]
        kind = GVR(spec["group"], spec["versions"][0]["name"], spec["names"]["plural"])
        for _ in range(4):
            await answered(served.client.create(kind, mutated(OBJECT, chance), "default"))
        await answered(served.client.patch(DEFINITIONS, name, mutated(STATUS, chance), subresource="status"))
        await asyncio.sleep(0)
        await answered(served.client.delete(DEFINITIONS, name))
        await eventually(lambda: gone(served))


async def gone(served):
    return not (await served.client.list(DEFINITIONS))["items"]
