"""Metadata, with the texts of ValidateObjectMeta."""

from __future__ import annotations

from typing import Any

import pytest

from backend.meta import names
from backend.meta.objectmeta import ANNOTATIONS_LIMIT, validate_object_meta, validate_object_meta_update


def faults(*, namespaced: bool = True, **meta: Any) -> list[str]:
    base = {"name": "a", "namespace": "default"} if namespaced else {"name": "a"}
    found = validate_object_meta(base | meta, namespaced=namespaced, validate_name=names.dns1123_subdomain)
    return [str(cause) for cause in found]


def test_good_metadata_has_no_faults() -> None:
    assert (
        faults(
            labels={"app.kubernetes.io/name": "x", "empty": ""},
            annotations={"Example.COM/Upper": "any text\n"},
            finalizers=["example.com/protect", "foregroundDeletion"],
            ownerReferences=[{"apiVersion": "apps/v1", "kind": "X", "name": "x", "uid": "1", "controller": True}],
            generateName="web-",
        )
        == []
    )
    assert faults(namespaced=False) == []


@pytest.mark.parametrize(
    ("meta", "start"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of'),
        (
            {"generateName": "A-"},
            'metadata.generateName: Invalid value: "A-": a lowercase RFC 1123 subdomain must',
        ),
        ({"namespace": ""}, "metadata.namespace: Required value"),
        ({"namespace": "a.b"}, 'metadata.namespace: Invalid value: "a.b": must not contain dots'),
        ({"generation": -1}, "metadata.generation: Invalid value: -1: must be greater than or equal to 0"),
        ({"labels": {"a/": "b"}}, 'metadata.labels: Invalid value: "a/": name part must be non-empty'),
        ({"labels": {"a": "b c"}}, 'metadata.labels: Invalid value: "b c": a valid label must be an empty string'),
        ({"annotations": {"_/a": ""}}, 'metadata.annotations: Invalid value: "_/a": prefix part a lowercase RFC'),
        (
            {"annotations": {"a": "x" * ANNOTATIONS_LIMIT}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        ({"finalizers": ["a b"]}, 'metadata.finalizers: Invalid value: "a b": name part must consist of'),
        (
            {"finalizers": ["mine"]},
            'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it'
            " fully qualified",
        ),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and'
            " foregroundDeletion cannot be both set",
        ),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x"}]},
            'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
        ),
        (
            {"ownerReferences": [{"apiVersion": "", "kind": "Pod", "name": "x", "uid": "1"}]},
            'metadata.ownerReferences[0].apiVersion: Invalid value: "": version must not be empty',
        ),
    ],
)
def test_faults(meta: dict[str, Any], start: str) -> None:
    found = faults(**meta)
    assert found
    assert found[0].startswith(start)


def test_cluster_scoped_objects_have_no_namespace() -> None:
    assert faults(namespaced=False, namespace="x") == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_only_one_controller() -> None:
    owners = [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "xy"]
    (fault,) = faults(ownerReferences=owners)
    assert fault.endswith(
        'Only one reference can have Controller set to true. Found "true" in references for Pod/x and Pod/y'
    )


OLD = {
    "name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2024-01-02T03:04:05Z",
    "generation": 2,
}  # fmt: skip


def update(**changes: Any) -> list[str]:
    return [str(cause) for cause in validate_object_meta_update(OLD | changes, OLD)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"labels": {"a": "b"}, "generation": 3}, None),
        ({"name": "z"}, 'metadata.name: Invalid value: "z": field is immutable'),
        ({"namespace": "z"}, 'metadata.namespace: Invalid value: "z": field is immutable'),
        ({"uid": "z"}, 'metadata.uid: Invalid value: "z": field is immutable'),
        ({"resourceVersion": ""}, 'metadata.resourceVersion: Invalid value: "": must be specified for an update'),
        ({"generation": 1}, "metadata.generation: Invalid value: 1: must not be decremented"),
        (
            {"creationTimestamp": "2024-01-02T03:04:06Z"},
            "metadata.creationTimestamp: Invalid value: 2024-01-02 03:04:06 +0000 UTC: field is immutable",
        ),
        (
            {"deletionGracePeriodSeconds": 5},
            "metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable",
        ),
    ],
)
def test_update(change: dict[str, Any], fault: str | None) -> None:
    assert update(**change) == ([fault] if fault else [])


def test_a_terminating_object_gets_no_new_finalizers() -> None:
    old = OLD | {"deletionTimestamp": "2024-01-02T03:04:05Z", "finalizers": ["x/a"]}
    (fault,) = validate_object_meta_update(old | {"finalizers": ["x/a", "x/b"]}, old)
    assert str(fault) == (
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new"
        ' finalizers []string{"x/b"}'
    )
    assert validate_object_meta_update(old | {"finalizers": []}, old) == []
