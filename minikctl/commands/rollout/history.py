"""`minikctl rollout history`. Source: kubectl/pkg/cmd/rollout/rollout_history.go, polymorphichelpers/history.go."""

from __future__ import annotations

from minikctl.client.builder import Info, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.rollout import revisions, rollouts
from minikctl.commands.rollout.revisions import Revision
from minikctl.describe.writer import align
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.typed import typed


def run(call: Invocation) -> int:
    query = rollouts.query(call)
    if call.flags["revision"] < 0:
        raise Failure(f"revision must be a positive integer: {call.flags['revision']}")
    errors: list[Exception] = []
    for info in stream(call.factory, query, errors):
        try:
            _show(call, info)
        except (Failure, StatusError) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _show(call: Invocation, info: Info) -> None:
    rollouts.check_revisions(info, "history", "history viewer")
    _, found = revisions.of_workload(call.factory.client, info)
    wanted = call.flags["revision"]
    chosen = [one for one in found if wanted in (0, one.number)]
    if wanted and not chosen and (found or call.flags["output"]):
        raise Failure("unable to find the specified revision")
    if call.flags["output"]:
        printer = make_printer(call.flags, typed=True)
        for revision in chosen:
            printer.print(typed(revision.object), call.streams.out)
        return
    text = f"with revision #{wanted}\n" if wanted else "\n"
    operation = text + _text(found, chosen[0] if wanted and chosen else None)
    make_printer(call.flags, operation=operation).print(info.object, call.streams.out)


def _text(found: list[Revision], wanted: Revision | None) -> str:
    if not found:
        return "No rollout history found."
    if wanted is not None:
        template = wanted.template
        if wanted.cause and wanted.object is wanted.kept:
            meta = template.get("metadata") or {}
            annotations = {**(meta.get("annotations") or {}), revisions.CHANGE_CAUSE: wanted.cause}
            template = {**template, "metadata": {**meta, "annotations": annotations}}
        return revisions.shown(template)
    rows = [f"{one.number}\t{one.cause or '<none>'}\n" for one in found]
    return align("REVISION\tCHANGE-CAUSE\n" + "".join(rows))


COMMAND = Command(
    use="history (TYPE NAME | TYPE/NAME) [flags]",
    short="View rollout history",
    long="Show the revisions that a rollout can go back to, or what one of them has.",
    examples="""
  # The revisions of a deployment
  minikctl rollout history deployment/abc

  # What revision 3 of a daemon set has
  minikctl rollout history daemonset/abc --revision=3""",
    run=run,
    flags=(
        *output_flags(),
        *rollouts.TARGET_FLAGS,
        Flag("revision", "int64", 0, "See the details, including podTemplate of the revision specified"),
    ),
)
