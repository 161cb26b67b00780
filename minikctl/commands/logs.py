"""`minikctl logs`. Source: k8s.io/kubectl/pkg/cmd/logs/logs.go and polymorphichelpers/logsforobject.go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minikctl.client.builder import Query, collect
from minikctl.client.errors import ConnectError, Failure, StatusError, TimedOut, aggregate, is_not_found
from minikctl.client.rest import Client
from minikctl.client.rfc3339 import rfc3339_fault
from minikctl.command import Command, Flag, Interrupted, Invocation, UsageError
from minikctl.commands import attachable, podselect, shared_flags

EXPECTED = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'"
NO_POD = f"{EXPECTED}.\nPOD or TYPE/NAME is a required argument for the logs command"
SELECTED_TAIL = 10
"""Lines of each container when pods are chosen by a selector and --tail is not given."""


class Source(NamedTuple):
    """One container's log."""

    pod: str
    container: str
    path: str


def run(call: Invocation) -> int:
    _validate(call)
    pods = _pods(call)
    sources = [source for pod in pods for source in _sources(call, pod)]
    query = _query(call)
    if call.flags["follow"] and len(sources) > 1:
        return _follow_all(call, sources, query)
    for source in sources:
        try:
            _copy(call, call.factory.client, source, query)
        except (StatusError, ConnectError) as error:
            if not call.flags["ignore-errors"]:
                raise
            call.streams.out.write(f"error: {error}\n")
    return 0


def _validate(call: Invocation) -> None:
    flags, args = call.flags, call.args
    if flags["selector"]:
        if len(args) == 1:
            raise UsageError("only a selector (-l) or a POD name is allowed")
        if len(args) > 1:
            raise UsageError(NO_POD)
    elif not args or len(args) > 2:
        raise UsageError(NO_POD)
    if len(args) == 2 and flags["container"]:
        raise Failure("only one of -c or an inline [CONTAINER] arg is allowed")
    if flags["since-time"]:
        fault = rfc3339_fault(flags["since-time"])
        if fault:
            raise Failure(fault)
        if flags["since"]:
            raise Failure("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if flags["tail"] < -1:
        raise Failure("--tail must be greater than or equal to -1")
    if flags["limit-bytes"] < 0:
        raise Failure("--limit-bytes must be greater than 0")
    if flags["since"] < 0:
        raise Failure("--since must be greater than 0")
    if flags["all-containers"] and flags["container"]:
        text = "--all-containers=true should not be specified with container name"
        raise Failure(f"{text} {flags['container']}")
    podselect.check_running_timeout(call)


def _pods(call: Invocation) -> list[dict[str, Any]]:
    factory = call.factory
    if not call.flags["selector"]:
        try:
            return _pods_of(call)
        except StatusError as error:
            if not is_not_found(error):
                raise
            text = f'error from server (NotFound): {error} in namespace "{factory.namespace}"'
            raise Failure(text) from None
    found = collect(factory, Query(args=["pods"], selector=call.flags["selector"]))
    pods = [info.object for info in found.check()]
    if not pods:
        call.streams.err.write(f"No resources found in {factory.namespace} namespace.\n")
    return pods


def _pods_of(call: Invocation) -> list[dict[str, Any]]:
    """Of a workload or a service one pod, which is told, or with --all-pods all."""
    mapping, found = podselect.find_object(call.factory, call.args[0])
    timeout = call.flags["pod-running-timeout"]
    pods = attachable.pods_behind(call.factory, mapping, found, timeout, "get the logs from")
    if call.flags["all-pods"]:
        return pods
    chosen = attachable.most_telling(pods)
    if len(pods) > 1:
        call.streams.err.write(f"Found {len(pods)} pods, using pod/{chosen['metadata']['name']}\n")
    return [chosen]


def _sources(call: Invocation, pod: dict[str, Any]) -> Iterator[Source]:
    name = call.flags["container"] or (call.args[1] if len(call.args) == 2 else "")
    names = podselect.container_names(pod)
    if call.flags["all-containers"]:
        init = [container["name"] for container in pod["spec"].get("initContainers") or []]
        chosen = init + [each for each in names if each not in init]
    elif name:
        podselect.check_container(pod, name)
        chosen = [name]
    else:
        chosen = [podselect.default_container(pod, None if call.flags["all-pods"] else call.streams.err)]
    meta = pod["metadata"]
    for container in chosen:
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
        yield Source(meta["name"], container, path)


def _query(call: Invocation) -> dict[str, str]:
    flags = call.flags
    tail = flags["tail"]
    if flags["selector"] and tail == -1 and not flags["follow"]:
        tail = SELECTED_TAIL
    return {
        "follow": "true" if flags["follow"] else "",
        "previous": "true" if flags["previous"] else "",
        "timestamps": "true" if flags["timestamps"] else "",
        "sinceSeconds": str(int(flags["since"] + 0.5)) if flags["since"] else "",
        "insecureSkipTLSVerifyBackend": "true" if flags["insecure-skip-tls-verify-backend"] else "",
        "sinceTime": flags["since-time"],
        "tailLines": "" if tail == -1 else str(tail),
        "limitBytes": str(flags["limit-bytes"]) if flags["limit-bytes"] else "",
    }


def _copy(call: Invocation, client: Client, source: Source, query: dict[str, str]) -> None:
    """Write one container's log to stdout, whole lines where it is prefixed."""
    prefix = _prefix(call, source)
    asked = {**query, "container": source.container}
    response = client.stream("GET", source.path, query=asked, timeout=client.timeout)
    out = call.streams.out.buffer
    chunks: Iterator[bytes] = response.chunks()
    try:
        for chunk in _prefixed(chunks, prefix) if prefix else chunks:
            out.write(chunk)
            out.flush()
    except KeyboardInterrupt:
        raise Interrupted from None
    except TimedOut:
        call.streams.err.write("context deadline exceeded\n")
        raise Failure("context deadline exceeded") from None


def _prefix(call: Invocation, source: Source) -> bytes:
    return (
        f"[pod/{source.pod}/{source.container}] ".encode()
        if call.flags["prefix"] or call.flags["all-pods"]
        else b""
    )


def _prefixed(chunks: Iterator[bytes], prefix: bytes) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield b"".join(prefix + line + b"\n" for line in lines)
    if rest:
        yield prefix + rest


def _follow_all(call: Invocation, sources: list[Source], query: dict[str, str]) -> int:
    """Several logs at once, each over a connection of its own, written as they come."""
    most = call.flags["max-log-requests"]
    if len(sources) > most:
        raise Failure(
            f"you are attempting to follow {len(sources)} log streams, but maximum allowed concurrency is {most}, use"
            " --max-log-requests to increase the limit"
        )
    errors: list[Exception] = []

    def follow(source: Source) -> Callable[[], None]:
        client = call.factory.new_client()

        def copy() -> None:
            try:
                _copy(call, client, source, query)
            except (StatusError, ConnectError, BrokenPipeError) as error:
                errors.append(error)

        return copy

    threads = [threading.Thread(target=follow(source), daemon=True) for source in sources]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        raise Interrupted from None
    error = aggregate(errors)
    if error is not None and not call.flags["ignore-errors"]:
        raise error
    return 0


COMMAND = Command(
    use="logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    short="Print the logs for a container in a pod",
    long="Print the logs for a container in a pod.\n\n"
    "The name of the container may be left out where the pod has only one.",
    examples="""
  # The log of the pod nginx, which has one container
  minikctl logs nginx

  # The last 20 lines of it, and what follows
  minikctl logs -f --tail=20 nginx

  # The log of one of several containers
  minikctl logs nginx -c web

  # The log of the container's run before this one
  minikctl logs -p nginx

  # All logs of the last hour of the pods with a label
  minikctl logs --since=1h -l app=nginx --all-containers=true""",
    run=run,
    aliases=("log",),
    flags=(
        Flag("all-containers", "bool", False, "Get all containers' logs in the pod(s)."),
        Flag("all-pods", "bool", False, "Get logs from all pod(s). Sets prefix to true."),
        Flag("container", "string", "", "Print the logs of this container", "c"),
        Flag("follow", "bool", False, "Specify if the logs should be streamed.", "f"),
        Flag(
            "ignore-errors", "bool", False,
            "If watching / following pod logs, allow for any errors that occur to be non-fatal",
        ),
        Flag(
            "insecure-skip-tls-verify-backend", "bool", False,
            "Skip verifying the identity of the kubelet that logs are requested from.  In theory, an attacker could"
            " provide invalid log content back. You might want to use this if your kubelet serving certificates have"
            " expired.",
        ),
        Flag("limit-bytes", "int64", 0, "Maximum bytes of logs to return. Defaults to no limit."),
        Flag(
            "max-log-requests", "int", 5,
            "Specify maximum number of concurrent logs to follow when using by a selector. Defaults to 5.",
        ),
        podselect.pod_running_flag(20.0, ""),
        Flag("prefix", "bool", False, "Prefix each log line with the log source (pod name and container name)"),
        Flag(
            "previous", "bool", False, short="p", usage=
            "If true, print the logs for the previous instance of the container in a pod if it exists.",
        ),
        shared_flags.SELECTOR,
        Flag(
            "since", "duration", 0.0,
            "Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs. Only one of"
            " since-time / since may be used.",
        ),
        Flag(
            "since-time", "string", "",
            "Only return logs after a specific date (RFC3339). Defaults to all logs. Only one of since-time / since may"
            " be used.",
        ),
        Flag(
            "tail", "int64", -1,
            "Lines of recent log file to display. Defaults to -1 with no selector, showing all log lines otherwise 10,"
            " if a selector is provided.",
        ),
        Flag("timestamps", "bool", False, "Include timestamps on each line in the log output"),
    ),
)  # fmt: skip
