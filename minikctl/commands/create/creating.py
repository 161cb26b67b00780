"""What every `create NOUN` does once it has made its object: annotate, send, print.

Source: the Run methods of k8s.io/kubectl/pkg/cmd/create.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Flag, Invocation, UsageError
from minikctl.flags import go_quote, parse_bool
from minikctl.output import klog
from minikctl.output.json_out import dumps
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.struct_order import Shape, arranged

DryRun = Literal["none", "client", "server"]

FIELD_MANAGER = "kubectl-create"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

DRY_RUN_FLAG = Flag(
    "dry-run", "string", "none", no_opt="unchanged", usage=
    'Must be "none", "server", or "client". If client strategy, only print the object that would be sent, without'
    " sending it. If server strategy, submit server-side request without persisting the resource.",
)  # fmt: skip

SAVE_CONFIG_FLAG = Flag(
    "save-config", "bool", False,
    "If true, the configuration of current object will be saved in its annotation. Otherwise, the annotation"
    " will be unchanged. This flag is useful when you want to perform kubectl apply on this object in the"
    " future.",
)  # fmt: skip

VALIDATE_FLAG = Flag(
    "validate", "string", "strict", no_opt="strict", usage=
    'Must be one of: strict (or true), warn, ignore (or false). "true" or "strict" will use a schema to validate'
    ' the input and fail the request if invalid. "warn" will warn about unknown or duplicate fields without'
    ' blocking the request. "false" or "ignore" will not perform any schema validation, silently dropping any'
    " unknown or duplicate fields.",
)  # fmt: skip

CREATE_FLAGS = (
    DRY_RUN_FLAG,
    Flag("field-manager", "string", FIELD_MANAGER, "Name of the manager used to track field ownership."),
    *output_flags(),
    SAVE_CONFIG_FLAG,
    VALIDATE_FLAG,
)  # fmt: skip

APPEND_HASH = "append-hash"


def single_name(call: Invocation) -> str:
    """The NAME argument. Source: create.NameFromCommandArgs."""
    count = len(call.args) if call.dashdash < 0 else call.dashdash
    if count != 1:
        raise UsageError(f"exactly one NAME is required, got {count}")
    return call.args[0]


def dry_run(call: Invocation) -> DryRun:
    """Source: cmdutil.GetDryRunStrategy."""
    value = call.flags["dry-run"]
    if value == "none":
        return "none"
    if value == "unchanged":
        log_deprecation(
            call, "helpers.go:714", "--dry-run is deprecated and can be replaced with --dry-run=client."
        )
        return "client"
    if value == "client":
        return "client"
    if value == "server":
        return "server"
    try:
        wanted = parse_bool(value)
    except ValueError:
        raise Failure(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".') from None
    strategy: DryRun = "client" if wanted else "none"
    line = 728 if wanted else 731
    text = f"--dry-run={value} is deprecated (boolean value) and can be replaced with --dry-run={strategy}."
    log_deprecation(call, f"helpers.go:{line}", text)
    return strategy


def log_deprecation(call: Invocation, place: str, text: str) -> None:
    """A warning in the shape of klog's, which kubectl prints these with: level, time, thread, place in its source."""
    call.streams.err.write(klog.line("W", place, text))


def validation(call: Invocation) -> str:
    """The fieldValidation directive of --validate. Source: cmdutil.GetValidationDirective."""
    value = call.flags["validate"]
    if value in ("strict", "true", "1", "t", "T", "TRUE", "True"):
        return "Strict"
    if value == "warn":
        return "Warn"
    if value in ("ignore", "false", "0", "f", "F", "FALSE", "False"):
        return "Ignore"
    raise Failure(
        f'invalid - validate option "{value}"; must be one of: strict (or true), warn, ignore (or false)'
    )


def check_raw_path(path: str) -> None:
    """Failure unless `path`, a --raw flag's, is one."""
    if not path.startswith("/"):
        raise Failure(f"--raw must be a valid URL path: parse {go_quote(path)}: invalid URI for request")


def check_flags(call: Invocation) -> None:
    """Failure for what --dry-run, --output or --validate cannot be, before anything else is looked at."""
    make_printer(call.flags, dry_run=dry_run(call))
    validation(call)


def metadata(call: Invocation, name: str, *, namespaced: bool = True, required: bool = True) -> dict[str, Any]:
    """The new object's metadata; with the namespace only if --namespace asks for one. Whether an empty name is refused
    here, and not by the server, is each command's own."""
    if required and not name:
        raise Failure("name must be specified")
    meta: dict[str, Any] = {"name": name}
    if namespaced and call.factory.explicit_namespace:
        meta["namespace"] = call.factory.namespace
    return meta


def last_applied(obj: dict[str, Any]) -> str | None:
    """What an object's annotation says that was applied to it, or None."""
    found = ((obj.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    return None if found is None else str(found)


def save_config(obj: dict[str, Any], *, typed: bool) -> None:
    """Keep the object as it is now in its own annotation. Source: util.CreateOrUpdateAnnotation.

    What kubectl made itself (`typed`) is written as its structs are: without empty fields, in their order.
    """
    annotations = obj["metadata"].setdefault("annotations", {})
    annotations.pop(LAST_APPLIED, None)
    bare = obj
    if typed and not annotations:
        bare = {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "annotations"}}
    annotations[LAST_APPLIED] = dumps(bare, None, sort_keys=not typed) + "\n"


def create(
    call: Invocation, mapping: ResourceMapping, obj: dict[str, Any], failure: Callable[[StatusError], Exception],
    *, shape: Shape | None = None, saves_config: bool = True,
) -> int:  # fmt: skip
    """Send `obj` unless it is a client's dry run, and print what came back. `failure` words a refusal.

    `shape` is the kind's struct where the order of the fields in `obj` does not tell it.
    """
    obj = arranged(obj, shape)
    strategy = dry_run(call)
    printer = make_printer(call.flags, operation="created", dry_run=strategy, typed=True)
    directive = validation(call)
    if saves_config and call.flags["save-config"]:
        save_config(obj, typed=True)
    if strategy != "client":
        path = mapping.path(call.factory.namespace if mapping.namespaced else "")
        try:
            made = call.factory.client.request("POST", path, query=post_query(call, strategy, directive), body=obj)
        except StatusError as error:
            raise failure(error) from None
        obj = arranged(in_struct_order(_ordered_as(obj, made)), shape)
    printer.print(obj, call.streams.out)
    return 0


_FIELDS = ("kind", "apiVersion", "metadata", "spec", "status", "immutable", "data", "binaryData", "type")
_META_FIELDS = (
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "labels", "annotations",
    "managedFields",
)  # fmt: skip


def in_struct_order(obj: dict[str, Any]) -> dict[str, Any]:
    """What the server sent, with its keys as kubectl's structs order them, which -o json shows."""
    ordered = {key: obj[key] for key in (*_FIELDS, *obj) if key in obj}
    meta = obj["metadata"]
    return {**ordered, "metadata": {key: meta[key] for key in (*_META_FIELDS, *meta) if key in meta}}


def _ordered_as(sent: Any, made: Any) -> Any:
    """What the server made of `sent`, with the keys that both have in the order of `sent`, at every depth."""
    if isinstance(sent, dict) and isinstance(made, dict):
        return {key: _ordered_as(sent.get(key), made[key]) for key in (*sent, *made) if key in made}
    if isinstance(sent, list) and isinstance(made, list) and len(sent) == len(made):
        return [_ordered_as(*pair) for pair in zip(sent, made, strict=True)]
    return made


def post_query(call: Invocation, strategy: DryRun, directive: str) -> dict[str, str]:
    """The query parameters of a create; empty ones are left out by the client."""
    return {
        "dryRun": "All" if strategy == "server" else "",
        "fieldManager": call.flags["field-manager"],
        "fieldValidation": directive,
    }
