"""Pull policies, pull secrets, and what is told when there is no image."""

from __future__ import annotations

import base64
import json

from backend.kubelet.pull_credentials import credentials_for
from backend.kubelet.runtime.api import RegistryAuth, RuntimeFailure
from backend.meta.types import Obj
from tests.support.kubelet_node import Node

MISSING = {"name": "c", "image": "nowhere/app:1"}


def pull_secret(**auths: Obj) -> Obj:
    config = json.dumps({"auths": {name.replace("__", "/"): auth for name, auth in auths.items()}})
    return {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred", "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }  # fmt: skip


async def test_a_missing_image_is_pulled(node: Node) -> None:
    node.runtime.add_image("nowhere/app:1", local=False)
    node.pod("p", MISSING)
    await node.until(node.running)
    await node.until(lambda: "Started" in node.reasons())
    assert node.events()[:2] == [
        ("Pulling", 'Pulling image "nowhere/app:1"'),
        (
            "Pulled",
            'Successfully pulled image "nowhere/app:1" in 0s (0s including waiting). Image size: 4000000 bytes.',
        ),
    ]


async def test_an_image_that_cannot_be_pulled_is_tried_ever_later(node: Node) -> None:
    node.pod("p", MISSING)
    await node.until(lambda: node.waits_for() == "ErrImagePull")
    error = "manifest for nowhere/app:1 not found"
    assert node.state()["waiting"]["message"] == error
    await node.told("Failed", f'Failed to pull image "nowhere/app:1": {error}')
    await node.told("Failed", "Error: ErrImagePull")
    await node.advance_until(lambda: node.waits_for() == "ImagePullBackOff")
    message = f'Back-off pulling image "nowhere/app:1": ErrImagePull: {error}'
    assert node.state()["waiting"]["message"] == message
    await node.until(lambda: ("BackOff", 'Back-off pulling image "nowhere/app:1"') in node.events())
    await node.until(lambda: ("Failed", "Error: ImagePullBackOff") in node.events())
    node.runtime.auths.clear()
    await node.advance_until(lambda: len(node.runtime.auths) == 2)
    elapsed = node.clock.now() - 1_700_000_000
    assert 28 <= elapsed <= 36
    node.runtime.add_image("nowhere/app:1", local=False)
    await node.advance_until(node.running)


async def test_never_does_not_pull(node: Node) -> None:
    node.pod("p", {**MISSING, "imagePullPolicy": "Never"})
    await node.until(lambda: node.waits_for() == "ErrImageNeverPull")
    text = 'Container image "nowhere/app:1" is not present with pull policy of Never'
    assert node.state()["waiting"]["message"] == text
    await node.told("ErrImageNeverPull", text)
    assert node.runtime.auths == []


async def test_always_pulls_what_is_there_and_fails_when_that_fails(node: Node) -> None:
    node.pod("p", {"name": "c", "imagePullPolicy": "Always"})
    await node.until(lambda: node.waits_for() == "ErrImagePull")


async def test_an_impossible_name_is_not_asked_of_the_engine(node: Node) -> None:
    node.pod("p", {"name": "c", "image": "Nowhere!"})
    await node.until(lambda: node.waits_for() == "InvalidImageName")
    assert "InspectFailed" in node.reasons()
    assert "couldn't parse image" in node.state()["waiting"]["message"]


async def test_a_slow_pull_does_not_delay_the_pods_other_containers(node: Node) -> None:
    async def before(operation: str, _subject: str) -> None:
        if operation == "pull":
            await node.clock.sleep(100)

    node.runtime.before = before
    node.runtime.add_image("nowhere/app:1", local=False)
    node.pod("p", {"name": "a"}, {**MISSING, "name": "b"})
    await node.until(lambda: node.running("p", "a"))
    assert node.waits_for("p", "b") == "ContainerCreating"
    await node.advance_until(lambda: node.running("p", "b"), step=10)


async def test_a_pod_can_be_deleted_in_the_middle_of_a_pull(node: Node) -> None:
    async def before(operation: str, _subject: str) -> None:
        if operation == "pull":
            await node.clock.sleep(10_000)

    node.runtime.before = before
    node.pod("p", MISSING)
    await node.until(lambda: bool(node.runtime.auths))
    await node.delete()
    await node.until(lambda: node.get() is None)


async def test_pull_secrets_of_the_pod_are_used(node: Node) -> None:
    node.api.put("secrets", pull_secret(**{"reg.example": {"username": "u", "password": "p"}}))
    node.runtime.add_image("reg.example/app:1", local=False)
    node.pod("p", {"name": "c", "image": "reg.example/app:1"}, imagePullSecrets=[{"name": "regcred"}])
    await node.until(node.running)
    assert node.runtime.auths == [("reg.example/app:1", RegistryAuth("u", "p", "reg.example"))]


async def test_pull_secrets_of_the_service_account_are_used(node: Node) -> None:
    node.api.put("secrets", pull_secret(**{"reg.example": {"auth": base64.b64encode(b"u:p").decode()}}))
    account = {"metadata": {"name": "default", "namespace": "default"}, "imagePullSecrets": [{"name": "regcred"}]}
    node.api.put("serviceaccounts", account)
    node.runtime.add_image("reg.example/app:1", local=False)
    node.pod("p", {"name": "c", "image": "reg.example/app:1"})
    await node.until(node.running)
    assert node.runtime.auths == [("reg.example/app:1", RegistryAuth("u", "p", "reg.example"))]


async def test_a_broken_engine_answer_about_an_image_is_told(node: Node) -> None:
    async def before(operation: str, _subject: str) -> None:
        if operation == "image":
            raise RuntimeFailure("ImageInspectError", "disk is on fire")

    node.runtime.before = before
    node.pod()
    await node.until(lambda: node.waits_for() == "ImageInspectError")
    await node.told("InspectFailed", 'Failed to inspect image "busybox:1.29": disk is on fire')


def test_credentials_match_by_host_port_and_path() -> None:
    def names(image: str, *registries: str) -> list[str]:
        secret = pull_secret(**{name: {"username": name, "password": "x"} for name in registries})
        return [auth.username for auth in credentials_for(image, [secret])]

    assert names("busybox", "https://index.docker.io/v1/") == ["https://index.docker.io/v1/"]
    assert names("me/app", "docker.io") == ["docker.io"]
    assert names("reg.io:5000/a", "reg.io", "reg.io:5000") == ["reg.io:5000"]
    assert names("a.reg.io/x", "*.reg.io") == ["*.reg.io"]
    assert names("a.b.reg.io/x", "*.reg.io") == []
    assert names("reg.io/team/app", "reg.io", "reg.io/team", "reg.io/tea") == ["reg.io/team", "reg.io"]
