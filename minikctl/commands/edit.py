"""`minikctl edit`. Source: k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any, NamedTuple

from minikctl.client.builder import Info, Query, collect
from minikctl.client.edited import OBJECT_HEADER, Reason, fault, has_content, header, same, without_comments
from minikctl.client.editor import launch
from minikctl.client.errors import Aggregate, ConnectError, Failure, NoResourceMatch, StatusError, is_not_found
from minikctl.client.files import OtherNamespace, from_text
from minikctl.client.rest import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minikctl.client.schemas import UnknownKind, strategic_diff
from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create import creating
from minikctl.flags import go_quote
from minikctl.output.json_out import dumps
from minikctl.output.printers import make_printer, output_flags, without_managed_fields

FORMATS = ("json", "kyaml", "yaml")

Obj = dict[str, Any]


def run(call: Invocation) -> int:
    flags = call.flags
    asked = Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        subresource=flags["subresource"],
    )
    directive = creating.validation(call)
    infos = collect(call.factory, asked).check()
    if not infos:
        raise Failure("edit cancelled, no objects found")
    check_format(call)
    return Session(call, infos, directive).run()


def check_format(call: Invocation) -> None:
    """Failure for an output format that cannot be edited."""
    output = call.flags["output"]
    if output not in ("", *FORMATS):
        allowed = f"allowed formats are: {','.join(FORMATS)}"
        raise Failure(f"unable to match a printer suitable for the output format {go_quote(output)}, {allowed}")


class _Sent(NamedTuple):
    """What became of the edits: why objects were refused, and how many others can be tried again or are gone."""

    refused: list[Reason]
    retryable: int
    gone: int


class Session:
    """One text in an editor that is opened again until what it leaves is taken or given up.

    `intro` is the comment above the text.
    """

    intro = OBJECT_HEADER

    def __init__(self, call: Invocation, infos: list[Info], directive: str) -> None:
        self.call = call
        self._infos = infos
        self.directive = directive
        self._path = ""  # The file that the editor left the last time.

    def run(self) -> int:
        original = text = self._document()
        reasons: list[Reason] = []
        while True:
            before, text = text, self._edit(text, reasons)
            if reasons and same(before, text):
                raise self._preserved(Failure("Edit cancelled, no valid changes were saved."))
            reasons = self._outline_faults(text)
            if not reasons:
                if same(original, text):
                    return self._cancel("Edit cancelled, no changes made.")
                if not has_content(text):
                    return self._cancel("Edit cancelled, saved file was empty.")
                reasons = self._send(text)
            if not reasons:
                os.remove(self._path)
                return 0
            text = without_comments(text)

    def _document(self) -> bytes:
        """What is to be edited: the object, or a List of all."""
        objects = [without_managed_fields(info.object) for info in self._infos]
        whole: Any = objects[0]
        if len(objects) > 1:
            whole = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects}
        out = StringIO()
        make_printer({**self.call.flags, "output": self.call.flags["output"] or "yaml"}).print(whole, out)
        return self._with_line_ends(out.getvalue())

    def _with_line_ends(self, text: str) -> bytes:
        return (text.replace("\n", "\r\n") if self.call.flags["windows-line-endings"] else text).encode()

    def _edit(self, text: bytes, reasons: list[Reason]) -> bytes:
        """What the editor makes of `text`, which is shown with the reasons where comments are possible."""
        as_json = self.call.flags["output"] == "json"
        shown = text if as_json else self._with_line_ends(header(self.intro, reasons)) + text
        self.call.streams.out.flush()
        try:
            edited, path = launch(shown, ".json" if as_json else ".yaml")
        except Failure as failure:
            raise self._preserved(failure) from None
        if self._path:
            os.remove(self._path)
        self._path = path
        return edited

    def _outline_faults(self, text: bytes) -> list[Reason]:
        found = fault(text) if self.directive != "Ignore" else ""
        if not found:
            return []
        cause = f'<nil>: Invalid value: "The edited file failed validation": {found}'
        return [self._refuse(self._infos[0], [cause])]

    def _refuse(self, info: Info, causes: list[str]) -> Reason:
        name = f"{info.mapping.group_resource} {go_quote(info.name)}"
        self.call.streams.err.write(f"error: {name} is invalid\n")
        return Reason(f"{name} was not valid", causes)

    def _send(self, text: bytes) -> list[Reason]:
        """Patch what was changed. Returns why the editor is to be opened again, if it is."""
        try:
            edited = list(from_text(text.decode("utf-8", "replace"), "edited-file", self.call.factory))
        except OtherNamespace as failure:
            raise self._preserved(failure) from None
        except (Aggregate, Failure, NoResourceMatch) as why:
            return [Reason(f"The edited file had a syntax error: {why}")]
        try:
            sent = self._patch_all(edited)
        except (ConnectError, Failure) as failure:
            raise self._preserved(failure) from None
        if sent.retryable:
            again = f"You can run `minikctl replace -f {self._path}` to try this update again.\n"
            self.call.streams.err.write(again)
            raise CommandError("")
        if sent.gone:
            saved = f"The edits you made on deleted resources have been saved to {go_quote(self._path)}\n"
            self.call.streams.err.write(saved)
            raise CommandError("")
        return sent.refused

    def _patch_all(self, edited: list[Info]) -> _Sent:
        for info in edited:
            self._check_namespace(info)
            if self.call.flags.get("save-config"):
                self._save_config(info.object)
        refused, retryable, gone = [], 0, 0
        for info in edited:
            try:
                self.save(info)
            except StatusError as error:
                name = f"{info.mapping.group_resource} {go_quote(info.name)}"
                if error.reason == "Invalid":
                    causes = (error.status.get("details") or {}).get("causes") or []
                    texts = [f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes]
                    refused.append(self._refuse(info, texts))
                elif is_not_found(error):
                    gone += 1
                    self.call.streams.err.write(f"error: {name} could not be found on the server\n")
                else:
                    retryable += 1
                    self.call.streams.err.write(f"error: {name} could not be patched: {error}\n")
        return _Sent(refused, retryable, gone)

    def _save_config(self, obj: Obj) -> None:
        """Keep in the annotation what kubectl keeps there: what was edited, with the server's managedFields."""
        before = self.find(obj)
        if before is not None and "managedFields" in before["metadata"]:
            obj["metadata"]["managedFields"] = before["metadata"]["managedFields"]
        creating.save_config(obj, typed=False)

    def _check_namespace(self, info: Info) -> None:
        wanted = self.call.factory.namespace
        if info.mapping.namespaced and info.namespace != wanted:
            raise Failure(
                f"the namespace from the provided object {go_quote(info.namespace)} does not match the namespace"
                f" {go_quote(wanted)}. You must pass '--namespace={info.namespace}' to perform this operation."
            )

    def save(self, info: Info) -> None:
        """Send and print one edited object. Failure if it is another one than before."""
        call = self.call
        edited = dict(without_managed_fields(info.object))
        before = self.find(edited)
        if before is None:
            raise Failure(f"no original object found for {edited['kind']} {go_quote(info.name)}")
        original = dict(without_managed_fields(before))
        if original == edited:
            make_printer(call.flags, operation="skipped").print(edited, call.streams.out)
            return
        if any(original.get(key) != edited.get(key) for key in ("apiVersion", "kind")) or (
            original["metadata"].get("name") != edited["metadata"].get("name")
        ):
            raise Failure("At least one of apiVersion, kind and name was changed")
        patch, content_type = _diff(info, original, edited)
        if call.flags["output-patch"]:
            call.streams.out.write(f"Patch: {dumps(patch, None)}\n")
        query = {"fieldManager": call.flags["field-manager"], "fieldValidation": self.directive}
        path = info.path(call.flags["subresource"])
        patched = call.factory.client.request("PATCH", path, query=query, body=patch, content_type=content_type)
        make_printer(call.flags, operation="edited").print(patched, call.streams.out)

    def find(self, edited: Obj) -> Obj | None:
        """The object as it was, known by its uid; the first where there is none."""
        uid = (edited.get("metadata") or {}).get("uid")
        return next((info.object for info in self._infos if info.object["metadata"].get("uid") == uid), None)

    def _cancel(self, text: str) -> int:
        os.remove(self._path)
        self.call.streams.err.write(f"{text}\n")
        return 0

    def _preserved(self, failure: Exception) -> Exception:
        """`failure`, having said where the edits are."""
        if self._path and os.path.exists(self._path):
            self.call.streams.err.write(f"A copy of your changes has been stored to {go_quote(self._path)}\n")
        return failure


def _diff(info: Info, original: Obj, edited: Obj) -> tuple[Obj, str]:
    """(the patch that makes `edited` of `original`, its content type)."""
    try:
        return strategic_diff(info.mapping, original, edited), STRATEGIC_MERGE_PATCH
    except UnknownKind:
        from backend.meta.patch import merge_diff

        return merge_diff(original, edited), MERGE_PATCH


COMMAND = Command(
    use="edit (RESOURCE/NAME | -f FILENAME)",
    short="Edit a resource on the server",
    long="Edit resources in an editor: the one that KUBE_EDITOR or EDITOR names, or vi.\n\n"
    "Several objects are edited in one text, and changed one after the other. What is saved is sent as a patch of what"
    " differs; where the server refuses it, the editor opens again with the reasons. The text is YAML, or JSON with"
    " -o json. --windows-line-endings ends its lines as Windows does.",
    examples="""
  # Edit the config map registry
  minikctl edit cm/registry

  # Use another editor
  KUBE_EDITOR="nano" minikctl edit cm/registry

  # Edit a pod in JSON
  minikctl edit pod/web -o json

  # Edit a pod and save what it is then in its annotation
  minikctl edit pod/web -o yaml --save-config""",
    run=run,
    flags=(
        *output_flags(),
        Flag("field-manager", "string", "kubectl-edit", "Name of the manager used to track field ownership."),
        shared_flags.filename("Filename, directory, or URL to files to use to edit the resource"),
        Flag("output-patch", "bool", False, "Output the patch if the resource is edited."),
        shared_flags.RECURSIVE,
        creating.SAVE_CONFIG_FLAG,
        Flag(
            "subresource", "string", "",
            "If specified, edit will operate on the subresource of the requested object.",
        ),
        creating.VALIDATE_FLAG,
        Flag(
            "windows-line-endings", "bool", False,
            "Defaults to the line ending native to your platform.",
        ),
    ),
)  # fmt: skip
