"""The catalog serves every kind once, and each declaration fits the published OpenAPI."""

import dataclasses
import json
from importlib.resources import files

import pytest

from backend.resources.catalog import Catalog
from backend.resources.core.secret import SECRET
from backend.resources.resource import Resource

KINDS = list(Catalog.builtin())


@pytest.fixture(scope="module")
def definitions():
    name = "kubernetes-json-schema/v1.37.0-local/_definitions.json"
    return json.loads(files("kubernetes_validate").joinpath(name).read_bytes())["$defs"]


def test_kinds_are_found_by_their_address():
    catalog = Catalog.builtin()
    assert catalog.find("", "v1", "secrets") is SECRET
    assert catalog.find_kind("", "v1", "Secret") is SECRET
    assert catalog.find("", "v1", "secret") is None
    assert catalog.find("apps", "v1", "secrets") is None
    assert catalog.find_kind("", "v2", "Secret") is None


def test_discovery_order_is_core_first_and_sorted():
    groups = [group for group, _ in Catalog.builtin().groups()]
    order = ["", "apps", "batch", "networking.k8s.io", "storage.k8s.io", "coordination.k8s.io", "discovery.k8s.io"]
    assert groups[0] == ""
    assert [group for group in groups if group in order] == [group for group in order if group in groups]
    core = [resource.plural for resource in Catalog.builtin() if not resource.group]
    assert core == sorted(core)


def test_an_address_is_declared_once():
    with pytest.raises(ValueError, match="secrets in v1 is declared twice"):
        Catalog([SECRET, SECRET])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_columns_take_their_descriptions_from_the_schema(kind: Resource, definitions):
    assert kind.schema in definitions
    for column in kind.columns:
        assert column.describe(definitions), column.name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.row], ids=lambda kind: kind.kind)
def test_a_bare_object_fills_every_column(kind: Resource):
    obj = {"metadata": {"name": "x"}, "spec": {}}
    kind.default(obj)
    assert len(kind.row(obj, 0.0)) == len(kind.columns)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_can_be_selected_is_announced(kind: Resource):
    obj = {"metadata": {"name": "x"}, "spec": {}}
    assert set(kind.selectable(obj)) == kind.selectable_names
    assert all(isinstance(value, str) for value in kind.selectable(obj).values())


def test_only_secrets_are_encrypted_at_rest():
    assert [kind.plural for kind in KINDS if kind.encrypted] == ["secrets"]


def test_kinds_come_and_go_and_listeners_hear_of_it():
    catalog = Catalog.builtin()
    known = len(catalog)
    widget = dataclasses.replace(SECRET, group="example.com", plural="widgets", kind="Widget")
    heard: list[int] = []
    stop = catalog.on_change(lambda: heard.append(len(catalog)))
    catalog.replace("widgets.example.com", [widget])
    assert catalog.find("example.com", "v1", "widgets") is widget
    assert catalog.find_kind("example.com", "v1", "Widget") is widget
    assert ("example.com", ["v1"]) in catalog.groups()
    with pytest.raises(ValueError, match=r"widgets.example.com in example.com/v1 is declared twice"):
        catalog.replace("others.example.com", [widget])
    assert catalog.find("example.com", "v1", "widgets") is widget
    catalog.replace("widgets.example.com", [])
    assert catalog.find("example.com", "v1", "widgets") is None
    stop()
    catalog.replace("widgets.example.com", [widget])
    assert heard == [known + 1, known]


def test_a_collection_that_two_kinds_serve_is_counted_once_as_it_is_stored():
    other = dataclasses.replace(SECRET, version="v0", stored_as=SECRET)
    catalog = Catalog([other, SECRET])
    assert catalog.collections() == [SECRET]
    assert other.prefix == SECRET.prefix
