"""`minikctl rollout status`.

Source: kubectl/pkg/cmd/rollout/rollout_status.go, polymorphichelpers/rollout_status.go.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from minikctl.client.builder import Info, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.waiting import TIMED_OUT, object_events
from minikctl.command import Command, Flag, Interrupted, Invocation
from minikctl.commands.rollout import rollouts

Obj = dict[str, Any]


class _State(NamedTuple):
    text: str
    done: bool = False


def run(call: Invocation) -> int:
    query = rollouts.query(call)
    if call.flags["revision"] < 0:
        raise Failure(f"revision must be a positive integer: {call.flags['revision']}")
    deadline = time.monotonic() + call.flags["timeout"] if call.flags["timeout"] else None
    errors: list[Exception] = []
    count = 0
    for info in stream(call.factory, query, errors):
        count += 1
        try:
            _follow(call, info, deadline)
        except (Failure, StatusError) as error:
            errors.append(error)
        except KeyboardInterrupt:
            raise Interrupted from None
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not count:
        rollouts.tell_nothing_found(call)
    return 0


def _follow(call: Invocation, info: Info, deadline: float | None) -> None:
    """Print each state of the rollout until it is the last one, or the first with --watch=false."""
    state_of = _STATES.get(info.mapping.group_kind)
    if state_of is None:
        group = f".{info.mapping.group}" if info.mapping.group else ""
        raise Failure(f"no status viewer has been implemented for {info.mapping.kind}{group}")
    with closing(object_events(call.factory.client, info, deadline)) as events:
        for event in events:
            if event.type == "DELETED":
                raise Failure("object has been deleted")
            state = state_of(event.object, call.flags["revision"])
            call.streams.out.write(state.text)
            call.streams.out.flush()
            if state.done or not call.flags["watch"]:
                return
    raise Failure(TIMED_OUT)


def _deployment(obj: Obj, revision: int) -> _State:
    meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    if revision:
        running = int((meta.get("annotations") or {}).get("deployment.kubernetes.io/revision", "0"))
        if running != revision:
            raise Failure(f"desired revision ({revision}) is different from the running revision ({running})")
    if _is_unobserved(obj):
        return _State("Waiting for deployment spec update to be observed...\n")
    for condition in status.get("conditions") or []:
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise Failure(f'deployment "{meta["name"]}" exceeded its progress deadline')
    updated, waiting = (
        status.get("updatedReplicas", 0),
        f'Waiting for deployment "{meta["name"]}" rollout to finish:',
    )
    old, available = status.get("replicas", 0) - updated, status.get("availableReplicas", 0)
    if updated < spec.get("replicas", 0):
        return _State(f"{waiting} {updated} out of {spec['replicas']} new replicas have been updated...\n")
    if old > 0:
        return _State(f"{waiting} {old} old replicas are pending termination...\n")
    if available < updated:
        return _State(f"{waiting} {available} of {updated} updated replicas are available...\n")
    return _State(f'deployment "{meta["name"]}" successfully rolled out\n', done=True)


def _daemon_set(obj: Obj, _revision: int) -> _State:
    _check_rolling(obj)
    name, status = obj["metadata"]["name"], obj.get("status") or {}
    if _is_unobserved(obj):
        return _State("Waiting for daemon set spec update to be observed...\n")
    desired, waiting = (
        status.get("desiredNumberScheduled", 0),
        f'Waiting for daemon set "{name}" rollout to finish:',
    )
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated < desired:
        return _State(f"{waiting} {updated} out of {desired} new pods have been updated...\n")
    if available < desired:
        return _State(f"{waiting} {available} of {desired} updated pods are available...\n")
    return _State(f'daemon set "{name}" successfully rolled out\n', done=True)


def _stateful_set(obj: Obj, _revision: int) -> _State:
    _check_rolling(obj)
    spec, status = obj["spec"], obj.get("status") or {}
    if not status.get("observedGeneration") or _is_unobserved(obj):
        return _State("Waiting for statefulset spec update to be observed...\n")
    replicas, updated = spec.get("replicas", 0), status.get("updatedReplicas", 0)
    if status.get("readyReplicas", 0) < replicas:
        return _State(f"Waiting for {replicas - status.get('readyReplicas', 0)} pods to be ready...\n")
    rolling = spec["updateStrategy"].get("rollingUpdate")
    if rolling is not None:
        wanted = replicas - rolling.get("partition", 0)
        if updated < wanted:
            text = f"{updated} out of {wanted} new pods have been updated...\n"
            return _State(f"Waiting for partitioned roll out to finish: {text}")
        return _State(f"partitioned roll out complete: {updated} new pods have been updated...\n", done=True)
    if status.get("updateRevision") != status.get("currentRevision"):
        at = f"{updated} pods at revision {status.get('updateRevision', '')}"
        return _State(f"waiting for statefulset rolling update to complete {at}...\n")
    at = f"{status.get('currentReplicas', 0)} pods at revision {status.get('currentRevision', '')}"
    return _State(f"statefulset rolling update complete {at}...\n", done=True)


def _is_unobserved(obj: Obj) -> bool:
    """Whether the controller has not seen yet what the object is now."""
    observed = (obj.get("status") or {}).get("observedGeneration", 0)
    return bool(obj["metadata"].get("generation", 0) > observed)


def _check_rolling(obj: Obj) -> None:
    if (obj["spec"].get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise Failure("rollout status is only available for RollingUpdate strategy type")


_STATES: dict[str, Callable[[Obj, int], _State]] = {
    "deployment.apps": _deployment,
    "daemonset.apps": _daemon_set,
    "statefulset.apps": _stateful_set,
}

COMMAND = Command(
    use="status (TYPE NAME | TYPE/NAME) [flags]",
    short="Show the status of the rollout",
    long="Show the status of the latest rollout, until it is done.\n\n"
    "With --watch=false it is shown once. If another rollout begins meanwhile, that one is followed; --revision=N holds"
    " to one revision, and fails once there is another.",
    examples="""
  # Follow the rollout of a deployment
  minikctl rollout status deployment/nginx""",
    run=run,
    flags=(
        *rollouts.TARGET_FLAGS,
        Flag(
            "revision", "int64", 0,
            "Pin to a specific revision for showing its status. Defaults to 0 (last revision).",
        ),
        Flag(
            "timeout", "duration", 0.0,
            "The length of time to wait before ending watch, zero means never. Any other values should contain a"
            " corresponding time unit (e.g. 1s, 2m, 3h).",
        ),
        Flag("watch", "bool", True, "Watch the status of the rollout until it's done.", "w"),
    ),
)  # fmt: skip
