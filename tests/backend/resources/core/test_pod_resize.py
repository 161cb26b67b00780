"""What pods/resize lets change."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from backend.meta.types import Obj
from backend.resources.core.pod_defaults import default_pod
from backend.resources.core.pod_resize import keep_all_but_resources, validate_resize
from backend.resources.core.pod_validation import validate_pod_spec


def amounts(cpu: str = "100m", memory: str = "64Mi", **more: str) -> Obj:
    return {"cpu": cpu, "memory": memory, **{name.replace("_", "-"): amount for name, amount in more.items()}}


@pytest.fixture
def pod() -> Obj:
    resources = {"requests": amounts(), "limits": amounts("200m")}
    found: Obj = {
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {
            "initContainers": [
                {"name": "init", "image": "i", "resources": {"requests": amounts()}},
                {"name": "side", "image": "i", "restartPolicy": "Always", "resources": {"requests": amounts()}},
            ],
            "containers": [{"name": "c", "image": "i", "resources": resources}, {"name": "d", "image": "i"}],
        },
    }
    default_pod(found)
    return found


def resized(pod: Obj, change: Callable[[Obj], object]) -> list[tuple[str, str]]:
    """Field and message of each fault of a change of the pod's spec."""
    new = copy.deepcopy(pod)
    change(new["spec"])
    keep_all_but_resources(new, pod)
    return [(cause.field, cause.message) for cause in validate_resize(new, pod)]


def of(spec: Obj, kind: str = "containers", index: int = 0) -> Obj:
    found: Obj = spec[kind][index]["resources"]
    return found


def test_processor_and_memory_of_containers_and_sidecars_may_change(pod: Obj) -> None:
    def change(spec: Obj) -> None:
        of(spec)["requests"] = amounts("150m", "32Mi")
        of(spec)["limits"] = amounts("300m", "128Mi")
        of(spec, "initContainers", 1)["requests"]["cpu"] = "50m"
        spec["containers"][1]["resources"] = {"requests": {"cpu": "10m"}}

    assert resized(pod, change) == []


def test_everything_else_is_put_back(pod: Obj) -> None:
    def change(spec: Obj) -> None:
        spec["containers"][0]["image"] = "another"
        spec["nodeName"] = "elsewhere"
        spec["containers"][0]["resizePolicy"] = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]

    new = copy.deepcopy(pod)
    change(new["spec"])
    keep_all_but_resources(new, pod)
    assert new["spec"]["containers"][0]["image"] == "i"
    assert "nodeName" not in new["spec"]
    assert "resizePolicy" in new["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (
            lambda spec: of(spec)["requests"].pop("cpu"),
            "spec.containers[0].resources.requests", "Forbidden: resource requests cannot be removed",
        ),
        (
            lambda spec: of(spec).pop("limits"),
            "spec.containers[0].resources.limits", "Forbidden: resource limits cannot be removed",
        ),
        (
            lambda spec: of(spec)["limits"].update({"ephemeral-storage": "1Gi"}),
            "spec", "Forbidden: only cpu and memory resources are mutable",
        ),
        (
            lambda spec: of(spec, "initContainers", 0)["requests"].update(cpu="200m"),
            "spec", "Forbidden: resources for non-sidecar init containers are immutable",
        ),
        (
            lambda spec: spec["containers"].reverse(),
            "spec.containers", "Forbidden: containers may not be renamed or reordered on resize",
        ),
        (
            lambda spec: spec["containers"].pop(),
            "spec.containers", "Forbidden: containers may not be added or removed on resize",
        ),
        (
            lambda spec: of(spec)["requests"].update(cpu="500m"),
            "spec.containers[0].resources.requests",
            'Invalid value: "500m": must be less than or equal to cpu limit of 200m',
        ),
    ],
)  # fmt: skip
def test_what_may_not_change(pod: Obj, change: Callable[[Obj], object], field: str, message: str) -> None:
    assert (field, message) in resized(pod, change)


def test_the_quality_of_service_stays(pod: Obj) -> None:
    del pod["spec"]["initContainers"], pod["spec"]["containers"][1]

    def change(spec: Obj) -> None:
        of(spec)["requests"] = amounts("200m")

    text = 'Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'
    assert resized(pod, change) == [("spec", text)]


@pytest.mark.parametrize(
    ("policies", "restart", "expected"),
    [
        ([("cpu", "NotRequired"), ("memory", "RestartContainer")], "Always", []),
        ([("cpu", "NotRequired"), ("cpu", "NotRequired")], "Always", [("[1]", 'Duplicate value: "cpu"')]),
        (
            [("disk", "NotRequired")], "Always",
            [("", 'Unsupported value: "disk": supported values: "cpu", "memory"')],
        ),
        (
            [("cpu", "Sometimes")], "Always",
            [("", 'Unsupported value: "Sometimes": supported values: "NotRequired", "RestartContainer"')],
        ),
        (
            [("cpu", "RestartContainer")], "Never",
            [("", "Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'")],
        ),
    ],
)  # fmt: skip
def test_how_a_resize_is_done_is_checked_when_the_pod_is_made(
    pod: Obj, policies: list[tuple[str, str]], restart: str, expected: list[tuple[str, str]]
) -> None:
    pod["spec"]["restartPolicy"] = restart
    del pod["spec"]["initContainers"]
    shown = [{"resourceName": name, "restartPolicy": wanted} for name, wanted in policies]
    pod["spec"]["containers"][0]["resizePolicy"] = shown
    path = "spec.containers[0].resizePolicy"
    found = [(cause.field, cause.message) for cause in validate_pod_spec(pod["spec"], "spec")]
    assert found == [(path + suffix, message) for suffix, message in expected]
