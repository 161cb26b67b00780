"""Typed values: sets of fields, comparison, merging and removal."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta.schema import Schemas
from backend.meta.structured import sets
from backend.meta.structured.types import _ALWAYS_THERE, structural_type
from backend.meta.structured.values import compare, faults, field_set, initial, merge, remove
from tests.support.go_types import Binary, ProtobufTable

SCHEMAS = Schemas.load()
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or ""
POD = {
    "metadata": {"labels": {"app": "web"}, "annotations": {}, "finalizers": ["example.com/a", "example.com/b"]},
    "spec": {
        "containers": [
            {"name": "a", "image": "a:1", "ports": [{"containerPort": 80, "protocol": "TCP"}], "env": []},
            {"name": "b", "image": "b:1", "resources": {"limits": {"cpu": "1"}}, "command": ["x", "y"]},
        ],
        "nodeSelector": {"disk": "ssd"}, "securityContext": {}, "hostNetwork": None, "tolerations": [],
    },
    "status": {"phase": "Pending"},
}  # fmt: skip
SECRET = {"metadata": {"labels": {}}, "data": {"a": "YQ==", "b": ""}, "type": "Opaque", "immutable": True}
EVENT = {"metadata": {"name": "e"}, "involvedObject": {}, "source": {"component": "x"}, "series": None, "count": 1}
DEPLOYMENT = {"spec": {"strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"a": "b"}}, "template": {}}}


def kind(name, group="core"):
    return SCHEMAS.types.of(f"io.k8s.api.{group}.v1.{name}")


CRONTAB = structural_type(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "map": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["k", "p"],
                        "items": {
                            "type": "object",
                            "properties": {"k": {"type": "string"}, "p": {"type": "integer", "default": 1}},
                        },
                    },
                    "list": {"type": "array", "items": {"type": "object"}},
                    "port": {"x-kubernetes-int-or-string": True},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "whole": {
                        "type": "object", "x-kubernetes-map-type": "atomic",
                        "properties": {"a": {"type": "string"}},
                    },
                },
            }
        },
    },
    SCHEMAS.types.object_meta(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("obj", "of"),
    [(POD, kind("Pod")), (SECRET, kind("Secret")), (EVENT, kind("Event")), ({}, kind("Node")),
     (DEPLOYMENT, kind("Deployment", "apps"))],
)  # fmt: skip
def test_the_fields_of_a_new_object_are_those_that_a_comparison_with_nothing_finds(obj, of):
    assert initial(obj, of) == compare({}, obj, of)[0]


def test_what_go_always_has_is_not_added_with_its_first_field():
    added = initial(DEPLOYMENT, kind("Deployment", "apps"))
    assert added == {"f:spec": {"f:strategy": {"f:type": {}}, "f:selector": {}}}


def test_a_custom_resource_has_the_parts_that_its_schema_says():
    spec = {
        "set": ["a"], "map": [{"k": "x"}], "list": [{"a": 1}], "port": "http", "free": {"deep": {"x": [1]}},
        "whole": {"a": "b"},
    }  # fmt: skip
    assert field_set({"spec": spec}, CRONTAB) == {
        "f:spec": {
            "f:set": {'v:"a"': {}}, "f:map": {'k:{"k":"x","p":1}': {".": {}, "f:k": {}}}, "f:list": {},
            "f:port": {}, "f:free": {"f:deep": {".": {}, "f:x": {}}}, "f:whole": {},
        }
    }  # fmt: skip


GO_EMPTY = "&value.valueUnstructured{Value:map[string]interface {}{}}"


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"map": [{}]}, []),
        ({"map": [1]}, [".spec.map: element 0: associative list with keys may not have non-map elements"]),
        ({"set": ["a", "a"]}, ['.spec.set: duplicate entries for key [="a"]']),
        ({"set": [{}]}, [".spec.set: element 0: associative list without keys has an element that's a map type"]),
        ({"map": {"a": 1}}, [".spec.map: expected list, got &{map[a:1]}"]),
        ({"other": 1}, [".spec.other: field not declared in schema"]),
        ({"free": {"any": 1}, "list": None}, []),
        ({"port": {}}, [f".spec.port: expected any scalar, got {GO_EMPTY}"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_custom_resource(spec, found):
    assert faults({"spec": spec}, CRONTAB) == found


def test_what_nothing_is_known_of_has_maps_with_parts_and_whole_lists():
    free = structural_type(None, SCHEMAS.types.object_meta())
    assert field_set({"spec": {"a": [1], "b": {"c": 1}}}, free) == {
        "f:spec": {".": {}, "f:a": {}, "f:b": {".": {}, "f:c": {}}}
    }


def test_removing_takes_what_is_inside_along():
    taken = {"f:spec": {"f:containers": {'k:{"name":"a"}': {}, 'k:{"name":"b"}': {"f:command": {}}}}}
    left = remove(POD, taken, kind("Pod"))
    assert left["spec"]["containers"] == [{"name": "b", "image": "b:1", "resources": {"limits": {"cpu": "1"}}}]


KEYS = st.sampled_from("abcdef")
TREES = st.recursive(
    st.just({}), lambda below: st.dictionaries(KEYS.map("f:{}".format), below, max_size=4), max_leaves=12
).map(lambda tree: tree or {"f:a": {}})


def paths(tree):
    return set(sets.members(tree))


@given(TREES, TREES)
def test_the_algebra_of_sets(one, other):
    assert paths(sets.union(one, other)) == paths(one) | paths(other)
    assert paths(sets.difference(one, other)) == paths(one) - paths(other)
    assert paths(sets.intersection(one, other)) == paths(one) & paths(other)
    assert all(sets.has(one, path) for path in paths(one))


LISTS = st.lists(KEYS, unique=True, max_size=6)


@given(LISTS, LISTS)
def test_a_merged_list_has_the_items_of_both_with_those_of_the_configuration_in_its_order(live, config):
    merged = merge({"spec": {"set": live}}, {"spec": {"set": config}}, CRONTAB)["spec"]["set"]
    assert set(merged) == {*live, *config}
    assert len(merged) == len(set(merged))
    assert [item for item in merged if item in config] == config
    only = [item for item in live if item not in config]
    assert [item for item in merged if item in only] == only


@pytest.mark.kubectl
@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed beside the interpreter")
def test_the_structs_that_go_always_has_are_those_of_kubectls_types():
    known = {name.removeprefix("io.k8s.api."): name for name in SCHEMAS.kinds().values()}
    found = {}
    for line in ProtobufTable(Binary(Path(KUBECTL)), re.compile(r"\.v1\.")).lines:
        message, _, listed = line.partition(" ")
        definition = f"io.k8s.api.{message}"
        if definition not in SCHEMAS:
            continue
        fields, root = SCHEMAS.fields(definition), message in known
        for text in listed.split("|"):
            _, name, shape = text.split(" ")
            field = fields.get(name)
            plain = shape.lstrip("!")[0] not in "?*%" and field is not None and field.kind == "struct"
            if plain and not field.required and not (root and name in ("metadata", "spec", "status")):
                found.setdefault(message, set()).add(name)
    # Answers to questions are not stored.
    stored = {
        name: tuple(sorted(fields)) for name, fields in found.items() if not name.startswith("authentication")
    }
    assert stored == _ALWAYS_THERE
