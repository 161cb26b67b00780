"""The revisions of a workload: a Deployment's ReplicaSets, the ControllerRevisions of the others.

Source: k8s.io/kubectl/pkg/polymorphichelpers (history.go, rollback.go).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from backend.meta.label_selector import as_selector
from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import Client
from minikctl.describe.controlled import owned
from minikctl.describe.deployment import without_hash
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

Obj = dict[str, Any]

CHANGE_CAUSE = "kubernetes.io/change-cause"
_REVISION = "deployment.kubernetes.io/revision"
_TITLES = {"daemonset.apps": "DaemonSet", "statefulset.apps": "Statefulset"}


class Revision(NamedTuple):
    """`object` is what -o shows: a ReplicaSet, or the workload as it was; `kept` what keeps the revision."""

    number: int
    template: Obj
    cause: str
    object: Obj
    kept: Obj


def of_workload(client: Client, info: Info) -> tuple[Obj, list[Revision]]:
    """The workload as it is, and its revisions, the oldest first. Failure if they are not known."""
    if info.mapping.group_kind == "deployment.apps":
        return _of_deployment(client, info)
    return _of_set(client, info)


def _of_deployment(client: Client, info: Info) -> tuple[Obj, list[Revision]]:
    try:
        deployment = client.get(info.path())
    except StatusError as error:
        raise Failure(f"failed to retrieve deployment {info.name}: {error}") from None
    try:
        found = _owned(client, info, deployment, "replicasets")
    except StatusError as error:
        text = f"failed to retrieve replica sets from deployment {info.name}: {error}"
        raise Failure(text) from None
    revisions = {}
    for one in found:
        annotations = one["metadata"].get("annotations") or {}
        try:
            number = int(annotations.get(_REVISION, "0"))
        except ValueError:
            continue
        cause = annotations.get(CHANGE_CAUSE, "")
        revisions[number] = Revision(number, one["spec"]["template"], cause, one, one)
    return deployment, [revisions[number] for number in sorted(revisions)]


def _of_set(client: Client, info: Info) -> tuple[Obj, list[Revision]]:
    title = _TITLES[info.mapping.group_kind]
    try:
        workload = client.get(info.path())
    except StatusError as error:
        raise Failure(f"failed to retrieve {title} {info.name}: {error}") from None
    try:
        found = _owned(client, info, workload, "controllerrevisions")
    except StatusError as error:
        text = f"unable to find history controlled by {info.mapping.kind} {info.name}: {error}"
        raise Failure(text) from None
    revisions = {}
    for one in found:
        # What a controller keeps replaces the template as a whole: it is no patch that needs a schema.
        kept = one["data"]["spec"]["template"]
        template = {name: value for name, value in kept.items() if name != "$patch"}
        cause = (one["metadata"].get("annotations") or {}).get(CHANGE_CAUSE, "")
        was = {**workload, "spec": {**workload["spec"], "template": template}}
        revisions[one["revision"]] = Revision(one["revision"], template, cause, was, one)
    return workload, [revisions[number] for number in sorted(revisions)]


def _owned(client: Client, info: Info, workload: Obj, resource: str) -> list[Obj]:
    path = f"/apis/apps/v1/namespaces/{info.namespace}/{resource}"
    return owned(client, path, workload, str(as_selector(workload["spec"].get("selector"))))


def matches(revision: Revision, workload: Obj) -> bool:
    """Whether the workload's template is the revision's."""
    return bool(without_hash(revision.template) == without_hash(workload["spec"]["template"]))


def shown(template: Obj) -> str:
    """The template as kubectl shows a revision's: described, with tabs that nothing lines up."""
    writer = Writer()
    pod_template(writer, template)
    return writer.unaligned()
