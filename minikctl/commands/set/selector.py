"""`minikctl set selector`. Source: k8s.io/kubectl/pkg/cmd/set/set_selector.go."""

from __future__ import annotations

from typing import Any

from backend.meta.errors import ApiError
from backend.meta.selectors import parse_label_selector
from minikctl.client.builder import Info, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.create.creating import dry_run
from minikctl.commands.set import setting
from minikctl.output.printers import make_printer
from minikctl.output.typed import decoded, typed

_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}
_BOUNDS = {">": "gt", "<": "lt"}


def run(call: Invocation) -> int:
    strategy = dry_run(call)
    selector = _labels(call.args[-1]) if call.args else None
    printer = make_printer(call.flags, operation="selector updated", dry_run=strategy, typed=True)
    if selector is None:
        raise Failure("one selector is required")
    if call.flags["local"] and len(call.args) > 1:
        raise Failure(setting.WITHOUT_FILES)
    errors: list[Exception] = []
    for info in stream(call.factory, setting.query(call, call.args[:-1]), errors):
        try:
            made = _select(call, info._replace(object=decoded(info.object)), *selector)
            printer.print(typed(made), call.streams.out)
        except (Failure, StatusError) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _labels(text: str) -> tuple[dict[str, str], list[str]]:
    """(the labels that the selector demands, the terms that are no labels as Go prints them)."""
    try:
        requirements = parse_label_selector(text).requirements
    except ApiError as error:
        raise Failure(f'couldn\'t parse the selector string "{text}": {error.message}') from None
    labels, others = {}, []
    for one in requirements:
        if one.operator in ("=", "=="):
            labels[one.key] = one.values[0]
        elif one.operator in _OPERATORS:
            others.append(f"{{{one.key} {_OPERATORS[one.operator]} [{' '.join(one.values)}]}}")
        elif one.operator in _BOUNDS:
            raise Failure(f'"{_BOUNDS[one.operator]}" isn\'t supported in label selectors')
        else:
            raise Failure(f'"{one.operator}" is not a valid label selector operator')
    return labels, others


def _select(call: Invocation, info: Info, labels: dict[str, str], others: list[str]) -> dict[str, Any]:
    """The service with `labels` for its selector, as the server has it or would have it."""
    strategy, version = dry_run(call), call.flags["resource-version"]

    def change(after: Info) -> None:
        if after.mapping.group or after.mapping.kind != "Service":
            raise Failure("setting a selector is only supported for Services")
        if others:
            raise Failure(f"match expression [{' '.join(others)}] not supported on this object")
        after.object["spec"]["selector"] = labels

    after, patch = template_changes.changed(info, change)
    made = after.object
    if version:
        patch = {**patch, "metadata": {"resourceVersion": version}}
        made["metadata"]["resourceVersion"] = version
    if call.flags["local"] or strategy == "client":
        return made
    return template_changes.send(call.factory.client, info, patch, call.flags["field-manager"], strategy)


COMMAND = Command(
    use="selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
    short="Set the selector on a resource",
    long="Set the selector of services, in place of the one that they have.\n\n"
    "A label begins with a letter or digit and has letters, digits, hyphens, dots and underscores, up to 63. With"
    " --resource-version the change is only made if the resource still has that version.",
    examples="""
  # Set the labels and the selector before creating a deployment and its service
  minikctl create service clusterip my-svc --clusterip="None" -o yaml --dry-run=client | minikctl set selector \\
    --local -f - 'environment=qa' -o yaml | minikctl create -f -
  minikctl create deployment my-dep --image=nginx -o yaml --dry-run=client | minikctl label --local -f - \\
    environment=qa -o yaml | minikctl create -f -""",
    run=run,
    flags=(
        *(
            flag
            for flag in setting.set_flags("selector", "identifying the resource.")
            if flag.name not in ("all", "local", "recursive")
        ),
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types"),
        setting.FIELD_MANAGER_FLAG,
        Flag("local", "bool", False, "If true, annotation will NOT contact api-server but run locally."),
        shared_flags.RECURSIVE._replace(default=True),
        Flag(
            "resource-version", "string", "",
            "If non-empty, the selectors update will only succeed if this is the current resource-version for the"
            " object. Only valid when specifying a single resource.",
        ),
    ),
)  # fmt: skip
