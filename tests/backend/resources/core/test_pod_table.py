"""What `kubectl get pods` says of a pod, state by state."""

import pytest

from backend.resources.core.pod_table import COLUMNS, row

NOW = 1_700_000_000.0
AGO_5M = "2023-11-14T22:08:20Z"
RUNNING = {"running": {"startedAt": AGO_5M}}
COMPLETED = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": AGO_5M}}
FAILED_BEFORE = {"terminated": {"exitCode": 1, "finishedAt": AGO_5M}}
READY = [{"type": "Ready", "status": "True"}]
INITIALIZED = [{"type": "Initialized", "status": "True"}]


def status(state, *, name="c0", ready=False, restarts=0, last=None, started=None):
    made = {"name": name, "state": state, "ready": ready, "restartCount": restarts, "lastState": last or {}}
    return made | ({} if started is None else {"started": started})


def pod(*, phase="Running", containers=1, init=(), metadata=None, spec=None, **more):
    return {
        "metadata": {"name": "web", "creationTimestamp": AGO_5M, **(metadata or {})},
        "spec": {
            "containers": [{"name": f"c{number}"} for number in range(containers)],
            "initContainers": list(init),
            **(spec or {}),
        },
        "status": {"phase": phase, **more},
    }


def cells(made):
    return dict(zip((column.name for column in COLUMNS), row(made, NOW), strict=True))


INIT = ({"name": "i0"}, {"name": "i1"})
SIDECAR = ({"name": "i0", "restartPolicy": "Always"},)

CASES = [
    ("pending", pod(phase="Pending"), "0/1", "Pending", "0"),
    ("running", pod(containerStatuses=[status(RUNNING, ready=True)]), "1/1", "Running", "0"),
    (
        "not ready yet", pod(containers=2, containerStatuses=[status(RUNNING, ready=True), status(RUNNING)]),
        "1/2", "Running", "0",
    ),
    (
        "creating", pod(phase="Pending", containerStatuses=[status({"waiting": {"reason": "ContainerCreating"}})]),
        "0/1", "ContainerCreating", "0",
    ),
    (
        "crash loop",
        pod(containerStatuses=[
            status({"waiting": {"reason": "CrashLoopBackOff"}}, restarts=3, last=FAILED_BEFORE),
        ]),
        "0/1", "CrashLoopBackOff", "3 (5m ago)",
    ),
    ("completed", pod(phase="Succeeded", containerStatuses=[status(COMPLETED)]), "0/1", "Completed", "0"),
    (
        "exit code", pod(phase="Failed", containerStatuses=[status({"terminated": {"exitCode": 7}})]),
        "0/1", "ExitCode:7", "0",
    ),
    (
        "signal", pod(phase="Failed", containerStatuses=[status({"terminated": {"exitCode": 137, "signal": 9}})]),
        "0/1", "Signal:9", "0",
    ),
    (
        "first trouble wins",
        pod(containers=2, containerStatuses=[
            status({"waiting": {"reason": "ErrImagePull"}}), status({"waiting": {"reason": "CrashLoopBackOff"}}),
        ]),
        "0/2", "ErrImagePull", "0",
    ),
    (
        "one completed, one runs", pod(containers=2, conditions=READY, containerStatuses=[
            status(COMPLETED), status(RUNNING, ready=True),
        ]),
        "1/2", "Running", "0",
    ),
    (
        "one completed, one runs, pod not ready", pod(containers=2, containerStatuses=[
            status(COMPLETED), status(RUNNING, ready=True),
        ]),
        "1/2", "NotReady", "0",
    ),
    ("reason of the pod", pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", "0"),
    (
        "gated", pod(phase="Pending", conditions=[
            {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},
        ]),
        "0/1", "SchedulingGated", "0",
    ),
    (
        "terminating",
        pod(metadata={"deletionTimestamp": AGO_5M}, containerStatuses=[status(RUNNING, ready=True)]),
        "1/1", "Terminating", "0",
    ),
    (
        "terminating but over",
        pod(phase="Succeeded", metadata={"deletionTimestamp": AGO_5M}, containerStatuses=[status(COMPLETED)]),
        "0/1", "Completed", "0",
    ),
    (
        "node lost", pod(reason="NodeLost", metadata={"deletionTimestamp": AGO_5M}), "0/1", "Unknown", "0",
    ),
    (
        "init 1/2", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status(COMPLETED, name="i0"), status(RUNNING, name="i1"),
        ]),
        "0/1", "Init:1/2", "0",
    ),
    (
        "init 0/2 while the pod initializes", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status({"waiting": {"reason": "PodInitializing"}}, name="i0"),
        ]),
        "0/1", "Init:0/2", "0",
    ),
    (
        "init waits", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status({"waiting": {"reason": "ImagePullBackOff"}}, name="i0", restarts=2, last=FAILED_BEFORE),
        ]),
        "0/1", "Init:ImagePullBackOff", "2 (5m ago)",
    ),
    (
        "init failed with a reason", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status({"terminated": {"exitCode": 1, "reason": "Error"}}, name="i0"),
        ]),
        "0/1", "Init:Error", "0",
    ),
    (
        "init failed without a reason", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status({"terminated": {"exitCode": 3}}, name="i0"),
        ]),
        "0/1", "Init:ExitCode:3", "0",
    ),
    (
        "init killed", pod(phase="Pending", init=INIT, initContainerStatuses=[
            status({"terminated": {"exitCode": 137, "signal": 9}}, name="i0"),
        ]),
        "0/1", "Init:Signal:9", "0",
    ),
    (
        "restarts of init containers do not count once they are done",
        pod(init=INIT, containerStatuses=[status(RUNNING, ready=True)], initContainerStatuses=[
            status(COMPLETED, name="i0", restarts=4), status(COMPLETED, name="i1"),
        ]),
        "1/1", "Running", "0",
    ),
    (
        "a sidecar counts as a container",
        pod(init=SIDECAR, containerStatuses=[status(RUNNING, ready=True)], initContainerStatuses=[
            status(RUNNING, name="i0", ready=True, started=True, restarts=1, last=FAILED_BEFORE),
        ]),
        "2/2", "Running", "1 (5m ago)",
    ),
    (
        "a failed sidecar of an initialized pod",
        pod(init=SIDECAR, conditions=INITIALIZED, containerStatuses=[status(RUNNING, ready=True)],
            initContainerStatuses=[status({"waiting": {"reason": "CrashLoopBackOff"}}, name="i0")]),
        "1/2", "Init:CrashLoopBackOff", "0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "ready", "reason", "restarts"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_ready_status_and_restarts(made, ready, reason, restarts):
    shown = cells(made)
    assert (shown["Ready"], shown["Status"], shown["Restarts"]) == (ready, reason, restarts)


def test_wide_columns_say_none_for_what_is_unknown():
    shown = cells(pod())
    assert [shown[name] for name in ("IP", "Node", "Nominated Node", "Readiness Gates")] == ["<none>"] * 4
    assert shown["Age"] == "5m"


def test_wide_columns():
    made = pod(
        spec={"nodeName": "n1", "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
        conditions=[{"type": "a", "status": "True"}, {"type": "b", "status": "False"}],
        podIPs=[{"ip": "10.0.0.4"}, {"ip": "fd00::4"}],
        nominatedNodeName="n2",
    )
    shown = cells(made)
    assert [shown[name] for name in ("IP", "Node", "Nominated Node", "Readiness Gates")] == [
        "10.0.0.4", "n1", "n2", "1/2",
    ]  # fmt: skip


def test_an_unset_creation_time_is_unknown():
    made = pod()
    del made["metadata"]["creationTimestamp"]
    assert cells(made)["Age"] == "<unknown>"
