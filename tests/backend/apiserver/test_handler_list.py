"""get and list: selectors, pages of one snapshot, revisions of the past, tables and partial objects."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from backend.machinery.client import CONFIGMAPS, NODES, PODS
from backend.meta.errors import ApiError


@pytest.fixture
async def many(cluster):
    """Ten config maps, c0 to c9, with a label that is their number modulo 3."""
    for number in range(10):
        labels = {"mod": str(number % 3)}
        await cluster.client.create(CONFIGMAPS, {"metadata": {"name": f"c{number}", "labels": labels}}, "default")
    return cluster


def names(listed: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in listed["items"]]


async def page(cluster, **query: str) -> dict[str, Any]:
    query = {name.rstrip("_"): value for name, value in query.items()}
    return await cluster.object("list", "configmaps", query=query)


async def test_a_list_is_its_objects_at_one_revision(many) -> None:
    listed = await many.object("list", "configmaps")
    assert listed["kind"] == "ConfigMapList"
    assert listed["apiVersion"] == "v1"
    assert listed["metadata"] == {"resourceVersion": str(many.store.revision)}
    assert names(listed) == [f"c{n}" for n in range(10)]
    assert listed == await many.client.list(CONFIGMAPS, "default")
    assert listed["items"][3] == await many.client.get(CONFIGMAPS, "c3", "default")


async def test_in_process_answers_share_the_stores_objects(many) -> None:
    assert await many.client.get(CONFIGMAPS, "c3", "default") is await many.client.get(CONFIGMAPS, "c3", "default")


async def test_an_empty_list_has_items(cluster) -> None:
    assert (await cluster.object("list", "secrets"))["items"] == []


async def test_all_namespaces_or_one(many) -> None:
    await many.client.create(CONFIGMAPS, {"metadata": {"name": "x"}}, "kube-public")
    assert len(names(await many.object("list", "configmaps", namespace=""))) == 11
    assert names(await many.object("list", "configmaps", namespace="kube-public")) == ["x"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"labelSelector": "mod=1"}, ["c1", "c4", "c7"]),
        ({"labelSelector": "mod notin (0,1)"}, ["c2", "c5", "c8"]),
        ({"fieldSelector": "metadata.name=c4"}, ["c4"]),
        ({"fieldSelector": "metadata.name!=c4", "labelSelector": "mod=1"}, ["c1", "c7"]),
        ({"fieldSelector": "metadata.name=c4", "labelSelector": "mod=2"}, []),
        ({"fieldSelector": "metadata.namespace=kube-public"}, []),
        ({"fieldSelector": "metadata.name=absent"}, []),
    ],
)
async def test_selectors(many, query: dict[str, str], found: list[str]) -> None:
    assert names(await many.object("list", "configmaps", query=query)) == found
    assert names(await many.object("list", "configmaps", query=query, namespace="")) == found


async def test_a_field_of_the_kind_selects(cluster) -> None:
    await cluster.pod("p")
    await cluster.pod("q", nodeName="n")
    listed = await cluster.client.list(PODS, fieldSelector="spec.nodeName=n")
    assert names(listed) == ["q"]


@pytest.mark.parametrize(
    ("resource", "field", "text"),
    [
        ("pods", "spec.foo", "field label not supported: spec.foo"),
        ("nodes", "metadata.namespace", "field label not supported: metadata.namespace"),
        (
            "configmaps",
            "data.k",
            '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
async def test_other_fields_do_not_select(cluster, resource: str, field: str, text: str) -> None:
    assert await cluster.refused(400, "list", resource, query={"fieldSelector": f"{field}=x"}) == text


async def test_pages_are_of_one_snapshot(many) -> None:
    first = await page(many, limit="4")
    assert names(first) == ["c0", "c1", "c2", "c3"]
    assert first["metadata"]["remainingItemCount"] == 6
    await many.client.delete(CONFIGMAPS, "c5", "default")
    await many.client.create(CONFIGMAPS, {"metadata": {"name": "c44"}}, "default")
    second = await page(many, limit="4", continue_=first["metadata"]["continue"])
    assert names(second) == ["c4", "c5", "c6", "c7"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    third = await page(many, limit="4", continue_=second["metadata"]["continue"])
    assert names(third) == ["c8", "c9"]
    assert not {"continue", "remainingItemCount"} & third["metadata"].keys()


async def test_pages_survive_that_their_snapshot_was_forgotten(many) -> None:
    first = await page(many, limit="4")
    await many.client.delete(CONFIGMAPS, "c5", "default")
    await many.client.delete(CONFIGMAPS, "c6", "default")
    await many.client.create(CONFIGMAPS, {"metadata": {"name": "c5"}, "data": {"new": "1"}}, "default")
    await many.client.patch(CONFIGMAPS, "c7", {"data": {"new": "1"}}, "default")
    many.now += 3600
    rest = await page(many, continue_=first["metadata"]["continue"])
    assert names(rest) == ["c4", "c5", "c6", "c7", "c8", "c9"]
    assert not any("data" in item for item in rest["items"])


async def test_a_page_with_a_selector_does_not_count_the_rest(many) -> None:
    first = await page(many, limit="2", labelSelector="mod=1")
    assert names(first) == ["c1", "c4"]
    assert "remainingItemCount" not in first["metadata"]
    second = await page(many, limit="2", labelSelector="mod=1", continue_=first["metadata"]["continue"])
    assert names(second) == ["c7"]


def token(**fields: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(fields)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "bad",
    ["", "%", "é", "e30", token(v="v9", rv=1, start="a"), token(v="meta.k8s.io/v1", rv="1", start="a"),
     token(v="meta.k8s.io/v1", rv=0, start="a"), token(v="meta.k8s.io/v1", rv=1, start=3),
     token(v="meta.k8s.io/v1", rv=1, start=""), token(v="meta.k8s.io/v1", rv=True, start="a"),
     token(v="meta.k8s.io/v1", rv=1, start="../secrets/a"), token(v="meta.k8s.io/v1", rv=1, start="a//b")],
)  # fmt: skip
async def test_what_is_no_token_is_refused(many, bad: str) -> None:
    if bad:
        text = await many.refused(400, "list", "configmaps", query={"continue": bad})
        assert text.startswith("invalid continue token: continue key is not valid: ")
    else:
        assert len(names(await page(many, continue_=bad))) == 10


async def test_a_token_of_no_revision_goes_on_from_the_present(many) -> None:
    await many.client.delete(CONFIGMAPS, "c5", "default")
    rest = await page(many, limit="2", continue_=token(v="meta.k8s.io/v1", rv=-1, start="c4\0"))
    assert names(rest) == ["c6", "c7"]
    assert rest["metadata"]["resourceVersion"] == str(many.store.revision)
    assert names(await page(many, continue_=rest["metadata"]["continue"])) == ["c8", "c9"]


async def test_a_token_and_a_revision_exclude_each_other(many) -> None:
    first = await page(many, limit="4")
    query = {"continue": first["metadata"]["continue"], "resourceVersion": "5"}
    text = await many.refused(400, "list", "configmaps", query=query)
    assert text == "specifying resource version is not allowed when using continue"


async def test_a_list_at_an_exact_revision_shows_the_past(many) -> None:
    then = str(many.store.revision)
    past = await page(many)
    await many.client.delete(CONFIGMAPS, "c5", "default")
    await many.client.patch(CONFIGMAPS, "c7", {"data": {"k": "1"}}, "default")
    await many.config_map("late")
    exact = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
    assert await many.object("list", "configmaps", query=exact) == past
    # A limit with a resourceVersion means the same.
    assert names(await page(many, limit="8", resourceVersion=then)) == [f"c{n}" for n in range(8)]
    for newer in ({"resourceVersion": then}, {"resourceVersion": "0"}):
        assert "late" in names(await many.object("list", "configmaps", query=newer))


async def test_a_revision_that_does_not_exist_yet_is_too_large(many) -> None:
    current = many.store.revision
    for verb, name in (("list", ""), ("get", "c1")):
        with pytest.raises(ApiError) as caught:
            await many.send(verb, "configmaps", name, query={"resourceVersion": str(current + 5)})
        error = caught.value
        assert (error.code, error.reason) == (504, "Timeout")
        assert error.message == f"Timeout: Too large resource version: {current + 5}, current: {current}"
        assert error.details == {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "99999999999999999999", "١"])
async def test_what_is_no_revision_is_refused(many, bad: str) -> None:
    text = await many.refused(400, "list", "configmaps", query={"resourceVersion": bad})
    assert text.startswith("resourceVersion: Invalid value: ")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            {"resourceVersionMatch": "Exact"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            {"resourceVersionMatch": "About", "resourceVersion": "1"},
            'resourceVersionMatch: Unsupported value: "About": supported values: "Exact", "NotOlderThan", ""',
        ),
        ({"sendInitialEvents": "true"}, "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
    ],
)
async def test_list_options_that_make_no_sense_are_refused(many, query: dict[str, str], text: str) -> None:
    message = await many.refused(422, "list", "configmaps", query=query)
    assert message == f'ListOptions.meta.k8s.io "" is invalid: {text}'


async def test_a_limit_is_a_number(many) -> None:
    text = await many.refused(400, "list", "configmaps", query={"limit": "x"})
    assert text == 'strconv.ParseInt: parsing "x": invalid syntax'


async def test_a_table_has_columns_and_rows(many) -> None:
    table = await many.object("list", "configmaps", form="table", query={"labelSelector": "mod=0", "limit": "2"})
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"]["resourceVersion"] == str(many.store.revision)
    assert table["metadata"]["continue"]
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert all(column["description"] for column in table["columnDefinitions"])
    assert [row["cells"] for row in table["rows"]] == [["c0", 0, "0s"], ["c3", 0, "0s"]]
    for row in table["rows"]:
        assert (row["object"]["kind"], row["object"]["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
        assert row["object"]["metadata"]["labels"] == {"mod": "0"}
        assert row["object"].keys() == {"kind", "apiVersion", "metadata"}


async def test_a_table_of_one_object(many) -> None:
    table = await many.object("get", "configmaps", "c4", form="table")
    (row,) = table["rows"]
    assert row["cells"][0] == "c4"
    assert table["metadata"] == {"resourceVersion": row["object"]["metadata"]["resourceVersion"]}


@pytest.mark.parametrize(
    ("include", "kind"), [("None", None), ("Object", "ConfigMap"), ("Metadata", "PartialObjectMetadata")]
)
async def test_rows_carry_what_was_asked_for(many, include: str, kind: str | None) -> None:
    table = await many.object("list", "configmaps", form="table", include=include)
    objects = [row["object"] for row in table["rows"]]
    assert {carried and carried["kind"] for carried in objects} == {kind}


async def test_an_unknown_include_is_refused(many) -> None:
    text = await many.refused(400, "list", "configmaps", form="table", include="All")
    assert text == 'unrecognized includeObject value: "All"'


async def test_partial_objects(many) -> None:
    one = await many.object("get", "configmaps", "c4", form="partial")
    assert one.keys() == {"kind", "apiVersion", "metadata"}
    listed = await many.object("list", "configmaps", form="partial")
    assert listed["kind"] == "PartialObjectMetadataList"
    assert one in listed["items"]


async def test_a_table_of_every_kind(cluster) -> None:
    await cluster.pod()
    await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    for resource in ("pods", "nodes", "namespaces", "serviceaccounts"):
        table = await cluster.object("list", resource, form="table")
        assert table["rows"]
        for row in table["rows"]:
            assert len(row["cells"]) == len(table["columnDefinitions"])
