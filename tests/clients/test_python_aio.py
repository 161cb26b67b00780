"""The official Python client's asyncio half (`kubernetes.aio`): objects at once, watches, the dynamic client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio import client, config, dynamic, watch
from kubernetes.aio.client.exceptions import ApiException


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[client.ApiClient]:
    async with await config.new_client_from_config(str(kubeconfig)) as made:
        yield made


async def test_many_objects_at_once(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)

    def put(name: str):
        return core.create_namespaced_config_map(
            namespace, {"metadata": {"name": name, "labels": {"test": "yes"}}}
        )

    names = {f"m{n}" for n in range(50)}
    made = await asyncio.gather(*map(put, sorted(names)))
    assert len({m.metadata.resource_version for m in made}) == 50
    listed = await core.list_namespaced_config_map(namespace, label_selector="test=yes")
    assert {m.metadata.name for m in listed.items} == names
    with pytest.raises(ApiException) as twice:
        await put("m0")
    assert twice.value.status == 409


async def test_a_watch(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    version = (await core.list_namespaced_config_map(namespace)).metadata.resource_version
    await core.create_namespaced_config_map(namespace, {"metadata": {"name": "m"}})
    await core.delete_namespaced_config_map("m", namespace)
    seen = []
    async with watch.Watch().stream(
        core.list_namespaced_config_map, namespace, field_selector="metadata.name=m", resource_version=version,
        timeout_seconds=20,
    ) as events:  # fmt: skip
        async for event in events:
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 2:
                break
    assert seen == [("ADDED", "m"), ("DELETED", "m")]


async def test_the_dynamic_client(api: client.ApiClient, namespace: str) -> None:
    found = await dynamic.DynamicClient(api)
    leases = await found.resources.get(api_version="coordination.k8s.io/v1", kind="Lease")
    body = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 5}}
    made = await leases.create(body=body, namespace=namespace)
    assert made.spec.holderIdentity == "me"
    assert [lease.metadata.name for lease in (await leases.get(namespace=namespace)).items] == ["l"]
