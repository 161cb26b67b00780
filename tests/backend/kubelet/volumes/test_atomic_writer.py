"""The layout that programs rely on: ..data, a directory named by a time, and symlinks."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path

import pytest

from backend.kubelet.volumes.atomic_writer import File, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_seen_through_one_symlink(tmp_path: Path) -> None:
    assert write_atomically(tmp_path, {"user": File(b"root", 0o400), "deep/er/key": File(b"k", 0o644)})
    data = os.readlink(tmp_path / "..data")
    assert re.fullmatch(r"\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\S+", data)
    assert os.readlink(tmp_path / "user") == "..data/user"
    assert os.readlink(tmp_path / "deep") == "..data/deep"
    assert (tmp_path / "user").read_bytes() == b"root"
    assert (tmp_path / "deep/er/key").read_bytes() == b"k"
    assert (mode(tmp_path / "user"), mode(tmp_path / "deep/er/key"), mode(tmp_path / data)) == (
        0o400,
        0o644,
        0o755,
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([data, "..data", "deep", "user"])


def test_the_same_payload_touches_nothing(tmp_path: Path) -> None:
    payload = {"a": File(b"1", 0o644)}
    write_atomically(tmp_path, payload)
    before = os.readlink(tmp_path / "..data")
    assert not write_atomically(tmp_path, payload)
    assert os.readlink(tmp_path / "..data") == before


@pytest.mark.parametrize(
    "payload",
    [{"a": File(b"2", 0o644)}, {"a": File(b"1", 0o600)}, {"b": File(b"1", 0o644)}, {}, {"a/b": File(b"1", 0o644)}],
)
def test_any_change_replaces_the_whole_set(tmp_path: Path, payload: dict[str, File]) -> None:
    write_atomically(tmp_path, {"a": File(b"1", 0o644)})
    before = os.readlink(tmp_path / "..data")
    assert write_atomically(tmp_path, payload)
    after = os.readlink(tmp_path / "..data")
    assert before != after
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        {after, "..data", *(path.partition("/")[0] for path in payload)}
    )
    for path, file in payload.items():
        assert (tmp_path / path).read_bytes() == file.data


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    write_atomically(tmp_path, {"a": File(b"1", 0o644)})
    (tmp_path / "..2020_01_01_00_00_00.dead").mkdir()
    (tmp_path / "..data_tmp").symlink_to("..2020_01_01_00_00_00.dead")
    (tmp_path / "a").unlink()
    write_atomically(tmp_path, {"a": File(b"1", 0o644)})
    assert (tmp_path / "a").read_bytes() == b"1"
    write_atomically(tmp_path, {"a": File(b"2", 0o644)})
    assert len(list(tmp_path.iterdir())) == 3


def test_a_failed_write_leaves_the_old_set(tmp_path: Path) -> None:
    write_atomically(tmp_path, {"a": File(b"1", 0o644)})
    with pytest.raises(OSError, match="File name too long"):
        write_atomically(tmp_path, {"a": File(b"2", 0o644), "x" * 300: File(b"", 0o644)})
    assert (tmp_path / "a").read_bytes() == b"1"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_reader_never_sees_a_mixture(tmp_path: Path) -> None:
    def payload(number: int) -> dict[str, File]:
        return {name: File(b"%d" % number, 0o644) for name in ("a", "b")}

    write_atomically(tmp_path, payload(0))
    done = threading.Event()
    seen: list[tuple[bytes, bytes]] = []

    def read() -> None:
        while not done.is_set():
            try:
                folder = os.open(tmp_path / "..data", os.O_PATH | os.O_DIRECTORY)
            except FileNotFoundError:  # What the link named is gone already: a reader looks again.
                continue
            try:
                pair = tuple(Path(f"/proc/self/fd/{folder}", name).read_bytes() for name in ("a", "b"))
            except FileNotFoundError:
                continue
            finally:
                os.close(folder)
            seen.append(pair)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 100):
        write_atomically(tmp_path, payload(number))
    done.set()
    reader.join()
    assert seen
    assert all(a == b for a, b in seen)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_group_owns_and_reads_the_files(tmp_path: Path) -> None:
    payload = {"d/a": File(b"1", 0o400)}
    write_atomically(tmp_path, payload, group=4321)
    file = tmp_path / "d/a"
    assert (file.stat().st_gid, mode(file)) == (4321, 0o440)
    assert (tmp_path / "d").stat().st_gid == 4321
    assert mode(tmp_path / "d") & 0o2550 == 0o2550
    assert not write_atomically(tmp_path, payload, group=4321)
