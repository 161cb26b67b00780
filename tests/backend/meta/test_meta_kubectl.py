"""The same patches and the same broken objects, through real kubectl (which needs no server for them) and here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.meta import patch
from backend.meta.errors import ApiError
from backend.meta.schema import Schemas

pytestmark = pytest.mark.kubectl
KUBECTL = Path(sys.executable).with_name("kubectl")
POD = "io.k8s.api.core.v1.Pod"

DOCUMENT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "labels": {"x": "y"}, "finalizers": ["p/a", "p/b"]},
    "spec": {
        "containers": [
            {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "d", "image": "j", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
        ],
        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "secret": {"secretName": "s"}}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}

STRATEGIC: list[Any] = [
    {"spec": {"containers": [{"name": "n", "image": "z"}, {"name": "d", "ports": [{"containerPort": 81}]}]}},
    {"spec": {"containers": [{"name": "m"}, {"name": "d", "$patch": "delete"}, {"name": "n"}]}},
    {"spec": {"containers": [{"name": "c", "env": [{"name": "C"}, {"name": "A", "value": None}]}]}},
    {"spec": {"$setElementOrder/containers": [{"name": "d"}, {"name": "n"}], "containers": [{"name": "n"}]}},
    {"spec": {"$setElementOrder/hostAliases": [{"ip": "1"}], "hostAliases": [{"ip": "1", "x": None}]}},
    {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "t"}}]}},
    {"spec": {"securityContext": {"$patch": "replace", "runAsUser": 5}, "tolerations": [{"key": "z"}]}},
    {"spec": {"initContainers": [{"name": "i", "env": [{"name": "x", "$patch": "delete"}]}]}},
    {"metadata": {"$deleteFromPrimitiveList/finalizers": ["p/a"], "finalizers": ["p/n"], "labels": None}},
    {"metadata": {"$setElementOrder/finalizers": ["p/b", "p/n", "p/a"], "finalizers": ["p/n"]}},
    {"spec": {"containers": [{"image": "z"}]}},
    {"spec": {"containers": [{"$patch": "zap", "name": "n"}]}},
    {"spec": {"containers": [None]}},
    {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name"], "secret": {}}]}},
    {"spec": {"$setElementOrder/containers": [{"nam": "e"}]}},
]
JSON_PATCHES: list[Any] = [
    [{"op": "add", "path": "/metadata/labels/a~1b", "value": "1"}, {"op": "remove", "path": "/spec/volumes/-1"}],
    [{"op": "move", "from": "/spec/volumes/0", "path": "/spec/volumes/-"}],
    [{"op": "copy", "from": "/spec/containers/0/env", "path": "/spec/containers/1/env"}],
    [{"op": "replace", "path": "/spec/nodeName", "value": "n"}, {"op": "test", "path": "/spec/absent"}],
    [{"op": "test", "path": "/metadata/name", "value": "b"}],
    [{"op": "remove", "path": "/metadata/annotations/x"}],
    [{"op": "add", "path": "/metadata/finalizers/7", "value": "x"}],
]
PATCHES = [("strategic", change) for change in STRATEGIC] + [("json", change) for change in JSON_PATCHES]


def kubectl(*args: str) -> tuple[str, str]:
    command = [KUBECTL, "--kubeconfig=/dev/null", *args]
    run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return run.stdout, run.stderr.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize(("kind", "change"), PATCHES)
def test_patch(tmp_path: Path, kind: str, change: Any) -> None:
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(DOCUMENT))
    out, error = kubectl(
        "patch",
        "--local",
        f"--filename={file}",
        f"--type={kind}",
        "--output=json",
        f"--patch={json.dumps(change)}",
    )
    assert ours(kind, change) == (error or json.loads(out))


def ours(kind: str, change: Any) -> Any:
    """The patched document, or the text of the error as kubectl has it."""
    try:
        if kind == "json":
            return patch.json_patch(DOCUMENT, change)
        return patch.strategic_merge_patch(DOCUMENT, change, POD, Schemas.load())
    except patch.PatchError as fault:
        return fault.why
    except ApiError as fault:
        return fault.message.rstrip("\n")


@pytest.mark.parametrize(
    "container",
    [
        {"ports": [{"containerPort": "x"}]},
        {"livenessProbe": {"httpGet": {"port": 1.5}}},
        {"env": [{"name": "x", "valueFrom": {"secretKeyRef": {"name": 5}}}]},
        {"resources": {"limits": {"cpu": "1kk"}}},
        {"imagePullPolicy": []},
    ],
)
def test_decoding_fault(tmp_path: Path, container: Any) -> None:
    pod = DOCUMENT | {"spec": {"containers": [{"name": "c", "image": "i", **container}]}}
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(pod))
    _, error = kubectl("set", "image", "--local", f"--filename={file}", "c=i")
    with pytest.raises(ApiError) as caught:
        Schemas.load().decode(pod, POD, "Pod", "v1")
    prefix = 'Pod in version "v1" cannot be handled as a Pod: '
    assert caught.value.message.removeprefix(prefix) == error.removeprefix(f'unable to decode "{file}": ')
