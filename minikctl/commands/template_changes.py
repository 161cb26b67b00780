"""Changes of objects that are sent as the strategic merge patch between before and after: `set`, `rollout`.

Source: k8s.io/kubectl/pkg/cmd/set/helper.go (CalculatePatches), polymorphichelpers/updatepodspec.go.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.client.rest import STRATEGIC_MERGE_PATCH, Client
from minikctl.client.schemas import strategic_diff
from minikctl.commands.create.creating import DryRun

Obj = dict[str, Any]

_TEMPLATES = ("spec", "template", "spec")
_POD_SPECS = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): _TEMPLATES,
    ("apps", "DaemonSet"): _TEMPLATES,
    ("apps", "Deployment"): _TEMPLATES,
    ("apps", "ReplicaSet"): _TEMPLATES,
    ("apps", "StatefulSet"): _TEMPLATES,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATES),
    ("batch", "Job"): _TEMPLATES,
}
"""Where a kind has the spec of its pods."""


def pod_spec(info: Info) -> Obj:
    """The pod spec in the object, which may be changed in place. Failure for a kind without one."""
    mapping = info.mapping
    path = _POD_SPECS.get((mapping.group, mapping.kind))
    if path is None:
        kind = f"*{mapping.version}.{mapping.kind}"
        raise Failure(f"the object is not a pod or does not have a pod template: {kind}")
    spec: Obj = info.object
    for name in path:
        spec = spec.setdefault(name, {})
    return spec


def changed(info: Info, change: Callable[[Info], None]) -> tuple[Info, Obj]:
    """A copy of `info` that `change` has changed, and the patch that makes it of `info`; {} if they are the same."""
    after = info._replace(object=copy.deepcopy(info.object))
    change(after)
    return after, strategic_diff(info.mapping, info.object, after.object)


def send(client: Client, info: Info, patch: Obj, manager: str, strategy: DryRun = "none") -> Obj:
    """What the server made of the object with the patch."""
    query = {"dryRun": "All" if strategy == "server" else "", "fieldManager": manager}
    return client.request("PATCH", info.path(), query=query, body=patch, content_type=STRATEGIC_MERGE_PATCH)
