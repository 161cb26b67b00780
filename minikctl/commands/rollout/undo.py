"""`minikctl rollout undo`. Source: kubectl/pkg/cmd/rollout/rollout_undo.go, polymorphichelpers/rollback.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.rest import JSON_PATCH, STRATEGIC_MERGE_PATCH
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create.creating import DRY_RUN_FLAG, LAST_APPLIED, DryRun, dry_run, last_applied
from minikctl.commands.rollout import revisions, rollouts
from minikctl.commands.rollout.revisions import Revision
from minikctl.describe.deployment import without_hash
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.typed import typed

_KEPT_ANNOTATIONS = frozenset(
    {
        LAST_APPLIED,
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)
"""The deployment's own: a rollback does not take them from the replica set."""


def run(call: Invocation) -> int:
    strategy = dry_run(call)
    make_printer(call.flags)
    query = rollouts.query(call)
    errors: list[Exception] = []
    for info in stream(call.factory, query, errors):
        try:
            _undo(call, info, strategy)
        except (Failure, StatusError) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _undo(call: Invocation, info: Info, strategy: DryRun) -> None:
    rollouts.check_revisions(info, "rollbacker", "rollbacker")
    if last_applied(info.object) is not None:
        name = f"{info.mapping.resource}/{info.name}"
        call.streams.err.write(
            f"Warning: resource {name} was previously managed with 'minikctl apply'. Rolling back will not update the"
            f" {LAST_APPLIED} annotation, which may cause unexpected behavior on future 'minikctl apply' operations."
            " Consider using 'minikctl apply' with your previous configuration file instead.\n"
        )
    operation = _rollback(call, info, strategy)
    printer = make_printer(call.flags, operation=operation, dry_run=strategy, typed=True)
    printer.print(typed(info.object), call.streams.out)


def _rollback(call: Invocation, info: Info, strategy: DryRun) -> str:
    """Go back, unless there is nothing to go back to, and say what was done."""
    wanted: int = call.flags["to-revision"]
    if wanted < 0:
        raise _no_revision(wanted)
    workload, found = revisions.of_workload(call.factory.client, info)
    revision = _chosen(info, found, wanted)
    deployment = info.mapping.kind == "Deployment"
    if strategy == "client":
        text = revisions.shown(revision.template)
        return text if deployment else f"will roll back to {text}"
    if deployment and workload["spec"].get("paused"):
        raise Failure(
            "you cannot rollback a paused deployment; resume it first with 'minikctl rollout resume' and try again"
        )
    if revisions.matches(revision, workload):
        return f"skipped rollback (current template already matches revision {wanted})"
    patch, content_type = revision.kept.get("data"), STRATEGIC_MERGE_PATCH
    if deployment:
        patch, content_type = _deployment_patch(revision, workload), JSON_PATCH
    query = {"dryRun": "All"} if strategy == "server" else {}
    try:
        call.factory.client.request("PATCH", info.path(), query=query, body=patch, content_type=content_type)
    except StatusError as error:
        raise Failure(f"failed restoring revision {wanted}: {error}") from None
    return "rolled back"


def _chosen(info: Info, found: list[Revision], wanted: int) -> Revision:
    """The revision of this number or, for 0, the last but one."""
    if wanted:
        for revision in found:
            if revision.number == wanted:
                return revision
        raise _no_revision(wanted)
    if len(found) > 1:
        return found[-2]
    if info.mapping.kind == "Deployment":
        raise Failure(f'no rollout history found for deployment "{info.name}"')
    raise Failure("no last revision to roll back to")


def _no_revision(number: int) -> Failure:
    return Failure(f"unable to find specified revision {number} in history")


def _deployment_patch(revision: Revision, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """The replica set's template and annotations in place of the deployment's."""
    own = deployment["metadata"].get("annotations") or {}
    old = revision.kept["metadata"].get("annotations") or {}
    annotations = {key: value for key, value in own.items() if key in _KEPT_ANNOTATIONS}
    annotations.update({key: value for key, value in old.items() if key not in _KEPT_ANNOTATIONS})
    template = without_hash(revision.template)
    return [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]


COMMAND = Command(
    use="undo (TYPE NAME | TYPE/NAME) [flags]",
    short="Undo a previous rollout",
    long="Go back to an earlier rollout.",
    examples="""
  # Go back to what a deployment had before
  minikctl rollout undo deployment/abc

  # Go back to revision 3 of a daemon set
  minikctl rollout undo daemonset/abc --to-revision=3

  # See whether the server would take it
  minikctl rollout undo --dry-run=server deployment/abc""",
    run=run,
    flags=(
        *output_flags(),
        DRY_RUN_FLAG,
        *rollouts.TARGET_FLAGS,
        Flag("to-revision", "int64", 0, "The revision to rollback to. Default to 0 (last revision)."),
    ),
)
