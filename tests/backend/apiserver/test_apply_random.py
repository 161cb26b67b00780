"""Applies of anything: no fault of ours, no change by what is refused, and none by what is applied again."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from backend.machinery.client import APPLY_PATCH
from backend.meta.errors import ApiError
from tests.backend.apiserver.test_handler_random import CHECKED, World, at, attempt, documents, prepare

KINDS = {"configmaps": ("ConfigMap", "a"), "pods": ("Pod", "p"), "secrets": ("Secret", "s")}
values = st.one_of(documents, st.none(), st.sampled_from([{}, [], "", 0, True, {"a": None}]))
items = st.lists(
    st.fixed_dictionaries({}, optional={"name": values, "image": st.just("i"), "ports": values, "env": values}),
    max_size=3,
)
containers = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc"), "image": st.just("i")},
        optional={
            "ports": st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 3)}), max_size=2),
            "env": st.lists(
                st.fixed_dictionaries({"name": st.sampled_from("AB"), "value": st.just("v")}), max_size=2
            ),
        },
    ),
    min_size=1,
    max_size=3,
)
metas = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.one_of(values, st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=3)),
        "annotations": values,
        "finalizers": st.one_of(values, st.lists(st.sampled_from(["e.io/a", "e.io/b"]), max_size=2)),
        "ownerReferences": values,
        "managedFields": values,
    },
)
parts = st.fixed_dictionaries(
    {"metadata": metas},
    optional={
        "data": st.one_of(
            values, st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["YQ==", ""]), max_size=3)
        ),
        "spec": st.one_of(values, st.fixed_dictionaries({"containers": st.one_of(items, containers)})),
        "status": values,
        "immutable": values,
    },
)


def test_random_applies() -> None:
    world = World()

    @CHECKED
    @given(
        st.sampled_from(sorted(KINDS)), st.sampled_from(["one", "two"]), st.sampled_from(["true", "false"]), parts
    )
    def check(resource: str, manager: str, force: str, body: dict) -> None:
        kind, name = KINDS[resource]
        body = {"apiVersion": "v1", "kind": kind, **body, "metadata": {**body["metadata"], "name": name}}
        query = {"fieldManager": manager, "force": force}

        async def work(cluster) -> None:
            await prepare(cluster)
            sent = at("patch", (resource, "", name), query, body, APPLY_PATCH)
            await attempt(cluster, sent)
            try:
                first = (await cluster.handler.answer(sent)).body
            except ApiError:
                return
            cluster.now += 60
            assert (await cluster.handler.answer(sent)).body == first
            owned = orjson.loads(first)["metadata"].get("managedFields") or []
            assert all(entry["fieldsV1"] for entry in owned)

        world.run(work)

    try:
        check()
    finally:
        world.close()
