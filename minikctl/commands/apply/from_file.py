"""`minikctl apply -f`. Source: k8s.io/kubectl/pkg/cmd/apply/apply.go."""

from __future__ import annotations

import json
from typing import Any

from minikctl.client.builder import Info, Query, collect, fetch
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found, with_source
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.commands.apply import applyset, prune
from minikctl.commands.apply.applyset import ApplySet, Sending
from minikctl.commands.apply.last_applied import in_words, with_annotation
from minikctl.commands.apply.patcher import Patcher, Replacing
from minikctl.commands.apply.server_side import FIELD_MANAGER, field_manager, server_side_apply
from minikctl.commands.create import creating
from minikctl.commands.create.creating import LAST_APPLIED, DryRun, last_applied
from minikctl.commands.delete import CASCADE_FLAG, FORCE_FLAG, GRACE_PERIOD_FLAG, TIMEOUT_FLAG, cascade
from minikctl.output.printers import make_printer, output_flags


def run(call: Invocation) -> int:
    flags = call.flags
    if call.args:
        raise UsageError(f"Unexpected args: [{' '.join(call.args)}]")
    strategy = creating.dry_run(call)
    propagation = cascade(call)
    if not flags["filename"]:
        raise Failure("must specify one of -f and -k")
    directive = creating.validation(call)
    members = ApplySet(call) if flags.get("applyset") else None
    allowlist = prune.allowed(flags["prune-allowlist"], call.factory.mapper) if flags["prune"] else []
    _check(call, strategy, members)
    applying = _Applying(call, strategy, directive, propagation)
    asked = Query(
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        latest=False,
        validate=directive != "Ignore",
    )
    found = collect(call.factory, asked)
    errors = list(found.errors)
    if not found.infos and not errors:
        raise Failure("no objects passed to apply")
    infos = found.infos
    if members is not None:
        infos = [members.labelled(info) for info in infos]
        members.begin(infos, applying.sending)
    for info in infos:
        try:
            applying.apply(info)
        except (StatusError, Failure) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    applying.print_objects()
    if members is not None:
        members.prune(applying.visited, applying.sending, applying.say_pruned)
    elif flags["prune"]:
        applying.prune(allowlist)
    return 0


def _check(call: Invocation, strategy: DryRun, members: ApplySet | None) -> None:
    """Failure for flags that do not go together."""
    flags = call.flags
    if flags["force-conflicts"] and not flags["server-side"]:
        raise Failure("--force-conflicts only works with --server-side")
    if strategy == "client" and flags["server-side"]:
        raise Failure("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if flags["server-side"] and flags["force"]:
        raise Failure("--force cannot be used with --server-side")
    if strategy == "server" and flags["force"]:
        raise Failure("--dry-run=server cannot be used with --force")
    if flags["all"] and flags["selector"]:
        raise Failure("cannot set --all and --selector at the same time")
    if flags["subresource"] and not flags["server-side"]:
        raise Failure("--subresource can only be specified for --server-side")
    if members is not None:
        members.check()
    if not flags["prune"]:
        return
    if flags["force"]:
        raise Failure("--force cannot be used with --prune")
    if members is not None:
        for name in ("all", "selector", "prune-allowlist"):
            if flags[name]:
                raise Failure(f"--{name} is incompatible with --applyset")
        return
    if not (flags["all"] or flags["selector"]):
        raise Failure(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all"
            " flag. If you did not mean to prune all resources, specify a label selector"
        )
    if flags["server-side"]:
        raise Failure("--prune is in alpha and doesn't currently work on objects created by server-side apply")


class _Applying:
    """One call: applies objects, remembers what it applied, prints it."""

    def __init__(self, call: Invocation, strategy: DryRun, directive: str, propagation: str) -> None:
        self._call = call
        self._strategy = strategy
        self._propagation = propagation
        self._query = {
            "dryRun": "All" if strategy == "server" else "",
            "fieldManager": field_manager(call),
            "fieldValidation": directive,
        }
        self._documents = call.flags["output"] not in ("", "name") or bool(call.flags["template"])
        self._document_printer = (
            make_printer(call.flags, dry_run=strategy, typed=True) if self._documents else None
        )
        self._applied: list[dict[str, Any]] = []
        self._namespaces: dict[str, None] = {}

    def apply(self, info: Info) -> None:
        """Apply one object. Raises StatusError or Failure."""
        if info.mapping.namespaced:
            self._namespaces[info.namespace] = None
        prefix = (info.object.get("metadata") or {}).get("generateName")
        if not info.name and prefix:
            raise Failure(f"from {prefix}: cannot use generate name with apply")
        if self._call.flags["server-side"]:
            self._say("serverside-applied", server_side_apply(self._call, info, self._query))
            return
        modified = with_annotation(info.object)
        try:
            current = fetch(self._call.factory.client, info).object
        except (StatusError, Failure) as error:
            if not is_not_found(error):
                doing = f"retrieving current configuration of:\n{in_words(info)}\nfrom server for:"
                raise with_source(doing, info.source, error) from None
            self._create(info, modified)
            return
        self._update(info, current, modified)

    def _create(self, info: Info, obj: dict[str, Any]) -> None:
        if self._strategy != "client":
            try:
                obj = self._patcher(info).create(obj)
            except StatusError as error:
                raise with_source("creating", info.source, error) from None
        self._say("created", obj)

    def _update(self, info: Info, current: dict[str, Any], modified: dict[str, Any]) -> None:
        if last_applied(current) is None:
            self._call.streams.err.write(
                f"Warning: resource {info.mapping.resource}/{info.name} is missing the {LAST_APPLIED} annotation which"
                " is required by minikctl apply. minikctl apply should only be used on resources created"
                " declaratively by either minikctl create --save-config or minikctl apply. The missing annotation will"
                " be patched automatically.\n"
            )
        if self._strategy == "client":
            _, patch = self._patcher(info).make(current, modified)
            self._say("configured" if patch else "unchanged", current)
            return
        patch, obj = self._patcher(info).patch(current, modified)
        warn_if_deleting(self._call, info, obj)
        self._say("configured" if patch else "unchanged", obj)

    def _patcher(self, info: Info) -> Patcher:
        flags = self._call.flags
        replacing = Replacing(self._delete_options(), flags["timeout"]) if flags["force"] else None
        client, err = self._call.factory.client, self._call.streams.err
        return Patcher(client, info, self._query, err, flags["overwrite"], replacing)

    def _delete_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"propagationPolicy": self._propagation}
        if self._call.flags["grace-period"] >= 0:
            options["gracePeriodSeconds"] = self._call.flags["grace-period"]
        if self._strategy == "server":
            options["dryRun"] = ["All"]
        return options

    def _say(self, operation: str, obj: dict[str, Any]) -> None:
        """Print the line that says what was done, or keep the object for -o."""
        self._applied.append(obj)
        if not self._documents:
            printer = make_printer(self._call.flags, operation=operation, dry_run=self._strategy)
            printer.print(obj, self._call.streams.out)

    def print_objects(self) -> None:
        """-o: everything that was applied, several objects as a List."""
        if self._document_printer is None:
            return
        objects = [json.loads(json.dumps(obj, sort_keys=True)) for obj in self._applied]
        shown = objects[0]
        if len(objects) > 1:  # kubectl's own List, whose fields are not sorted as its items' are
            shown = {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": objects}
        self._document_printer.print(shown, self._call.streams.out)

    def prune(self, allowlist: list[Any]) -> None:
        """Delete what --prune asks for: after all has been applied, and only if nothing failed."""
        mapper = self._call.factory.mapper
        if not allowlist:
            creating.log_deprecation(self._call, "prune.go:71", prune.DEPRECATED)
            allowlist = prune.allowed_by_default(mapper)
        selector, options = self._call.flags["selector"], self.sending.options
        pruner = prune.Pruner(self._call.factory.client, selector, self.visited, options, self.say_pruned)
        pruner.prune(allowlist, self._namespaces)

    @property
    def visited(self) -> frozenset[str]:
        """The uids of what was applied."""
        return frozenset(uid for obj in self._applied if (uid := obj["metadata"].get("uid")))

    @property
    def sending(self) -> Sending:
        return Sending(self._query, None if self._strategy == "client" else self._delete_options())

    def say_pruned(self, obj: dict[str, Any]) -> None:
        printer = make_printer(self._call.flags, operation="pruned", dry_run=self._strategy)
        printer.print(obj, self._call.streams.out)


def warn_if_deleting(call: Invocation, info: Info, obj: dict[str, Any]) -> None:
    """Say that what is being changed is on its way out."""
    if obj["metadata"].get("deletionTimestamp"):
        call.streams.err.write(
            f"Warning: Detected changes to resource {info.name} which is currently being deleted.\n"
        )


COMMAND = Command(
    use="apply -f FILENAME",
    short="Apply a configuration to a resource by file name or stdin",
    long="Make resources be as files, folders, URLs or standard input say: what is missing is created, what is there is"
    " changed.\n\nWhat was applied is kept in an annotation of the object, so that a field that the file had and has no"
    " more is removed, while fields that others set stay. To use 'apply' on an object, create it with 'apply' or with"
    " 'create --save-config'.\n\nJSON and YAML formats are accepted.",
    examples="""
  # Apply the configuration of a file to a pod
  minikctl apply -f ./pod.json

  # Apply what is passed into stdin
  cat pod.json | minikctl apply -f -

  # Apply all files that end with '.json'
  minikctl apply -f '*.json'

  # Apply a file whose objects have a label, and delete other config maps with that label that were applied before
  minikctl apply --prune -f manifest.yaml -l app=web --prune-allowlist=core/v1/ConfigMap""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types."),
        *applyset.flags(),
        CASCADE_FLAG,
        creating.DRY_RUN_FLAG,
        FIELD_MANAGER,
        shared_flags.filename("The files, directories or URLs that contain the configurations to apply."),
        FORCE_FLAG,
        shared_flags.FORCE_CONFLICTS,
        GRACE_PERIOD_FLAG,
        Flag(
            "openapi-patch", "bool", True,
            "If true, use openapi to calculate diff when the openapi presents and the resource can be found in the"
            " openapi spec. Otherwise, fall back to use baked-in types.",
        ),
        *output_flags(),
        Flag(
            "overwrite", "bool", True,
            "Automatically resolve conflicts between the modified and live configuration by using values from the"
            " modified configuration",
        ),
        Flag(
            "prune", "bool", False,
            "Automatically delete resource objects, that do not appear in the configs and are created by either apply"
            " or create --save-config. Should be used with either -l or --all.",
        ),
        Flag(
            "prune-allowlist", "stringArray", [],
            "Overwrite the default allowlist with <group/version/kind> for --prune",
        ),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
        shared_flags.SERVER_SIDE,
        Flag(
            "subresource", "string", "",
            "If specified, apply will operate on the subresource of the requested object.  Only allowed when using"
            " --server-side.",
        ),
        TIMEOUT_FLAG,
        creating.VALIDATE_FLAG,
        Flag(
            "wait", "bool", False,
            "If true, wait for resources to be gone before returning. This waits for finalizers.",
        ),
    ),
)  # fmt: skip
