"""Each provider through the manager: what a pod finds in its volumes, and what is left when it is gone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from backend.kubelet.lookup import SIGNER
from backend.kubelet.runtime.api import Mount
from backend.kubelet.volumes import memory, mounts
from backend.kubelet.volumes.manager import PodVolumes, SetupFailure
from backend.kubelet.volumes.plugin import VolumeFailure
from backend.meta.types import Obj

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def secret(name: str = "s", **source) -> Obj:
    return {"name": "v", "secret": {"secretName": name, "defaultMode": 0o644, **source}}


async def setup_one(volumes: PodVolumes, objects, pod: Obj) -> Path:
    [path] = (await volumes.setup(pod, objects.lookup, objects.token, {"cpu": "2", "memory": "4Gi"})).values()
    return path


async def failure(volumes: PodVolumes, objects, pod: Obj) -> list[str]:
    with pytest.raises(SetupFailure) as caught:
        await volumes.setup(pod, objects.lookup, objects.token)
    return caught.value.messages


async def test_secret_files_have_content_and_modes(volumes: PodVolumes, objects, make_pod, tmp_path: Path) -> None:
    objects.secret("s", user=b"root", key=b"\x00\xff")
    items = [{"key": "user", "path": "db/name", "mode": 0o400}, {"key": "key", "path": "key"}]
    path = await setup_one(volumes, objects, make_pod(secret(items=items, defaultMode=0o440)))
    assert (path / "db/name").read_bytes() == b"root"
    assert (path / "key").read_bytes() == b"\x00\xff"
    assert (mode(path / "db/name"), mode(path / "key")) == (0o400, 0o440)
    assert (tmp_path / "root/pods/u1/volumes/kubernetes.io~secret/v").resolve() == path


async def test_secrets_are_in_memory_and_never_on_the_disk(volumes: PodVolumes, objects, make_pod) -> None:
    objects.secret("s", password=b"needle-in-the-haystack")
    path = await setup_one(volumes, objects, make_pod(secret()))
    assert mounts.is_tmpfs(path)
    assert (path / "password").read_bytes() == b"needle-in-the-haystack"


async def test_a_changed_secret_is_updated_in_place(volumes: PodVolumes, objects, make_pod) -> None:
    objects.secret("s", a=b"1", gone=b"x")
    pod = make_pod(secret())
    path = await setup_one(volumes, objects, pod)
    objects.secret("s", a=b"2", new=b"y")
    assert await setup_one(volumes, objects, pod) == path
    assert (path / "a").read_bytes() == b"2"
    assert (path / "new").read_bytes() == b"y"
    assert not (path / "gone").is_symlink()


async def test_what_is_missing_is_named_for_every_volume(volumes: PodVolumes, objects, make_pod) -> None:
    objects.secret("s", a=b"1")
    objects.config_map("m", a="1")
    pod = make_pod(
        {"name": "a", "secret": {"secretName": "none"}},
        {"name": "b", "configMap": {"name": "none"}},
        {"name": "c", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k"}]}},
        {"name": "d", "configMap": {"name": "m", "items": [{"key": "k", "path": "k"}]}},
        {"name": "e", "nfs": {"server": "x", "path": "/"}},
        {"name": "f", "projected": {"sources": [{"podCertificate": {"keyPath": "key"}}]}},
    )
    assert await failure(volumes, objects, pod) == [
        'MountVolume.SetUp failed for volume "a" : secret "none" not found',
        'MountVolume.SetUp failed for volume "b" : configmap "none" not found',
        'MountVolume.SetUp failed for volume "c" : references non-existent secret key: k',
        'MountVolume.SetUp failed for volume "d" : configmap references non-existent config key: k',
        'MountVolume.SetUp failed for volume "e" : no volume plugin matched: nfs is not supported by this node',
        'MountVolume.SetUp failed for volume "f" : projected volume source podCertificate is not supported'
        " by this node",
    ]


async def test_optional_sources_may_be_missing(volumes: PodVolumes, objects, make_pod) -> None:
    pod = make_pod(secret("none", optional=True))
    path = await setup_one(volumes, objects, pod)
    assert [entry for entry in path.iterdir() if not entry.name.startswith("..")] == []
    objects.secret("none", a=b"1")
    await setup_one(volumes, objects, pod)
    assert (path / "a").read_bytes() == b"1"


async def test_config_map_has_text_and_binary_keys(volumes: PodVolumes, objects, make_pod) -> None:
    objects.config_map("m", text="füß")
    objects["ConfigMap", "m"]["binaryData"] = {"raw": "AP8="}
    path = await setup_one(volumes, objects, make_pod({"name": "v", "configMap": {"name": "m"}}))
    assert (path / "text").read_text() == "füß"
    assert (path / "raw").read_bytes() == b"\x00\xff"
    assert mode(path / "text") == 0o644


async def test_downward_api_has_fields_and_resources(volumes: PodVolumes, objects, make_pod) -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}, "mode": 0o400},
        {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}},
    ]
    pod = make_pod({"name": "v", "downwardAPI": {"items": items}})
    path = await setup_one(volumes, objects, pod)
    assert (path / "labels").read_text() == 'a="1"\nb="q\\"x"'
    assert (path / "name").read_text() == "p"
    assert mode(path / "name") == 0o400
    assert (path / "cpu").read_text() == "2000"


async def test_projected_joins_its_sources_in_memory(volumes: PodVolumes, objects, make_pod) -> None:
    objects.secret("s", same=b"secret", password=b"x")
    objects.config_map("m", same="config", mode="fast")
    sources = [
        {"secret": {"name": "s"}},
        {"configMap": {"name": "m"}},
        {"downwardAPI": {"items": [{"path": "me/name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"secret": {"name": "none", "optional": True}},
    ]
    path = await setup_one(volumes, objects, make_pod({"name": "v", "projected": {"sources": sources}}))
    assert {name: (path / name).read_text() for name in ("same", "password", "mode", "me/name")} == {
        "same": "config", "password": "x", "mode": "fast", "me/name": "p",
    }  # fmt: skip
    assert mounts.is_tmpfs(path)


async def test_empty_dir_keeps_what_is_in_it(volumes: PodVolumes, objects, make_pod) -> None:
    pod = make_pod({"name": "v", "emptyDir": {}})
    path = await setup_one(volumes, objects, pod)
    assert mode(path) == 0o777
    (path / "kept").write_text("x")
    assert await setup_one(volumes, objects, pod) == path
    assert (path / "kept").exists()
    bad = make_pod({"name": "v", "emptyDir": {"medium": "Tape"}})
    assert await failure(volumes, objects, bad) == [
        'MountVolume.SetUp failed for volume "v" : unknown storage medium "Tape"'
    ]


@needs_root
async def test_empty_dir_in_memory_has_a_limit(volumes: PodVolumes, objects, make_pod) -> None:
    pod = make_pod({"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "64Ki"}})
    path = await setup_one(volumes, objects, pod)
    assert mounts.is_tmpfs(path)
    with pytest.raises(OSError, match="No space left"):
        (path / "big").write_bytes(b"x" * 100_000)


@needs_root
async def test_fs_group_owns_volumes_of_the_pod(volumes: PodVolumes, objects, make_pod) -> None:
    objects.secret("s", a=b"1")
    pod = make_pod(secret(defaultMode=0o400), {"name": "e", "emptyDir": {}}, securityContext={"fsGroup": 2345})
    paths = await volumes.setup(pod, objects.lookup, objects.token)
    file = paths["v"] / "a"
    assert (file.stat().st_gid, mode(file)) == (2345, 0o440)
    assert (paths["e"].stat().st_gid, mode(paths["e"])) == (2345, 0o2777)


@pytest.mark.parametrize(
    ("kind", "target", "what"),
    [
        ("Directory", "file", "a directory"),
        ("Directory", "none", "a directory"),
        ("DirectoryOrCreate", "file", "a directory"),
        ("File", "none", "a file"),
        ("File", "dir", "a file"),
        ("FileOrCreate", "dir", "a file"),
        ("Socket", "file", "a socket file"),
        ("CharDevice", "file", "a character device"),
        ("BlockDevice", "file", "a block device"),
    ],
)
async def test_host_path_checks_its_type(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path, kind: str, target: str, what: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dir").mkdir()
    pod = make_pod({"name": "v", "hostPath": {"path": str(tmp_path / target), "type": kind}})
    assert await failure(volumes, objects, pod) == [
        f'MountVolume.SetUp failed for volume "v" : hostPath type check failed: {tmp_path / target} is not {what}'
    ]


@pytest.mark.parametrize(
    ("kind", "target", "is_dir"),
    [("", "new/deep", True), ("DirectoryOrCreate", "new", True), ("FileOrCreate", "new", False)],
)
async def test_host_path_creates_what_it_may(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path, kind: str, target: str, is_dir: bool
) -> None:
    pod = make_pod({"name": "v", "hostPath": {"path": str(tmp_path / target), "type": kind}})
    path = await setup_one(volumes, objects, pod)
    assert path == tmp_path / target
    assert path.is_dir() == is_dir
    await volumes.teardown("u1")
    assert path.exists()


async def test_errors_of_the_system_read_as_in_kubernetes(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path
) -> None:
    target = tmp_path / "no/file"
    pod = make_pod({"name": "v", "hostPath": {"path": str(target), "type": "FileOrCreate"}})
    assert await failure(volumes, objects, pod) == [
        f'MountVolume.SetUp failed for volume "v" : {target}: no such file or directory'
    ]


async def test_mounts_of_a_container(volumes: PodVolumes, objects, make_pod, tmp_path: Path) -> None:
    objects.secret("s", a=b"1")
    container = {
        "name": "c",
        "volumeMounts": [
            {"name": "v", "mountPath": "/etc/creds", "readOnly": True},
            {"name": "e", "mountPath": "data", "mountPropagation": "HostToContainer"},
        ],
    }
    pod = make_pod(secret(), {"name": "e", "emptyDir": {}})
    paths = await volumes.setup(pod, objects.lookup, objects.token, attempts={"c": 2})
    result = await volumes.mounts(pod, container, 2, paths, {})
    log = tmp_path / "root/pods/u1/containers/c/2"
    assert result == [
        Mount(str(paths["v"]), "/etc/creds", read_only=True),
        Mount(str(paths["e"]), "/data", propagation="rslave"),
        Mount(str(log), "/dev/termination-log"),
    ]
    assert (log.read_bytes(), mode(log)) == (b"", 0o666)


async def test_a_mount_of_no_volume_is_refused(volumes: PodVolumes, make_pod) -> None:
    container = {"name": "c", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}
    with pytest.raises(VolumeFailure, match='cannot find volume "x" to mount into container "c"'):
        await volumes.mounts(make_pod(), container, 0, {}, {})


async def test_teardown_removes_all_and_forgets_nothing_of_the_host(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path
) -> None:
    objects.secret("s", a=b"1")
    host = tmp_path / "host"
    host.mkdir()
    (host / "precious").write_text("keep")
    pod = make_pod(secret(), {"name": "h", "hostPath": {"path": str(host)}}, {"name": "e", "emptyDir": {}})
    container = {"name": "c", "volumeMounts": [{"name": "h", "mountPath": "/h", "subPath": "sub"}]}
    paths = await volumes.setup(pod, objects.lookup, objects.token)
    await volumes.mounts(pod, container, 0, paths, {})
    (host / "sub/inner").write_text("keep")
    assert await volumes.pod_uids() == ["u1"]

    await volumes.teardown("u1")
    assert await volumes.pod_uids() == []
    assert mounts.mounted_below(tmp_path / "root") == []
    assert (host / "precious").read_text() == "keep"
    assert (host / "sub/inner").read_text() == "keep"
    await volumes.teardown("u1")


async def test_orphans_of_a_crash_are_removed(volumes: PodVolumes, objects, make_pod, tmp_path: Path) -> None:
    objects.secret("s", a=b"1")
    for uid in ("live", "dead"):
        await volumes.setup(make_pod(secret(), uid=uid), objects.lookup, objects.token)
    restarted = PodVolumes(tmp_path / "root")
    assert await restarted.remove_orphans({"live"}) == ["dead"]
    assert await restarted.pod_uids() == ["live"]
    path = await setup_one(restarted, objects, make_pod(secret(), uid="live"))
    assert (path / "a").read_bytes() == b"1"


async def test_who_may_not_mount_keeps_secrets_in_a_borrowed_tmpfs(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(target: Path, size_bytes: int = 0) -> None:
        raise PermissionError(1, "Operation not permitted", str(target))

    monkeypatch.setattr(mounts, "mount_tmpfs", refuse)
    objects.secret("s", a=b"1")
    pod = make_pod(secret())
    path = await setup_one(volumes, objects, pod)
    assert mounts.is_tmpfs(path)
    assert mode(path.parent) == 0o700
    assert (tmp_path / "root/pods/u1/volumes/kubernetes.io~secret/v").resolve() == path
    objects.secret("s", a=b"2")
    assert await setup_one(volumes, objects, pod) == path
    assert (path / "a").read_bytes() == b"2"
    await volumes.teardown("u1")
    assert not path.parent.exists()


async def test_without_any_memory_a_secret_is_not_written(
    volumes: PodVolumes, objects, make_pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(target: Path, size_bytes: int = 0) -> None:
        raise PermissionError(1, "Operation not permitted", str(target))

    monkeypatch.setattr(mounts, "mount_tmpfs", refuse)
    monkeypatch.setattr(memory, "_candidates", lambda: [tmp_path])
    objects.secret("s", a=b"needle")
    assert await failure(volumes, objects, make_pod(secret())) == [
        'MountVolume.SetUp failed for volume "v" : no memory to keep the volume in: Operation not permitted, '
        "and no tmpfs of this user"
    ]
    assert not any(path.is_file() for path in (tmp_path / "root").rglob("*"))


def token_volume() -> Obj:
    return {
        "name": "v",
        "projected": {"defaultMode": 0o644, "sources": [{"serviceAccountToken": {"path": "token"}}]},
    }


async def test_a_token_can_be_read_by_whatever_user(volumes: PodVolumes, objects, make_pod) -> None:
    path = await setup_one(volumes, objects, make_pod(token_volume()))
    assert (path / "token").read_text() == "token for the API server"
    assert mode(path / "token") == 0o644


@needs_root
async def test_a_token_is_for_the_only_user_alone(volumes: PodVolumes, objects, make_pod) -> None:
    containers = [{"name": "a"}, {"name": "b", "securityContext": {"runAsUser": 1000}}]
    pod = make_pod(token_volume(), containers=containers, securityContext={"runAsUser": 1000})
    path = await setup_one(volumes, objects, pod)
    assert (mode(path / "token"), (path / "token").stat().st_uid) == (0o600, 1000)
    before = os.readlink(path / "..data")
    await setup_one(volumes, objects, pod)
    assert os.readlink(path / "..data") == before


@needs_root
async def test_a_token_is_for_the_pods_group(volumes: PodVolumes, objects, make_pod) -> None:
    path = await setup_one(volumes, objects, make_pod(token_volume(), securityContext={"fsGroup": 2000}))
    found = (path / "token").stat()
    assert (mode(path / "token"), found.st_gid) == (0o640, 2000)


def bundle(*anchors: str, **labels: str) -> Obj:
    texts = [f"-----BEGIN CERTIFICATE-----\n{anchor}\n-----END CERTIFICATE-----\n" for anchor in anchors]
    return {"metadata": {"name": "b", "labels": labels}, "spec": {"trustBundle": "".join(texts)}}


def bundle_volume(**source) -> Obj:
    return {"name": "v", "projected": {"sources": [{"clusterTrustBundle": {"path": "ca.pem", **source}}]}}


async def test_a_trust_bundle_is_a_file_of_its_anchors(volumes: PodVolumes, objects, make_pod) -> None:
    objects["ClusterTrustBundle", "b"] = bundle("MIIB", "MIIA", "MIIB")
    path = await setup_one(volumes, objects, make_pod(bundle_volume(name="b")))
    found = (path / "ca.pem").read_text()
    assert found.index("MIIA") < found.index("MIIB")
    assert found.count("BEGIN") == 2


async def test_a_signers_bundles_are_joined(volumes: PodVolumes, objects, make_pod) -> None:
    objects[SIGNER, "x.y/z"] = {"items": [bundle("MIIA", live="yes"), bundle("MIIB", live="no")]}
    source = {"signerName": "x.y/z", "labelSelector": {"matchLabels": {"live": "yes"}}}
    path = await setup_one(volumes, objects, make_pod(bundle_volume(**source)))
    assert "MIIA" in (path / "ca.pem").read_text()
    assert "MIIB" not in (path / "ca.pem").read_text()
    every = bundle_volume(signerName="x.y/z", labelSelector={})
    path = await setup_one(volumes, objects, make_pod(every, uid="u2"))
    assert "MIIB" in (path / "ca.pem").read_text()


async def test_bundles_that_are_missing(volumes: PodVolumes, objects, make_pod) -> None:
    (text,) = await failure(volumes, objects, make_pod(bundle_volume(name="b")))
    assert text.endswith('clustertrustbundle.certificates.k8s.io "b" not found')
    (text,) = await failure(volumes, objects, make_pod(bundle_volume(signerName="x.y/z", labelSelector={})))
    assert text.endswith("combination of signerName and labelSelector matched zero ClusterTrustBundles")
    path = await setup_one(volumes, objects, make_pod(bundle_volume(name="b", optional=True)))
    assert (path / "ca.pem").read_bytes() == b""


async def test_a_pod_that_comes_while_orphans_are_looked_for_keeps_its_volumes(
    volumes: PodVolumes, objects, make_pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.secret("s", a=b"1")
    known: set[str] = set()
    listed = volumes.pod_uids

    async def comes_meanwhile() -> list[str]:
        known.add("live")
        await volumes.setup(make_pod(secret(), uid="live"), objects.lookup, objects.token)
        return await listed()

    monkeypatch.setattr(volumes, "pod_uids", comes_meanwhile)
    assert await volumes.remove_orphans(known) == []
    assert await listed() == ["live"]
    await volumes.teardown("live")
