"""Random documents, patches and selectors: never anything but ApiError, and what is refused changes nothing."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.apiserver.bootstrap import create_system_namespaces
from backend.machinery.client import CONFIGMAPS, JSON_PATCH, MERGE_PATCH, SERVICE_ACCOUNTS, STRATEGIC_MERGE_PATCH
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest
from backend.store.sqlstore import SqlStore
from tests.backend.apiserver.conftest import Cluster, pod

WORDS = [
    "metadata", "name", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "spec", "status",
    "data", "containers", "image", "ports", "containerPort", "env", "value", "valueFrom", "secretKeyRef", "key",
    "volumes", "secret", "items", "resourceVersion", "uid", "deletionTimestamp", "generateName", "managedFields",
    "apiVersion", "kind", "conditions", "type", "phase", "tolerations", "target", "$patch", "$setElementOrder/env",
    "gracePeriodSeconds", "preconditions", "propagationPolicy", "stringData", "terminationGracePeriodSeconds",
]  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6), st.sampled_from([*WORDS, "a", "p", "v1", "Pod", "ConfigMap", "default", "1", "-", "dg=="]),
)  # fmt: skip
keys = st.one_of(st.sampled_from(WORDS), st.text(max_size=4))
documents = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip
objects = st.builds(
    lambda known, random: {**known, **random},
    st.sampled_from([pod(), pod("a"), {"metadata": {"name": "a"}, "data": {"k": "v"}}]),
    st.dictionaries(
        st.sampled_from(["metadata", "spec", "data", "status", "apiVersion", "type"]), documents, max_size=2
    ),
)
pointers = st.lists(keys, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))
operations = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]), "path": pointers},
        optional={"value": documents, "from": pointers},
    ),
    max_size=4,
)
queries = st.dictionaries(
    st.sampled_from(
        ["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch", "dryRun",
         "fieldValidation", "fieldManager", "gracePeriodSeconds", "propagationPolicy", "orphanDependents",
         "sendInitialEvents", "allowWatchBookmarks"],
    ),
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["a=b", "a in (b", "!a", "metadata.name=a", "spec.nodeName!=x", "0", "1", "-1", "true", "All", "Strict",
             "Warn", "Exact", "NotOlderThan", "Background", "9" * 25]
        ),
    ),
    max_size=3,
)  # fmt: skip
places = st.sampled_from(
    [("configmaps", "", "a"), ("pods", "", "p"), ("pods", "status", "p"), ("pods", "binding", "p"),
     ("pods", "eviction", "p"), ("pods", "ephemeralcontainers", "p"), ("secrets", "", "s"), ("events", "", "e"),
     ("namespaces", "", "n"), ("namespaces", "finalize", "n"), ("nodes", "status", "m"), ("serviceaccounts", "", "a")]
)  # fmt: skip
CHECKED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class World:
    """One cluster for all examples of a test: what one leaves behind is the next one's surprise."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory()
        self._runner = asyncio.Runner()
        self.cluster = self._runner.run(self._open(Path(self._home.name)))

    async def _open(self, home: Path) -> Cluster:
        cluster = Cluster(await SqlStore.open(f"sqlite:///{home / 'state.db'}"))
        await create_system_namespaces(cluster.client)
        await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
        return cluster

    def run(self, work: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
        self._runner.run(work(self.cluster))

    def close(self) -> None:
        self._runner.run(self.cluster.store.close())
        self._runner.close()
        self._home.cleanup()


async def attempt(cluster: Cluster, request: ApiRequest) -> None:
    """The request is answered, or refused with an ApiError that is no 500 of a bug's, and then changed nothing."""
    body = copy.deepcopy(request.body)
    before = cluster.store.revision
    refusal = None
    try:
        answer = await cluster.handler.answer(request)
    except ApiError as error:
        refusal = error
    if refusal is None:
        assert orjson.loads(answer.body)["kind"]
    else:
        assert refusal.reason != "InternalError", refusal.message
        assert orjson.dumps(refusal.status)
        assert cluster.store.revision == before
    assert request.body == body or request.verb == "create"


async def prepare(cluster: Cluster) -> None:
    """What the requests are about, and the account that pods need: an earlier example may have deleted them."""
    config_map = {"metadata": {"name": "a"}, "data": {"k": "v"}}
    account = {"metadata": {"name": "default"}}
    for resource, obj in (("serviceaccounts", account), ("configmaps", config_map), ("pods", pod())):
        with suppress(ApiError):  # it exists
            await cluster.send("create", resource, body=obj)


def at(verb: str, place: tuple[str, str, str], query: dict[str, str], body: Any, media: str = "") -> ApiRequest:
    resource, subresource, name = place
    namespace = "" if resource in ("namespaces", "nodes") else "default"
    collection = verb in ("list", "deletecollection") or (verb == "create" and not subresource)
    raw = orjson.dumps(body) if body is not None else None
    name = "" if collection else name
    return ApiRequest(
        verb, "", "v1", resource, namespace, name, "" if collection else subresource, query, body, raw, media
    )


def test_random_documents() -> None:
    world = World()

    @CHECKED
    @given(st.sampled_from(["create", "update"]), places, queries, st.one_of(objects, documents))
    def check(verb: str, place: tuple[str, str, str], query: dict[str, str], body: Any) -> None:
        async def work(cluster: Cluster) -> None:
            await prepare(cluster)
            await attempt(cluster, at(verb, place, query, body))

        world.run(work)

    try:
        check()
    finally:
        world.close()


def test_random_patches() -> None:
    world = World()
    patches = st.one_of(
        st.tuples(st.just(JSON_PATCH), st.one_of(operations, documents)),
        st.tuples(st.sampled_from([MERGE_PATCH, STRATEGIC_MERGE_PATCH]), st.one_of(objects, documents)),
    )

    @CHECKED
    @given(places, queries, patches)
    def check(place: tuple[str, str, str], query: dict[str, str], patch: tuple[str, Any]) -> None:
        async def work(cluster: Cluster) -> None:
            await prepare(cluster)
            await attempt(cluster, at("patch", place, query, patch[1], patch[0]))

        world.run(work)

    try:
        check()
    finally:
        world.close()


def test_random_reads_and_deletions() -> None:
    world = World()

    @CHECKED
    @given(
        st.sampled_from(["get", "list", "delete", "deletecollection"]), places, queries,
        st.one_of(st.none(), documents, st.dictionaries(st.sampled_from(WORDS), documents, max_size=2)),
    )  # fmt: skip
    def check(verb: str, place: tuple[str, str, str], query: dict[str, str], body: Any) -> None:
        async def work(cluster: Cluster) -> None:
            await prepare(cluster)
            await attempt(cluster, at(verb, place, query, body if "delete" in verb else None))

        world.run(work)

    try:
        check()
    finally:
        world.close()


def test_random_watches_show_what_random_lists_show() -> None:
    world = World()
    labels = st.sampled_from(["l=1", "l!=1", "l in (0,2)", "!l", ""])
    fields = st.sampled_from(["metadata.name=c1", "metadata.name!=c1", "metadata.namespace=default", ""])
    selectors = st.fixed_dictionaries({}, optional={"labelSelector": labels, "fieldSelector": fields})
    steps = st.lists(
        st.tuples(st.sampled_from(["c0", "c1", "c2"]), st.sampled_from(["0", "1", "2", None, "delete"])),
        max_size=12,
    )

    @CHECKED
    @given(selectors, steps)
    def check(query: dict[str, str], changes: list[tuple[str, str | None]]) -> None:
        async def work(cluster: Cluster) -> None:
            listed = await cluster.client.list(CONFIGMAPS, "default", **query)
            seen = {item["metadata"]["name"]: item for item in listed["items"]}
            version = listed["metadata"]["resourceVersion"]
            async with cluster.client.watch(CONFIGMAPS, version, "default", **query, timeoutSeconds="1") as events:
                for name, label in changes:
                    await step(cluster, name, label)
                wanted = await cluster.client.list(CONFIGMAPS, "default", **query)
                expected = {item["metadata"]["name"]: item for item in wanted["items"]}
                while seen != expected:
                    event = await anext(events)
                    name = event.object["metadata"].get("name")
                    if event.type == "DELETED":
                        del seen[name]
                    elif event.type != "BOOKMARK":
                        assert (name in seen) == (event.type == "MODIFIED")
                        seen[name] = event.object

        world.run(work)

    try:
        check()
    finally:
        world.close()


async def step(cluster: Cluster, name: str, label: str | None) -> None:
    try:
        if label == "delete":
            await cluster.client.delete(CONFIGMAPS, name, "default")
        else:
            await cluster.client.patch(CONFIGMAPS, name, {"metadata": {"labels": {"l": label}}}, "default")
    except ApiError as error:
        if error.code != 404:
            raise
        if label != "delete":
            meta = {"name": name, "labels": {"l": label} if label else {}}
            await cluster.client.create(CONFIGMAPS, {"metadata": meta}, "default")
