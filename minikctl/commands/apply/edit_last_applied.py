"""`minikctl apply edit-last-applied`. Source: k8s.io/kubectl/pkg/cmd/apply/apply_edit_last_applied.go and
k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go."""

from __future__ import annotations

import json

from minikctl.client.builder import Info, Query, collect
from minikctl.client.edited import APPLIED_HEADER
from minikctl.client.errors import Failure
from minikctl.client.rest import MERGE_PATCH
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.apply.server_side import FIELD_MANAGER
from minikctl.commands.create import creating
from minikctl.commands.create.creating import LAST_APPLIED, last_applied
from minikctl.commands.edit import Session, check_format
from minikctl.output.json_out import dumps
from minikctl.output.printers import make_printer, output_flags


def run(call: Invocation) -> int:
    flags = call.flags
    directive = creating.validation(call)
    asked = Query(args=call.args, filenames=flags["filename"], recursive=flags["recursive"])
    infos = collect(call.factory, asked).check()
    check_format(call)
    applied = [_applied(info, text) for info in infos if (text := last_applied(info.object))]
    if not applied:
        raise Failure(
            "no last-applied-configuration annotation found on resources, to create the annotation, use command"
            " `minikctl apply set-last-applied --create-annotation`"
        )
    return _Annotations(call, applied, directive).run()


def _applied(info: Info, text: str) -> Info:
    try:
        obj = json.loads(text)
    except ValueError as error:
        raise Failure(f"the last-applied-configuration annotation is no JSON: {error}") from None
    return info._replace(object=obj)


class _Annotations(Session):
    """Edits what was applied, and writes it back into the annotation."""

    intro = APPLIED_HEADER

    def save(self, info: Info) -> None:
        call, before = self.call, self.find(info.object)
        operation = "skipped"
        if before != info.object:
            operation = "edited"
            annotations = {LAST_APPLIED: dumps(info.object, None) + "\n"}
            query = {"fieldManager": call.flags["field-manager"], "fieldValidation": self.directive}
            patch = {"metadata": {"annotations": annotations}}
            call.factory.client.request("PATCH", info.path(), query=query, body=patch, content_type=MERGE_PATCH)
        make_printer(call.flags, operation=operation).print(info.object, call.streams.out)


COMMAND = Command(
    use="edit-last-applied (RESOURCE/NAME | -f FILENAME)",
    short="Edit latest last-applied-configuration annotations of a resource/object",
    long="Edit, in the editor that KUBE_EDITOR or EDITOR names, or vi, what 'apply' applied the last time. Nothing else"
    " of the objects is changed.\n\nSeveral objects are edited in one text, and changed one after the other. The text"
    " is YAML, or JSON with -o json. --windows-line-endings ends its lines as Windows does.",
    examples="""
  # Edit what was applied to a config map, in YAML
  minikctl apply edit-last-applied configmap/web

  # Edit what was applied to the objects of a file, in JSON
  minikctl apply edit-last-applied -f deploy.yaml -o json""",
    run=run,
    flags=(
        FIELD_MANAGER,
        shared_flags.filename("Filename, directory, or URL to files to use to edit the resource"),
        *output_flags(),
        shared_flags.RECURSIVE,
        creating.VALIDATE_FLAG,
        Flag(
            "windows-line-endings", "bool", False,
            "Defaults to the line ending native to your platform.",
        ),
    ),
)  # fmt: skip
