"""The archives in which `cp` carries files: made from this machine's, and unpacked here. Source: as cp.py's."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from typing import IO

from minikctl.client.errors import Failure
from minikctl.commands import copied_paths

PIECE = 256 * 1024


def pack(source: str, name: str, output: IO[bytes]) -> None:
    """An archive of a file or a folder, called `name` in it. Raises Failure, and BrokenPipeError of the reader's."""
    # GNU's format, since small tars do not know the long names of the newer one.
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.GNU_FORMAT, bufsize=PIECE) as archive:
        try:
            _add(archive, os.path.normpath(source), name)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _failure("open", error.filename or source, error) from None


def _add(archive: tarfile.TarFile, path: str, name: str) -> None:
    """Links as links; of folders only those that are empty, since the others come with their files."""
    is_folder = os.path.isdir(path) and not os.path.islink(path)
    entries = sorted(os.listdir(path)) if is_folder else []
    for entry in entries:
        _add(archive, os.path.join(path, entry), f"{name}/{entry}")
    if entries:
        return
    info = archive.gettarinfo(path, name)
    if info is None:
        raise Failure("archive/tar: sockets not supported")
    info.mtime = int(info.mtime)
    if not info.isreg():
        if info.islnk():  # A second name of a file that the archive has already: kubectl copies it again.
            info.type, info.linkname = tarfile.REGTYPE, ""
            info.size = os.stat(path).st_size
        else:
            archive.addfile(info)
            return
    with open(path, "rb") as file:
        archive.addfile(info, file)


def unpack(stream: IO[bytes], prefix: str, target: str, skipped: Callable[[str, str], None]) -> int:
    """Files and folders under `prefix` become `target`; how many entries there were.

    `skipped` is called with a path and where it links to for each symbolic link, which is never made, and with a path
    and "" for what would be outside of `target`. Raises Failure.
    """
    count = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as archive:
            for entry in archive:
                count += 1
                if not entry.name.startswith(prefix):
                    raise Failure("tar contents corrupted")
                path = os.path.normpath(f"{target}/{copied_paths.remote(entry.name[len(prefix) :])}")
                if not copied_paths.is_within(target, path):
                    skipped(path, "")
                elif entry.issym():
                    _make_folder(os.path.dirname(path))
                    skipped(path, entry.linkname)
                else:
                    _write(archive, entry, path)
    except tarfile.TarError as error:
        empty = isinstance(error, tarfile.ReadError) and count == 0 and str(error) == "empty file"
        if not empty:
            raise Failure("unexpected EOF") from None
    return count


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: str) -> None:
    _make_folder(path if entry.isdir() else os.path.dirname(path))
    if entry.isdir():
        return
    content = archive.extractfile(entry) if entry.isreg() else None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise _failure("open", path, error) from None
    with os.fdopen(descriptor, "wb") as file:
        while content is not None and (data := content.read(PIECE)):
            file.write(data)


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path or ".", 0o755, exist_ok=True)
    except OSError as error:
        raise _failure("mkdir", str(error.filename or path), error) from None


def _failure(doing: str, path: str, error: OSError) -> Failure:
    text = "not a directory" if isinstance(error, FileExistsError) else (error.strerror or str(error)).lower()
    return Failure(f"{doing} {path}: {text}")
