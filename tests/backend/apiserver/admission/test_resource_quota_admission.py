"""Quotas hold, whoever creates at the same time."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from backend.controllers.resource_quota import RESOURCE_QUOTAS, ResourceQuotaController
from backend.machinery.client import CONFIGMAPS, GVR, PODS
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.resources.catalog import Catalog
from tests.support.control_plane import eventually, running

SERVICES = GVR("", "v1", "services")


@asynccontextmanager
async def counted(cluster):
    """The controller runs; deletions are told to it by the test."""
    quotas, pods = Informer(cluster.client, RESOURCE_QUOTAS), Informer(cluster.client, PODS)
    controller = ResourceQuotaController(cluster.client, catalog=Catalog.builtin(), quotas=quotas, pods=pods)
    parts = [quotas.run(), pods.run(), controller.controller.run()]
    async with running(*parts, *(informer.run() for informer in controller.informers)):
        yield controller


async def quota(cluster, name="q", scopes=None, **hard):
    spec = {"hard": {key.replace("_", "."): value for key, value in hard.items()}, **(scopes or {})}
    await cluster.client.create(RESOURCE_QUOTAS, {"metadata": {"name": name}, "spec": spec}, "default")
    return await eventually(lambda: status(cluster, name))


async def status(cluster, name="q"):
    return (await cluster.client.get(RESOURCE_QUOTAS, name, "default"))["status"].get("used")


async def used_is(cluster, **used):
    wanted = {key.replace("_", "."): value for key, value in used.items()}

    async def settled():
        return await status(cluster) == wanted

    await eventually(settled)


def container(**resources):
    return [{"name": "c", "image": "busybox", "resources": resources}]


async def test_what_exceeds_a_quota_is_refused_in_kubernetes_words(cluster):
    async with counted(cluster):
        await quota(cluster, pods="2")
        await cluster.pod("a")
        await cluster.pod("b")
        with pytest.raises(ApiError) as caught:
            await cluster.pod("c")
        why = "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
        assert caught.value.message == f'pods "c" is forbidden: {why}'
        assert caught.value.code == 403


async def test_creates_at_the_same_time_share_what_is_left(cluster):
    async with counted(cluster):
        await quota(cluster, **{"count/configmaps": "5"})
        made = await asyncio.gather(*(cluster.config_map(f"c{n}") for n in range(20)), return_exceptions=True)
        assert sum(not isinstance(answer, Exception) for answer in made) == 5
        assert await status(cluster) == {"count/configmaps": "5"}


async def test_what_goes_away_is_given_back(cluster):
    async with counted(cluster) as controller:
        await quota(cluster, configmaps="1")
        made = await cluster.config_map("a")
        with pytest.raises(ApiError, match="exceeded quota: q, requested: configmaps=1"):
            await cluster.config_map("b")
        await cluster.client.delete(CONFIGMAPS, "a", "default")
        controller.content_changed(made)
        await used_is(cluster, configmaps="0")
        await cluster.config_map("b")


async def test_a_pod_that_has_ended_takes_nothing_but_counts_as_an_object(cluster):
    async with counted(cluster):
        await quota(cluster, **{"pods": "1", "count/pods": "5"})
        pod = await cluster.pod("a")
        await cluster.client.update(PODS, {**pod, "status": {**pod["status"], "phase": "Succeeded"}}, "status")
        await used_is(cluster, **{"pods": "0", "count/pods": "1"})
        await cluster.pod("b")


async def test_a_quota_of_cpu_asks_every_container_for_it(cluster):
    async with counted(cluster):
        await quota(cluster, limits_cpu="1", requests_memory="1Gi")
        with pytest.raises(ApiError) as caught:
            await cluster.pod("a")
        why = "failed quota: q: must specify limits.cpu for: c; requests.memory for: c"
        assert caught.value.message == f'pods "a" is forbidden: {why}'
        asked = container(limits={"cpu": "600m", "memory": "512Mi"})
        await cluster.pod("a", containers=asked)
        with pytest.raises(ApiError) as caught:
            await cluster.pod("b", containers=asked)
        shown = "requested: limits.cpu=600m, used: limits.cpu=600m, limited: limits.cpu=1"
        assert caught.value.message == f'pods "b" is forbidden: exceeded quota: q, {shown}'
        assert await status(cluster) == {"limits.cpu": "600m", "requests.memory": "512Mi"}


async def test_init_containers_and_sidecars_count_as_they_run(cluster):
    def of(name, cpu, **more):
        return {"name": name, "image": "i", "resources": {"requests": {"cpu": cpu}}, **more}

    async with counted(cluster):
        await quota(cluster, requests_cpu="10")
        init = [of("side", "1", restartPolicy="Always"), of("init", "5")]
        await cluster.pod("a", containers=[of("c", "2")], initContainers=init)
        assert await status(cluster) == {"requests.cpu": "6"}


async def test_a_quota_with_scopes_limits_only_what_they_choose(cluster):
    async with counted(cluster):
        await quota(cluster, scopes={"scopes": ["BestEffort"]}, pods="1")
        await cluster.pod("a")
        with pytest.raises(ApiError, match="exceeded quota"):
            await cluster.pod("b")
        await cluster.pod("c", containers=container(requests={"cpu": "1"}))
        assert await status(cluster) == {"pods": "1"}


async def test_a_quota_by_priority_class(cluster):
    expression = {"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}
    async with counted(cluster):
        await quota(cluster, scopes={"scopeSelector": {"matchExpressions": [expression]}}, pods="0")
        await cluster.pod("a")
        with pytest.raises(ApiError, match="exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"):
            await cluster.pod("b", priorityClassName="system-node-critical")


async def test_services_are_counted_by_what_they_take(cluster):
    async with counted(cluster):
        await quota(cluster, services="5", services_nodeports="2", services_loadbalancers="0")
        ports = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
        spec = {"type": "NodePort", "ports": ports, "selector": {"a": "b"}}
        made = await cluster.client.create(SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default")
        assert await status(cluster) == {
            "services": "1", "services.loadbalancers": "0", "services.nodeports": "2",
        }  # fmt: skip
        with pytest.raises(ApiError, match=r"requested: services.loadbalancers=1, used: services.loadbalancers=0"):
            await cluster.client.patch(SERVICES, "s", {"spec": {"type": "LoadBalancer"}}, "default")
        changed = {**made, "spec": {**made["spec"], "type": "ClusterIP", "ports": ports}}
        await cluster.client.update(SERVICES, changed)
        await used_is(cluster, services="1", services_nodeports="0", services_loadbalancers="0")


async def test_a_dry_run_takes_nothing_but_is_refused_all_the_same(cluster):
    async with counted(cluster):
        await quota(cluster, configmaps="1")
        dry = {"query": {"dryRun": "All"}}
        await cluster.send("create", "configmaps", body={"metadata": {"name": "a"}}, **dry)
        assert await status(cluster) == {"configmaps": "0"}
        await cluster.config_map("a")
        with pytest.raises(ApiError, match="exceeded quota"):
            await cluster.send("create", "configmaps", body={"metadata": {"name": "b"}}, **dry)


async def test_a_change_of_the_quota_is_counted_at_once(cluster):
    async with counted(cluster):
        await cluster.config_map("a")
        await quota(cluster, configmaps="1")
        assert await status(cluster) == {"configmaps": "1"}
        patch = {"spec": {"hard": {"configmaps": None, "secrets": "3"}}}
        await cluster.client.patch(RESOURCE_QUOTAS, "q", patch, "default")
        await used_is(cluster, secrets="0")


async def test_a_quota_that_nobody_counted_yet_limits_nothing(cluster):
    spec = {"hard": {"configmaps": "0"}}
    await cluster.client.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": spec}, "default")
    await cluster.config_map("a")
