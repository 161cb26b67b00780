"""The fields of a new object are those that a comparison with nothing finds."""

import pytest

from backend.apiserver.managedfields import _Comparison
from backend.meta.schema import Schemas

POD = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
        "name": "web", "labels": {"app": "web"}, "annotations": {}, "finalizers": ["example.com/a", "example.com/b"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "1"}],
    },
    "spec": {
        "containers": [
            {"name": "a", "image": "a:1", "ports": [{"containerPort": 80, "protocol": "TCP"}], "env": []},
            {"name": "b", "image": "b:1", "resources": {"limits": {"cpu": "1"}}, "command": ["x", "y"]},
        ],
        "nodeSelector": {"disk": "ssd"}, "securityContext": {}, "hostNetwork": None, "tolerations": [],
    },
    "status": {"phase": "Pending"},
}  # fmt: skip
EMPTY_POD = {"metadata": {"name": "web"}, "spec": {"containers": []}}
SECRET = {"metadata": {"labels": {}}, "data": {"a": "YQ==", "b": ""}, "type": "Opaque", "immutable": True}
EVENT = {"metadata": {"name": "e"}, "involvedObject": {}, "source": {"component": "x"}, "series": None, "count": 1}


@pytest.mark.parametrize(
    ("obj", "definition"),
    [(POD, "Pod"), (EMPTY_POD, "Pod"), (SECRET, "Secret"), (EVENT, "Event"), ({}, "Node")],
)
def test_all_fields_of_a_new_object_are_what_changed_from_nothing(obj, definition):
    comparison = _Comparison(Schemas.load())
    name = f"io.k8s.api.core.v1.{definition}"
    assert comparison.all_of(obj, name) == comparison.top(obj, {}, name)[0]
