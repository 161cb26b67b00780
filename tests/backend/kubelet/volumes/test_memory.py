"""Directories in memory: one mount each, one for all, and what is left of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.kubelet.volumes import mounts
from backend.kubelet.volumes.memory import begin_in_memory, end_in_memory, memory_directory

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


@pytest.fixture(autouse=True)
def unmounted(tmp_path: Path) -> Iterator[None]:
    yield
    for mounted in mounts.mounted_below(tmp_path):
        mounts.unmount(mounted)


@needs_root
def test_where_all_is_in_memory_nothing_more_is_mounted_but_what_has_a_size(tmp_path: Path) -> None:
    begin_in_memory(tmp_path / "pods")
    secret = memory_directory(tmp_path / "pods" / "uid" / "secret")
    (secret / "file").write_text("kept in memory")
    assert mounts.is_tmpfs(secret)
    limited = memory_directory(tmp_path / "pods" / "uid" / "limited", 1 << 20)
    assert mounts.mounted_below(tmp_path) == [limited, tmp_path / "pods"]
    end_in_memory(tmp_path / "pods")
    assert mounts.mounted_below(tmp_path) == []
    assert list((tmp_path / "pods").iterdir()) == []


@needs_root
def test_it_begins_with_nothing_of_a_run_that_was_killed(tmp_path: Path) -> None:
    begin_in_memory(tmp_path)
    memory_directory(tmp_path / "uid" / "volume")
    begin_in_memory(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert mounts.mounted_below(tmp_path) == [tmp_path]
    end_in_memory(tmp_path)
    end_in_memory(tmp_path)


@needs_root
def test_who_may_not_mount_goes_on_with_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(mounts, "mount_tmpfs", refuse)
    begin_in_memory(tmp_path / "pods")
    assert mounts.mounted_below(tmp_path) == []
    assert (tmp_path / "pods").is_dir()


@needs_root
def test_mounts_are_found_below_any_of_several_directories_and_not_beside_them(tmp_path: Path) -> None:
    for name in ("a", "a/b c", "a/b c/d", "ab", "other"):
        (tmp_path / name).mkdir()
        mounts.mount_tmpfs(tmp_path / name)
    found = mounts.mounted_below(tmp_path / "a", tmp_path / "other", tmp_path / "none")
    assert sorted(found[-2:]) == [tmp_path / "a", tmp_path / "other"]
    assert found[:-2] == [tmp_path / "a" / "b c" / "d", tmp_path / "a" / "b c"]
