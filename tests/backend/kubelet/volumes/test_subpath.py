"""subPath: what is mounted, and what may not be reached."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.kubelet.volumes import mounts
from backend.kubelet.volumes.manager import PodVolumes
from backend.kubelet.volumes.plugin import VolumeFailure
from backend.kubelet.volumes.subpath import prepare_subpath


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "places/0"
    for mounted in mounts.mounted_below(tmp_path):
        mounts.unmount(mounted)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("not yours")
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


def test_a_file_and_a_directory(volume: Path, place: Path) -> None:
    (volume / "file").write_text("content")
    (volume / "dir").mkdir()
    (volume / "dir/inner").write_text("inner")
    assert prepare_subpath(volume, "file", place).read_text() == "content"
    assert (prepare_subpath(volume, "dir", place) / "inner").read_text() == "inner"
    assert prepare_subpath(volume, "dir/inner", place).read_text() == "inner"
    assert len(mounts.mounted_below(place)) <= 1


def test_what_is_missing_becomes_a_directory_of_the_volumes_mode(volume: Path, place: Path) -> None:
    volume.chmod(0o777)
    prepare_subpath(volume, "a/b", place)
    assert stat.S_IMODE((volume / "a/b").stat().st_mode) == 0o777


def test_symlinks_inside_the_volume_are_followed(volume: Path, place: Path) -> None:
    (volume / "..v1").mkdir()
    (volume / "..v1/key").write_text("value")
    (volume / "..data").symlink_to("..v1")
    (volume / "key").symlink_to("..data/key")
    assert prepare_subpath(volume, "key", place).read_text() == "value"


@pytest.mark.parametrize("target", ["../outside", "/etc", "../outside/secret"])
def test_symlinks_out_of_the_volume_are_refused(volume: Path, place: Path, target: str) -> None:
    (volume / "link").symlink_to(target)
    for subpath in ("link", "link/new"):
        with pytest.raises((VolumeFailure, NotADirectoryError), match=r"not within volume path|Not a directory"):
            prepare_subpath(volume, subpath, place)
    assert not (volume.parent / "outside/new").exists()


@pytest.mark.parametrize("subpath", ["../outside", "a/../../outside", "/etc"])
def test_paths_that_leave_are_refused(volume: Path, place: Path, subpath: str) -> None:
    with pytest.raises(VolumeFailure, match="must be a relative path"):
        prepare_subpath(volume, subpath, place)


def test_a_symlink_that_is_swapped_in_after_the_check_is_refused(
    volume: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (volume / "dir").mkdir()
    genuine = os.path.realpath

    def swap(path: Path) -> str:
        answer = genuine(path)
        if answer == str(volume / "dir"):
            (volume / "dir").rmdir()
            (volume / "dir").symlink_to("../outside")
        return answer

    monkeypatch.setattr(os.path, "realpath", swap)
    with pytest.raises(VolumeFailure, match="unexpected symlink found"):
        prepare_subpath(volume, "dir", place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_swap_after_the_mount_changes_nothing(volume: Path, place: Path) -> None:
    (volume / "dir").mkdir()
    (volume / "dir/mine").touch()
    mounted = prepare_subpath(volume, "dir", place)
    (volume / "dir").rename(volume / "moved")
    (volume / "dir").symlink_to("../outside")
    assert [entry.name for entry in mounted.iterdir()] == ["mine"]


async def test_expressions_use_the_environment(volumes: PodVolumes, make_pod, place: Path) -> None:
    pod = make_pod({"name": "v", "emptyDir": {}})
    paths = await volumes.setup(pod, lambda kind, name: None, lambda source: "")

    def container(expression: str):
        return {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/x", "subPathExpr": expression}]}

    await volumes.mounts(pod, container("logs/$(POD)"), 0, paths, {"POD": "p1"})
    assert (paths["v"] / "logs/p1").is_dir()
    with pytest.raises(VolumeFailure, match=r'^missing value for "NONE"$'):
        await volumes.mounts(pod, container("$(NONE)"), 0, paths, {})
    with pytest.raises(
        VolumeFailure, match=r'failed to prepare subPath for volumeMount "v" of container "c": .*relative'
    ):
        await volumes.mounts(pod, container("$(UP)"), 0, paths, {"UP": "../.."})
