"""`minikctl wait`. Source: k8s.io/kubectl/pkg/cmd/wait."""

from __future__ import annotations

import time
from typing import Any

from minikctl.client.builder import Info, Query, collect, stream
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found
from minikctl.client.waiting import TIMED_OUT, wait_until, wait_until_gone
from minikctl.command import Command, Flag, Interrupted, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.delete import FOREVER
from minikctl.commands.wait_conditions import CREATE, DELETE, Condition, parse_condition
from minikctl.output.printers import Printer, make_printer, output_flags

_POLL = 0.5
"""Seconds between two looks for what is to be created: it may be anything that a selector or a file means."""

_LOCAL_WITHOUT_FILES = """you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'"""


def run(call: Invocation) -> int:
    """Wait for each condition of each resource in turn, within --timeout in all."""
    flags = call.flags
    printer = make_printer(flags, operation="condition met")
    if not flags["for"]:
        raise Failure("unrecognized condition: []")
    conditions = [parse_condition(text) for text in flags["for"]]
    timeout = FOREVER if flags["timeout"] < 0 else flags["timeout"]
    try:
        return _wait_for_all(call, conditions, printer, time.monotonic() + timeout)
    except KeyboardInterrupt:
        raise Interrupted from None


def _wait_for_all(call: Invocation, conditions: list[Condition], printer: Printer, deadline: float) -> int:
    if CREATE in conditions:
        _await_creation(call, deadline)
    errors: list[Exception] = []
    count = 0
    for info in stream(call.factory, _query(call), errors):
        count += 1
        try:
            for condition in conditions:
                printer.print(_met(call, info, condition, deadline), call.streams.out)
                call.streams.out.flush()
        except (Failure, StatusError) as error:
            errors.append(error)
    deleting = DELETE in conditions
    failure = aggregate(error for error in errors if not (deleting and is_not_found(error)))
    if failure is not None:
        raise failure
    if not count and not deleting:
        raise Failure("no matching resources found")
    return 0


def _query(call: Invocation) -> Query:
    flags = call.flags
    if flags["local"] and not flags["filename"]:
        raise Failure(_LOCAL_WITHOUT_FILES)
    return Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        field_selector=flags["field-selector"],
        all_namespaces=flags["all-namespaces"],
        select_all=flags["all"] and not flags["selector"],
        allow_empty_selector=False,
        latest=not flags["local"],
    )


def _await_creation(call: Invocation, deadline: float) -> None:
    """Return once something is there of what was asked for, and nothing of it is missing."""
    query = _query(call)
    while True:
        result = collect(call.factory, query)
        error = aggregate(result.errors)
        if error is not None and not is_not_found(error):
            raise error
        if error is None and result.infos:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure(TIMED_OUT)
        time.sleep(min(_POLL, left))


def _met(call: Invocation, info: Info, condition: Condition, deadline: float) -> dict[str, Any]:
    """The object with which `condition` came true. A --timeout of zero looks once and does not wait."""
    client = call.factory.client
    if condition is CREATE:
        return info.object
    once = call.flags["timeout"] == 0
    name = f"{info.mapping.resource}/{info.name}"
    if condition is DELETE:
        if once:
            try:
                client.get(info.path())
            except StatusError as error:
                if not is_not_found(error):
                    raise
                return info.object
            raise Failure(f"condition not met for {name}")
        wait_until_gone(client, [(info, "")], deadline - time.monotonic())
        return info.object
    if not once:
        return wait_until(client, info, condition.holds, deadline)
    found = client.get(info.path())
    if not condition.holds(found):
        raise Failure(f"condition not met for {name}")
    return found


COMMAND = Command(
    use="wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)])"
    " [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
    short="Wait for a specific condition on one or many resources",
    long="Wait for a specific condition on one or many resources.\n\n"
    "A condition is one of the resource's status, a value that a JSONPath leads to, or that the resource is there"
    " (create) or no longer there (delete). The command returns when every resource meets every condition, and fails"
    " when --timeout is over.",
    examples="""
  # Wait until the pod web is ready
  minikctl wait --for=condition=Ready pod/web

  # Wait until it is not
  minikctl wait --for=condition=Ready=false pod/web

  # Wait until its phase is Running
  minikctl wait --for=jsonpath='{.status.phase}'=Running pod/web

  # Wait until a field has any value
  minikctl wait --for=jsonpath='{.status.podIP}' pod/web

  # Wait until somebody made a secret, for half a minute
  minikctl wait --for=create secret/db-user-pass --timeout=30s

  # Wait until the pods with a label are gone
  minikctl wait --for=delete pods -l app=web --timeout=60s""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types"),
        shared_flags.ALL_NAMESPACES,
        shared_flags.FIELD_SELECTOR,
        shared_flags.filename("identifying the resource."),
        Flag(
            "for", "stringArray", [],
            "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath"
            " expression}'=[JSONPath value]]. The default condition-value is true. Condition values are compared after"
            " Unicode simple case folding, which is a more general form of case-insensitivity. Multiple conditions are"
            " supported and AND'ed to each other in a sequential order. If --for=create is passed, it is always waited"
            " first.",
        ),
        Flag("local", "bool", False, "If true, annotation will NOT contact api-server but run locally."),
        *output_flags(),
        shared_flags.RECURSIVE._replace(default=True),
        Flag(
            "selector", "string", "", short="l", usage=
            "Selector (label query) to filter on, supports '=', '==', and '!='.(e.g. -l key1=value1,key2=value2)",
        ),
        Flag(
            "timeout", "duration", 30.0,
            "The length of time to wait before giving up. Zero means check once and don't wait, negative means wait"
            " for a week.",
        ),
    ),
)  # fmt: skip
