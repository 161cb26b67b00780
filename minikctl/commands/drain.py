"""`minikctl drain`. Source: k8s.io/kubectl/pkg/cmd/drain/drain.go, pkg/drain/drain.go.

Each pod is evicted in a thread of its own, as budgets may let one go before the other.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backend.meta.errors import ApiError
from backend.meta.selectors import parse_label_selector
from backend.meta.timefmt import parse
from minikctl.client.builder import Info
from minikctl.client.errors import Aggregate, Failure, StatusError, aggregate, is_not_found, message
from minikctl.client.rest import Client, ResourceMapping
from minikctl.client.waiting import TIMED_OUT, wait_until_gone
from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands import drained_pods, node_choice, shared_flags
from minikctl.commands.create.creating import dry_run
from minikctl.flags import go_duration
from minikctl.output.printers import make_printer

Obj = dict[str, Any]

_PODS = ResourceMapping("", "v1", "pods", "Pod", True, "pod")
_RETRY = 5.0
"""Seconds until a pod is evicted again that its budget kept."""
_SUFFIXES = {"client": " (dry run)", "server": " (server dry run)"}


def run(call: Invocation) -> int:
    node_choice.check_usage(call, "drain")
    dry_run(call)
    try:
        parse_label_selector(call.flags["pod-selector"])
    except ApiError:
        raise Failure("--pod-selector=<pod_selector> must be a valid label selector") from None
    nodes = node_choice.find(call)
    node_choice.mark(call, nodes, unschedulable=True)
    pending, errors = [node.name for node in nodes], []
    for node in nodes:
        try:
            _drain(call, node)
        except (Aggregate, Failure, StatusError) as error:
            call.streams.err.write(
                f'error: unable to drain node "{node.name}" due to error: {_go_text(error)}, continuing command...\n'
            )
            errors.append(error)
            continue
        pending.remove(node.name)
        make_printer({}, operation="drained", dry_run=dry_run(call)).print(node.object, call.streams.out)
    if pending:
        call.streams.err.write("There are pending nodes to be drained:\n")
        call.streams.err.write("".join(f" {name}\n" for name in pending))
    failure = aggregate(errors)
    if failure is not None:
        flat = failure.errors if isinstance(failure, Aggregate) else [failure]
        raise CommandError("\n".join(message(one) for one in flat))
    return 0


def _go_text(error: Exception) -> str:
    """The error as Go prints it: several in brackets."""
    if isinstance(error, Aggregate):
        return f"[{', '.join(str(one) for one in error.errors)}]"
    return str(error)


def _drain(call: Invocation, node: Info) -> None:
    found = drained_pods.of_node(call, node.name)
    failure = aggregate(Failure(text) for text in found.errors())
    if failure is not None:
        raise failure
    if found.warnings:
        call.streams.err.write(f"Warning: {found.warning()}\n")
    if dry_run(call) != "none":
        for pod in found.going:
            _tell_dry_run(call, pod)
        return
    removal = _Removal(call)
    failure = aggregate(removal.remove_all(found.going))
    if failure is not None:
        left = drained_pods.of_node(call, node.name).going
        if left:
            call.streams.err.write(
                f'There are pending pods in node "{node.name}" when an error occurred: {_go_text(failure)}\n'
            )
            call.streams.err.write("".join(f"pod/{pod['metadata']['name']}\n" for pod in left))
        raise failure


def _tell_dry_run(call: Invocation, pod: Obj) -> None:
    """kubectl says nothing of pods that a server's dry run would delete, and calls a client's deletions evictions."""
    meta, strategy = pod["metadata"], dry_run(call)
    if strategy == "client" or not call.flags["disable-eviction"]:
        call.streams.out.write(f"evicting pod {meta['namespace']}/{meta['name']}{_SUFFIXES[strategy]}\n")


class _Removal:
    """Takes pods away by --timeout, and waits until they are gone."""

    def __init__(self, call: Invocation) -> None:
        self._call = call
        self._timeout: float = call.flags["timeout"]
        self._deadline = time.monotonic() + self._timeout if self._timeout else math.inf
        self._evicts = not call.flags["disable-eviction"]
        self._telling = threading.Lock()

    def remove_all(self, pods: list[Obj]) -> list[Exception]:
        if not pods:
            return []
        with ThreadPoolExecutor(len(pods)) as threads:
            return [error for error in threads.map(self._remove, pods) if error is not None]

    def _remove(self, pod: Obj) -> Exception | None:
        client = self._call.factory.new_client()
        meta = pod["metadata"]
        where = f'pods/"{meta["name"]}" -n "{meta["namespace"]}"'
        try:
            self._begin(client, pod)
        except StatusError as error:
            return Failure(f"error when evicting {where}: {error}") if self._evicts else error
        except Failure as failure:
            return Failure(f"error when evicting {where}: {failure}")
        try:
            self._await_end(client, pod)
        except (Failure, StatusError) as error:
            text = f'error when waiting for pod "{meta["name"]}" in namespace "{meta["namespace"]}" to terminate'
            return Failure(f"{text}: {error}")
        return None

    def _begin(self, client: Client, pod: Obj) -> None:
        """Evict or delete the pod; a budget may have to be waited for."""
        info, options = _info(pod), self._options()
        if not self._evicts:
            try:
                client.request("DELETE", info.path(), body=options)
            except StatusError as error:
                if not is_not_found(error):
                    raise
            return
        meta = {name: pod["metadata"][name] for name in ("name", "namespace")}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta, "deleteOptions": options}
        while True:
            with self._telling:
                self._call.streams.out.write(f"evicting pod {info.namespace}/{info.name}\n")
                self._call.streams.out.flush()
            if time.monotonic() >= self._deadline:
                raise self._too_late()
            try:
                client.request("POST", info.path("eviction"), body=eviction)
                return
            except StatusError as error:
                if is_not_found(error):
                    return
                if error.code != 429:
                    raise
                with self._telling:
                    self._call.streams.err.write(
                        f'error when evicting pods/"{info.name}" -n "{info.namespace}"'
                        f" (will retry after {_RETRY:.0f}s): {error}\n"
                    )
            time.sleep(_RETRY)

    def _await_end(self, client: Client, pod: Obj) -> None:
        """Return when the pod is gone, or need not be waited for."""
        info, uid = _info(pod), pod["metadata"]["uid"]
        until, skip = self._deadline, self._call.flags["skip-wait-for-delete-timeout"]
        if skip > 0:
            until = min(until, time.monotonic() + self._overdue_in(client, info, uid, skip))
        try:
            wait_until_gone(client, [(info, uid)], min(until - time.monotonic(), threading.TIMEOUT_MAX))
        except Failure as failure:
            if not str(failure).startswith(TIMED_OUT):
                raise
            if time.monotonic() >= self._deadline:
                raise self._too_late() from None
            with self._telling:
                self._call.streams.out.write(
                    f'pod "{info.name}" has DeletionTimestamp older than {skip} seconds, skipping\n'
                )
            return
        done = "evicted" if self._evicts else "deleted"
        with self._telling:
            make_printer({}, operation=done).print(pod, self._call.streams.out)
            self._call.streams.out.flush()

    def _overdue_in(self, client: Client, info: Info, uid: str, skip: int) -> float:
        """Seconds until the pod is not waited for any more."""
        try:
            current = client.get(info.path())["metadata"]
        except StatusError as error:
            if is_not_found(error):
                return skip
            raise
        deleted = current.get("deletionTimestamp")
        if current["uid"] != uid or not deleted:
            return skip
        return max(0.0, parse(deleted) + skip + 1 - time.time())

    def _options(self) -> Obj:
        grace = self._call.flags["grace-period"]
        return {"gracePeriodSeconds": grace} if grace >= 0 else {}

    def _too_late(self) -> Failure:
        return Failure(f"global timeout reached: {go_duration(self._timeout)}")


def _info(pod: Obj) -> Info:
    meta = pod["metadata"]
    pod.setdefault("apiVersion", "v1")
    pod.setdefault("kind", "Pod")
    return Info(_PODS, meta["namespace"], meta["name"], pod)


COMMAND = Command(
    use="drain NODE",
    short="Drain node in preparation for maintenance",
    long="Take the pods away from nodes, in preparation for maintenance.\n\n"
    "The node is marked unschedulable, so that no more pods come. Its pods are evicted, as disruption budgets allow, or"
    " deleted if the server evicts none or with --disable-eviction. Mirror pods stay, since the server cannot delete"
    " them. Pods of daemon sets stay too, since their controller, which ignores the mark, would replace them at once:"
    " with such pods a node is not drained without --ignore-daemonsets. Nor is it with pods that no controller looks"
    " after, without --force, or with data that would be lost with the pod, without --delete-emptydir-data.\n\n"
    "The command waits until the pods have ended. `minikctl uncordon` gives the node back to the scheduler.",
    examples="""
  # Drain a node, with pods that no controller looks after
  minikctl drain foo --force

  # Drain it if there are no such pods, and give each pod a quarter of an hour to end
  minikctl drain foo --grace-period=900""",
    run=run,
    flags=(
        shared_flags.CHUNK_SIZE,
        Flag(
            "delete-emptydir-data", "bool", False,
            "Continue even if there are pods using emptyDir (local data that will be deleted when the node is"
            " drained).",
        ),
        Flag(
            "disable-eviction", "bool", False,
            "Force drain to use delete, even if eviction is supported. This will bypass checking PodDisruptionBudgets,"
            " use with caution.",
        ),
        Flag("force", "bool", False, "Continue even if there are pods that do not declare a controller."),
        Flag(
            "grace-period", "int", -1,
            "Period of time in seconds given to each pod to terminate gracefully. If negative, the default value"
            " specified in the pod will be used.",
        ),
        Flag("ignore-daemonsets", "bool", False, "Ignore DaemonSet-managed pods."),
        *node_choice.NODE_FLAGS,
        Flag("pod-selector", "string", "", "Label selector to filter pods on the node"),
        Flag(
            "skip-wait-for-delete-timeout", "int", 0,
            "If pod DeletionTimestamp older than N seconds, skip waiting for the pod.  Seconds must be greater than 0"
            " to skip.",
        ),
        Flag("timeout", "duration", 0.0, "The length of time to wait before giving up, zero means infinite"),
    ),
)  # fmt: skip
