"""What a pod gets of its service account, and what it may not have."""

from __future__ import annotations

from typing import Any

import pytest

from backend.apiserver.admission.service_account import MOUNT_PATH
from backend.machinery.client import PODS, SERVICE_ACCOUNTS
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane

ENFORCED = {"kubernetes.io/enforce-mountable-secrets": "true"}
MIRROR = {"kubernetes.io/config.mirror": "x"}


async def account(plane: ControlPlane, name: str = "a", annotations: Obj | None = None, **fields: Any) -> None:
    meta = {"name": name, "annotations": annotations or {}}
    await plane.client.create(SERVICE_ACCOUNTS, {"metadata": meta, **fields}, "default")


async def refused(plane: ControlPlane, **pod: Any) -> str:
    with pytest.raises(ApiError) as caught:
        await plane.pod(**pod)
    assert caught.value.code == 403
    return caught.value.message.removeprefix('pods "p" is forbidden: ')


def mounts(pod: Obj, kind: str = "containers") -> list[list[str]]:
    return [[mount["mountPath"] for mount in container.get("volumeMounts", ())] for container in pod["spec"][kind]]


async def test_every_container_has_the_token_the_ca_and_the_namespace(plane: ControlPlane) -> None:
    containers = [{"name": "b", "image": "i"}, {"name": "c", "image": "i"}]
    pod = await plane.pod(containers=containers, initContainers=[{"name": "i", "image": "i"}])
    (volume,) = pod["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    assert volume["projected"] == {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ],
    }
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    for container in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
        assert container["volumeMounts"] == [mount]


async def test_what_a_container_mounts_there_itself_stays(plane: ControlPlane) -> None:
    own = {"name": "own", "mountPath": MOUNT_PATH}
    containers = [{"name": "b", "image": "i", "volumeMounts": [own]}, {"name": "c", "image": "i"}]
    pod = await plane.pod(containers=containers, volumes=[{"name": "own", "emptyDir": {}}])
    assert mounts(pod) == [[MOUNT_PATH], [MOUNT_PATH]]
    assert pod["spec"]["volumes"][0]["name"] == "own"
    assert pod["spec"]["containers"][0]["volumeMounts"] == [own]


async def test_nothing_is_added_where_all_have_their_own(plane: ControlPlane) -> None:
    own = {"name": "own", "mountPath": MOUNT_PATH}
    containers = [{"name": "b", "image": "i", "volumeMounts": [own]}]
    pod = await plane.pod(containers=containers, volumes=[{"name": "own", "emptyDir": {}}])
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["own"]


async def test_a_volume_that_is_named_so_is_used(plane: ControlPlane) -> None:
    pod = await plane.pod(volumes=[{"name": "kube-api-access-mine", "emptyDir": {}}])
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["kube-api-access-mine"]
    assert pod["spec"]["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-mine"


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounted"),
    [(None, None, True), (False, None, False), (False, True, True), (True, False, False), (None, False, False)],
)
async def test_who_decides_on_the_token(
    plane: ControlPlane, of_account: bool | None, of_pod: bool | None, mounted: bool
) -> None:
    await account(plane, **({} if of_account is None else {"automountServiceAccountToken": of_account}))
    asked = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    pod = await plane.pod(serviceAccountName="a", **asked)
    assert bool(pod["spec"].get("volumes")) == mounted


async def test_an_account_must_be_there(plane: ControlPlane) -> None:
    text = 'error looking up service account default/lost: serviceaccount "lost" not found'
    assert await refused(plane, serviceAccountName="lost") == text


async def test_images_are_pulled_with_the_accounts_secrets_unless_the_pod_has_some(plane: ControlPlane) -> None:
    await account(plane, imagePullSecrets=[{"name": "registry"}])
    pod = await plane.pod(serviceAccountName="a")
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    pod = await plane.pod("q", serviceAccountName="a", imagePullSecrets=[{"name": "own"}])
    assert pod["spec"]["imagePullSecrets"] == [{"name": "own"}]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"volumes": [{"name": "v", "secret": {"secretName": "x"}}]},
         'volume with secret.secretName="x" is not allowed because service account a does not reference that secret'),
        ({"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "x"}}]}]},
         'container c with envFrom referencing secret.secretName="x" is not allowed because service account a does not '
         "reference that secret"),
        ({"initContainers": [{"name": "c0", "image": "i", "env": [
            {"name": "E", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}]},
         'init container c0 with envVar E referencing secret.secretName="x" is not allowed because service account a '
         "does not reference that secret"),
        ({"imagePullSecrets": [{"name": "x"}]},
         'imagePullSecrets[0].name="x" is not allowed because service account a does not reference that '
         "imagePullSecret"),
    ],
)  # fmt: skip
async def test_an_account_may_limit_the_secrets_of_its_pods(plane: ControlPlane, spec: Obj, text: str) -> None:
    await account(plane, annotations=ENFORCED, secrets=[{"name": "allowed"}])
    assert await refused(plane, serviceAccountName="a", **spec) == text
    await plane.pod("fine", serviceAccountName="a", volumes=[{"name": "v", "secret": {"secretName": "allowed"}}])


async def test_an_ephemeral_container_is_held_to_the_same(plane: ControlPlane) -> None:
    await account(plane, annotations=ENFORCED)
    pod = await plane.pod(serviceAccountName="a")
    debugger = {
        "name": "d", "image": "i", "terminationMessagePolicy": "File", "imagePullPolicy": "Always",
        "envFrom": [{"secretRef": {"name": "x"}}],
    }  # fmt: skip
    changed = {**pod, "spec": {**pod["spec"], "ephemeralContainers": [debugger]}}
    with pytest.raises(ApiError) as caught:
        await plane.client.update(PODS, changed, "ephemeralcontainers")
    assert 'ephemeral container d with envFrom referencing secret.secretName="x"' in caught.value.message


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"serviceAccountName": "default"}, "a mirror pod may not reference service accounts"),
        ({"volumes": [{"name": "v", "secret": {"secretName": "x"}}]}, "a mirror pod may not reference secrets"),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
         "a mirror pod may not use ServiceAccountToken volume projections"),
    ],
)  # fmt: skip
async def test_a_mirror_of_a_nodes_own_pod_has_no_identity(plane: ControlPlane, spec: Obj, text: str) -> None:
    assert await refused(plane, metadata={"annotations": MIRROR}, nodeName="n", **spec) == text


async def test_a_mirror_is_left_as_it_is(plane: ControlPlane) -> None:
    pod = await plane.pod(metadata={"annotations": MIRROR}, nodeName="n")
    assert "serviceAccountName" not in pod["spec"]
    assert not pod["spec"].get("volumes")
