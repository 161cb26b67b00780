"""The three kinds of patches, and the laws that tie them to their diffs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta import patch
from backend.meta.errors import ApiError
from backend.meta.jsonvalue import equal
from backend.meta.schema import Schemas

POD = "io.k8s.api.core.v1.Pod"
SCHEMAS = Schemas.load()
DOC: dict[str, Any] = {"data": {"k": "v"}, "list": ["a", "b"], "n": 1}


@pytest.mark.parametrize(
    ("ops", "result"),
    [
        ([], DOC),
        (None, DOC),
        ([{"op": "add", "path": "/data/n", "value": "1"}], DOC | {"data": {"k": "v", "n": "1"}}),
        ([{"op": "add", "path": "/list/-", "value": "c"}], DOC | {"list": ["a", "b", "c"]}),
        ([{"op": "add", "path": "/list/0", "value": "c"}], DOC | {"list": ["c", "a", "b"]}),
        ([{"op": "add", "path": "/list/-1", "value": "c"}], DOC | {"list": ["a", "b", "c"]}),
        ([{"op": "add", "path": "/data/a~1b~0c~01", "value": 1}], DOC | {"data": {"k": "v", "a/b~c~1": 1}}),
        ([{"op": "remove", "path": "/list/-1"}], DOC | {"list": ["a"]}),
        ([{"op": "remove", "path": "/data/k"}], DOC | {"data": {}}),
        ([{"op": "replace", "path": "/list/1", "value": "c"}], DOC | {"list": ["a", "c"]}),
        ([{"op": "replace", "path": "/data/new", "value": 1}], DOC | {"data": {"k": "v", "new": 1}}),
        ([{"op": "replace", "path": "", "value": {"x": 1}}], {"x": 1}),
        ([{"op": "test", "path": "/data", "value": {"k": "v"}}], DOC),
        ([{"op": "test", "path": "/data/absent", "value": None}], DOC),
        ([{"op": "move", "from": "/data/k", "path": "/data/m"}], DOC | {"data": {"m": "v"}}),
        ([{"op": "copy", "from": "/data", "path": "/copy"}], DOC | {"copy": {"k": "v"}}),
    ],
)
def test_json_patch(ops: Any, result: Any) -> None:
    before = json.dumps([DOC, ops])
    assert patch.json_patch(DOC, ops) == result
    assert json.dumps([DOC, ops]) == before


@pytest.mark.parametrize(
    ("op", "why"),
    [
        ({"op": "test", "path": "/data/k", "value": "x"}, "testing value /data/k failed: test failed"),
        ({"op": "test", "path": "/n", "value": True}, "testing value /n failed: test failed"),
        (
            {"op": "test", "path": "/x/y", "value": 1},
            "test operation does not apply: is missing path: /x/y: missing",
        ),
        ({"op": "add", "path": "/x/y", "value": 1}, 'add operation does not apply: doc is missing path: "/x/y"'),
        ({"op": "add", "path": "/data/k/y", "value": 1}, "add operation does not apply"),
        (
            {"op": "add", "path": "/list/3", "value": 1},
            "error in add for path: '/list/3': Unable to access invalid",
        ),
        ({"op": "add", "path": "/list/x", "value": 1}, "error in add for path: '/list/x': value was not a proper"),
        (
            {"op": "remove", "path": "/data/x"},
            "error in remove for path: '/data/x': Unable to remove nonexistent key: x",
        ),
        (
            {"op": "remove", "path": "/list/2"},
            "error in remove for path: '/list/2': Unable to access invalid index: 2",
        ),
        ({"op": "remove", "path": ""}, 'remove operation does not apply: doc is missing path: ""'),
        ({"op": "replace", "path": "/list/2", "value": 1}, "replace operation does not apply: doc is missing key"),
        (
            {"op": "move", "from": "/x/y", "path": "/z"},
            "move operation does not apply: doc is missing from path: /x/y",
        ),
        ({"op": "move", "path": "/z"}, "move operation failed to decode from: operation, missing from field"),
        (
            {"op": "copy", "from": "/n", "path": "/x/y"},
            "copy operation does not apply: doc is missing destination path",
        ),
        ({"op": "zap", "path": "/n"}, "Unexpected kind: zap"),
        ({"path": "/n"}, "Unexpected kind: unknown"),
        ({"op": "add"}, "add operation failed to decode path: missing value"),
    ],
)
def test_json_patch_that_does_not_apply(op: Any, why: str) -> None:
    with pytest.raises(patch.PatchError) as caught:
        patch.json_patch(DOC, [{"op": "add", "path": "/first", "value": 1}, op])
    error = caught.value
    assert error.why.startswith(why)
    assert (error.code, error.reason) == (422, "Invalid")
    assert error.message == "the server rejected our request due to an error in our request"
    assert "first" not in DOC


def test_copies_cannot_grow_a_document_without_end() -> None:
    ops = [{"op": "copy", "from": "/data", "path": f"/data/{number}"} for number in range(60)]
    with pytest.raises(patch.PatchError) as caught:
        patch.json_patch(DOC, ops)
    assert caught.value.why.endswith(f"exceeding the limit {3 * 1024 * 1024}")


def test_long_lists_merge_in_the_time_that_their_length_takes() -> None:
    count = 20_000
    account = {"secrets": [{"name": f"s{number}"} for number in range(count)]}
    change = {
        "secrets": [{"name": f"s{number}", "kind": "Secret"} for number in range(count // 2, count)]
        + [{"name": f"s{number}", "$patch": "delete"} for number in range(count // 2)]
    }
    started = time.process_time()
    merged = patch.strategic_merge_patch(account, change, "io.k8s.api.core.v1.ServiceAccount", SCHEMAS)
    assert time.process_time() - started < 5  # each item against each other would take minutes
    assert merged == {"secrets": change["secrets"][: count // 2]}


@pytest.mark.parametrize(
    ("ops", "code", "text"),
    [
        ({}, 400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
        ([1], 400, "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        (
            [{"op": "test", "path": "/x"}] * 10_001,
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
    ],
)
def test_what_is_no_json_patch(ops: Any, code: int, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        patch.json_patch(DOC, ops)
    assert (caught.value.code, caught.value.message) == (code, text)


@pytest.mark.parametrize(
    ("doc", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "b"}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": [None, {"b": None}]}, {"a": [None, {}]}),
    ],
)
def test_merge_patch(doc: Any, change: Any, result: Any) -> None:
    before = json.dumps([doc, change])
    assert patch.merge_patch(doc, change) == result
    assert json.dumps([doc, change]) == before


@pytest.mark.parametrize("change", [None, [], "x", 5])
def test_what_is_no_merge_patch(change: Any) -> None:
    with pytest.raises(ApiError) as caught:
        patch.merge_patch({}, change)
    assert caught.value.code == 400


VALUES = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


@given(OBJECTS, OBJECTS)
def test_a_merge_diff_makes_one_of_the_other(original: Any, modified: Any) -> None:
    assert equal(patch.merge_patch(original, patch.merge_diff(original, modified)), modified)
    assert patch.merge_diff(original, original) == {}


@given(OBJECTS, OBJECTS)
def test_apply_onto_what_was_applied_gives_what_is_applied(original: Any, modified: Any) -> None:
    change = patch.three_way_merge(original, modified, original)
    assert equal(patch.merge_patch(original, change), modified)


def test_three_way_merge_leaves_what_others_set() -> None:
    change = patch.three_way_merge({"a": 1, "b": 2}, {"a": 3}, {"a": 1, "b": 2, "c": {"d": 4}})
    assert change == {"a": 3, "b": None}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "finalizers": ["p/a", "p/b"]}, "spec": spec}


C = {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
D = {"name": "d", "image": "j"}
CURRENT = pod(containers=[C, D], nodeSelector={"a": "b"}, tolerations=[{"key": "k"}])


def strategic(change: Any) -> Any:
    before = json.dumps([CURRENT, change])
    result = patch.strategic_merge_patch(CURRENT, change, POD, SCHEMAS)
    assert json.dumps([CURRENT, change]) == before
    return result


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([{"name": "n"}], ["n", "c", "d"]),
        ([{"name": "d", "image": "z"}], ["c", "d"]),
        ([{"name": "c", "$patch": "delete"}], ["d"]),
        ([{"$patch": "replace"}, {"name": "n"}], ["n"]),
        ([{"name": "m"}, {"name": "d"}, {"name": "n"}], ["m", "c", "d", "n"]),
        ([], ["c", "d"]),
        (None, None),
    ],
)
def test_strategic_patch_merges_containers_by_name(items: Any, names: list[str] | None) -> None:
    containers = strategic({"spec": {"containers": items}})["spec"].get("containers")
    assert (containers and [item["name"] for item in containers]) == names


def test_strategic_patch_keeps_what_it_does_not_name() -> None:
    result = strategic(
        {"spec": {"containers": [{"name": "c", "env": [{"name": "B", "value": "9"}, {"name": "N"}]}]}}
    )
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "9"}, {"name": "N"}]
    assert result["spec"]["containers"] == [C | {"env": env}, D]


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ({"spec": {"tolerations": [{"key": "z"}]}}, "spec.tolerations", [{"key": "z"}]),
        ({"spec": {"nodeSelector": {"a": None, "z": "1"}}}, "spec.nodeSelector", {"z": "1"}),
        ({"spec": {"nodeSelector": {"$patch": "replace", "q": "r"}}}, "spec.nodeSelector", {"q": "r"}),
        ({"spec": {"nodeSelector": {"$patch": "delete"}}}, "spec.nodeSelector", {}),
        ({"spec": {"$retainKeys": ["nodeSelector"]}}, "spec", {"nodeSelector": {"a": "b"}}),
        ({"metadata": {"finalizers": ["p/c"]}}, "metadata.finalizers", ["p/c", "p/a", "p/b"]),
        ({"metadata": {"$deleteFromPrimitiveList/finalizers": ["p/a"]}}, "metadata.finalizers", ["p/b"]),
        ({"metadata": {"$setElementOrder/finalizers": ["p/b", "p/a"]}}, "metadata.finalizers", ["p/b", "p/a"]),
    ],
)
def test_strategic_directives(change: Any, path: str, value: Any) -> None:
    found = strategic(change)
    for key in path.split("."):
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            {"spec": {"containers": [{"image": "z"}]}},
            400,
            "map: map[image:z] does not contain declared merge key: name",
        ),
        ({"spec": {"$patch": "zap"}}, 400, "unknown patch type: zap in map: map[$patch:zap]"),
        ({"spec": {"containers": ["x"], "tolerations": []}}, 400, "list element types are not identical: [[map["),
        ({"spec": {"$retainKeys": "x"}}, 400, "invalid patch format of retainKeys"),
        ({"spec": {"$retainKeys": ["a"], "nodeName": "x"}}, 400, "invalid patch format of retainKeys"),
        ({"metadata": {"$deleteFromPrimitiveList": []}}, 400, "invalid patch format of primitive list"),
        ({"metadata": {"$setElementOrder": []}}, 400, "invalid patch format of setElementOrder list"),
        (
            {"metadata": {"$setElementOrder/finalizers": ["p/b"], "finalizers": ["p/n"]}},
            400,
            "The order in patch list:\n[p/n]\n doesn't match $setElementOrder list:\n[p/b]\n",
        ),
        ([], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ],
)
def test_strategic_faults(change: Any, code: int, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        strategic(change)
    assert caught.value.code == code
    assert caught.value.message.startswith(text)


def test_two_way_strategic_names_only_what_changed() -> None:
    modified = pod(containers=[C | {"image": "z"}], nodeSelector={"a": "b"})
    assert patch.two_way_strategic(CURRENT, modified, POD, SCHEMAS) == {
        "spec": {
            "containers": [{"name": "c", "image": "z"}, {"name": "d", "$patch": "delete"}],
            "$setElementOrder/containers": [{"name": "c"}],
            "tolerations": None,
        }
    }


def test_a_map_that_is_replaced_as_a_whole_is_in_every_patch() -> None:
    budget = {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}
    change = patch.two_way_strategic(budget, budget, "io.k8s.api.policy.v1.PodDisruptionBudget", SCHEMAS)
    assert change == {"spec": {"selector": {"matchLabels": {"a": "b"}}}}


def test_three_way_strategic_leaves_what_others_added() -> None:
    applied = pod(containers=[C], volumes=[{"name": "v", "emptyDir": {}}])
    wanted = pod(containers=[C], volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    live = pod(
        containers=[C | {"imagePullPolicy": "Always"}, D], volumes=[{"name": "v", "emptyDir": {}}], nodeName="n"
    )
    change = patch.three_way_strategic(applied, wanted, live, POD, SCHEMAS)
    assert change["spec"]["volumes"] == [
        {"name": "v", "secret": {"secretName": "s"}, "emptyDir": None, "$retainKeys": ["name", "secret"]}
    ]
    result = patch.strategic_merge_patch(live, change, POD, SCHEMAS)["spec"]
    assert result == live["spec"] | {"volumes": wanted["spec"]["volumes"]}


NAMES = st.sampled_from("abcd")


def named(*fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    item = st.tuples(NAMES.map(lambda name: {"name": name}), *fields).map(
        lambda parts: {key: value for part in parts for key, value in part.items()}
    )
    return st.lists(item, max_size=3, unique_by=lambda entry: entry["name"])


def optional(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | values.map(lambda value: {name: value})


TEXTS = st.sampled_from(["1", "2"])
ENV = named(optional("value", TEXTS))
PODS = st.tuples(
    named(optional("image", TEXTS), optional("env", ENV), optional("args", st.lists(TEXTS, max_size=2))),
    st.dictionaries(NAMES, TEXTS, max_size=2),
    st.lists(st.sampled_from(["p/a", "p/b", "p/c"]), unique=True, min_size=1),
    named(optional("emptyDir", st.just({})), optional("hostPath", st.just({"path": "/"}))),
).map(
    lambda parts: {
        "metadata": {"name": "x", "finalizers": parts[2]},
        "spec": {"containers": parts[0], "nodeSelector": parts[1], "volumes": parts[3]},
    }
)


@given(PODS, PODS)
def test_a_strategic_diff_makes_one_of_the_other(original: Any, modified: Any) -> None:
    change = patch.two_way_strategic(original, modified, POD, SCHEMAS)
    assert equal(patch.strategic_merge_patch(original, change, POD, SCHEMAS), modified)
    assert patch.two_way_strategic(original, original, POD, SCHEMAS) == {}


@given(PODS, PODS, PODS)
def test_applying_twice_changes_nothing_more(original: Any, modified: Any, current: Any) -> None:
    change = patch.three_way_strategic(original, modified, current, POD, SCHEMAS)
    once = patch.strategic_merge_patch(current, change, POD, SCHEMAS)
    again = patch.three_way_strategic(modified, modified, once, POD, SCHEMAS)
    assert equal(patch.strategic_merge_patch(once, again, POD, SCHEMAS), once)
