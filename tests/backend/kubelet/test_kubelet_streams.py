"""Which container's log is meant, and how the kubelet refuses."""

from __future__ import annotations

import pytest

from backend.kubelet.streams import log_container
from backend.meta.errors import ApiError
from backend.meta.types import Obj


def status(state: Obj, last: Obj | None = None, container_id: str = "docker://now") -> Obj:
    return {
        "containerStatuses": [{"name": "c", "state": state, "lastState": last or {}, "containerID": container_id}]
    }


def ended(container_id: str = "") -> Obj:
    return {"terminated": {"exitCode": 1, **({"containerID": f"docker://{container_id}"} if container_id else {})}}


@pytest.mark.parametrize(
    ("current", "previous", "expected"),
    [
        (status({"running": {}}), False, "now"),
        (status({"running": {}}, ended("old")), True, "old"),
        (status(ended("done")), False, "done"),
        (status(ended(), ended("old")), False, "old"),
        (status({"waiting": {"reason": "CrashLoopBackOff"}}, ended("old")), False, "old"),
        (status({"waiting": {"reason": "CrashLoopBackOff"}}, ended("old")), True, "old"),
        ({"initContainerStatuses": status(ended("init"))["containerStatuses"]}, False, "init"),
    ],
)
def test_the_container_is_found_in_the_status(current: Obj, previous: bool, expected: str) -> None:
    assert log_container("p", current, "c", previous) == expected


@pytest.mark.parametrize(
    ("current", "previous", "text"),
    [
        ({}, False, 'container "c" in pod "p" is not available'),
        (status({"running": {}}), True, 'previous terminated container "c" in pod "p" not found'),
        (status(ended()), False, 'container "c" in pod "p" is terminated'),
        (status({"waiting": {}}, ended()), False, 'container "c" in pod "p" is terminated'),
        (
            status({"waiting": {"reason": "ContainerCreating"}}), False,
            'container "c" in pod "p" is waiting to start: ContainerCreating',
        ),
        (
            status({"waiting": {"reason": "ErrImagePull"}}), False,
            'container "c" in pod "p" is waiting to start: image can\'t be pulled',
        ),
        (
            status({"waiting": {"reason": "ImagePullBackOff"}}), False,
            'container "c" in pod "p" is waiting to start: trying and failing to pull image',
        ),
        (status({}), False, 'container "c" in pod "p" is waiting to start - no logs yet'),
    ],
)  # fmt: skip
def test_a_log_that_is_not_there_is_refused(current: Obj, previous: bool, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        log_container("p", current, "c", previous)
    assert (caught.value.code, caught.value.reason, str(caught.value)) == (400, "BadRequest", text)
