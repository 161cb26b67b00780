"""Limit ranges give containers defaults, and keep containers, pods and claims between bounds."""

import pytest

from backend.machinery.client import GVR
from backend.meta.errors import ApiError

LIMIT_RANGES = GVR("", "v1", "limitranges")
CLAIMS = GVR("", "v1", "persistentvolumeclaims")


async def limit(cluster, **item):
    spec = {"limits": [{"type": "Container", **item}]}
    return await cluster.client.create(LIMIT_RANGES, {"metadata": {"name": "l"}, "spec": spec}, "default")


def container(name="c", **resources):
    return {"name": name, "image": "busybox", "resources": resources}


async def refusal(cluster, *containers, **more) -> str:
    with pytest.raises(ApiError) as caught:
        await cluster.pod("p", containers=[*containers], **more)
    assert caught.value.code == 403
    return caught.value.message.removeprefix('pods "p" is forbidden: ')


async def test_a_limit_range_has_defaults_of_its_own(cluster):
    made = await limit(cluster, max={"cpu": "2"}, min={"memory": "1Mi"}, default={"memory": "1Gi"})
    (item,) = made["spec"]["limits"]
    assert item["default"] == {"cpu": "2", "memory": "1Gi"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "1Gi"}


async def test_containers_that_say_nothing_get_the_defaults(cluster):
    await limit(cluster, default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "500m"})
    pod = await cluster.pod(
        "p", containers=[container(), container("d", limits={"cpu": "800m"})], initContainers=[container("i")]
    )
    first, second = (each["resources"] for each in pod["spec"]["containers"])
    assert first == {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}
    assert second["limits"] == {"cpu": "800m", "memory": "1Gi"}
    assert pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; "
        "memory request for container d; memory limit for container d; "
        "cpu, memory request for init container i; cpu, memory limit for init container i"
    )


@pytest.mark.parametrize(
    ("item", "resources", "why"),
    [
        ({"max": {"cpu": "800m"}}, {"limits": {"cpu": "1500m"}, "requests": {"cpu": "500m"}},
         "maximum cpu usage per Container is 800m, but limit is 1500m"),
        ({"min": {"cpu": "200m"}}, {"limits": {"cpu": "800m"}, "requests": {"cpu": "100m"}},
         "minimum cpu usage per Container is 200m, but request is 100m"),
        ({"maxLimitRequestRatio": {"memory": "2"}}, {"limits": {"memory": "3Gi"}, "requests": {"memory": "1Gi"}},
         "memory max limit to request ratio per Container is 2, but provided ratio is 3.000000"),
        ({"maxLimitRequestRatio": {"memory": "2"}}, {},
         "memory max limit to request ratio per Container is 2, but no request is specified or request is 0"),
        ({"type": "Pod", "max": {"cpu": "1"}}, {}, "maximum cpu usage per Pod is 1.  No limit is specified"),
        ({"type": "Pod", "min": {"cpu": "1"}}, {}, "minimum cpu usage per Pod is 1.  No request is specified"),
    ],
)  # fmt: skip
async def test_what_is_out_of_bounds_is_refused_in_kubernetes_words(cluster, item, resources, why):
    await limit(cluster, **item)
    assert await refusal(cluster, container(**resources)) == why


async def test_all_faults_are_told_and_the_same_one_once(cluster):
    await limit(cluster, type="Container", max={"cpu": "1", "memory": "1Gi"})
    big = {"limits": {"cpu": "2", "memory": "2Gi"}}
    assert await refusal(cluster, container("a", **big), container("b", **big)) == (
        "[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit"
        " is 2Gi]"
    )


async def test_a_pod_is_the_sum_of_its_containers(cluster):
    await limit(cluster, type="Pod", max={"cpu": "1"})
    half = {"limits": {"cpu": "600m"}}
    assert await refusal(cluster, container("a", **half), container("b", **half)) == (
        "maximum cpu usage per Pod is 1, but limit is 1200m"
    )
    await cluster.pod("q", containers=[container("a", **half)], initContainers=[container("b", **half)])


async def test_claims_are_held_to_their_bounds_as_they_change(cluster):
    await limit(cluster, type="PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})

    def claim(size):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return {"metadata": {"name": "c"}, "spec": spec}

    for size, why in (
        ("500Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"),
        ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
    ):
        with pytest.raises(ApiError) as caught:
            await cluster.client.create(CLAIMS, claim(size), "default")
        assert caught.value.message == f'persistentvolumeclaims "c" is forbidden: {why}'
    await cluster.client.create(CLAIMS, claim("2Gi"), "default")
    await cluster.client.delete(LIMIT_RANGES, "l", "default")
    await limit(cluster, type="PersistentVolumeClaim", max={"storage": "1Gi"})
    await cluster.client.patch(CLAIMS, "c", {"metadata": {"labels": {"a": "b"}}}, "default")
