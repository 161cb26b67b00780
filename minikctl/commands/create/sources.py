"""Keys and values for secrets and config maps, from files, folders, literals and env files.

Source of the rules and texts: k8s.io/kubectl/pkg/cmd/create (create_secret.go, create_configmap.go) and
k8s.io/kubectl/pkg/cmd/util (ParseFileSource, ParseLiteralSource, AddFromEnvFile). Beyond kubectl, `~` at the start of a
file's path is the home directory.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable

from backend.meta.names import env_var_name
from minikctl.client.errors import Failure
from minikctl.command import Flag

Add = Callable[[str, bytes], None]
"""Takes one key and its value; raises Failure for a key that cannot be, or is there already."""

MAX_LINE = 64 * 1024
"""Bytes of an env file's line; reading ends before a longer one, as Go's bufio.Scanner does."""


def source_flags(what: str) -> tuple[Flag, ...]:
    """--from-env-file, --from-file and --from-literal for a `secret` or a `configmap`."""
    return (
        Flag(
            "from-env-file", "stringSlice", [],
            f"Specify the path to a file to read lines of key=val pairs to create a {what}.",
        ),
        Flag(
            "from-file", "stringSlice", [],
            "Key files can be specified using their file path, in which case a default name will be given to them, or"
            " optionally with a name and file path, in which case the given name will be used.  Specifying a"
            f" directory will iterate each named file in the directory that is a valid {what} key.",
        ),
        Flag(
            "from-literal", "stringArray", [],
            f"Specify a key and literal value to insert in {what} (i.e. mykey=somevalue)",
        ),
    )  # fmt: skip


def check_combination(env_files: list[str], files: list[str], literals: list[str]) -> None:
    if env_files and (files or literals):
        raise Failure("from-env-file cannot be combined with from-file or from-literal")


def add_literals(sources: Iterable[str], add: Add) -> None:
    for source in sources:
        key, equals, value = source.partition("=")
        if not key or not equals:
            raise Failure(f"invalid literal source {source}, expected key=value")
        add(key, value.encode("utf-8", "surrogateescape"))


def add_files(sources: Iterable[str], add: Add) -> None:
    """A folder gives a key for each regular file in it, in the order of their names."""
    for source in sources:
        key, path = parse_file_source(source)
        path = expand_home(path)
        try:
            is_folder = os.path.isdir(path) if os.stat(path) else False
        except OSError as error:
            raise Failure(f"error reading {path}: {go_text(error)}") from None
        if not is_folder:
            add(key, read_file(path))
            continue
        if "=" in source:
            raise Failure("cannot give a key name for a directory path")
        for name in regular_files(path):
            add(name, read_file(posixpath.join(path, name)))


def regular_files(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError as error:
        raise Failure(f"error listing files in {path}: open {path}: {go_text(error)}") from None


def add_env_files(sources: Iterable[str], what: str, add: Add) -> None:
    """`what` is "secret" or "config", as the error for a folder says it."""
    for source in sources:
        path = expand_home(source)
        try:
            is_folder = os.path.isdir(path) if os.stat(path) else False
        except OSError as error:
            raise Failure(f"error reading {path}: {go_text(error)}") from None
        if is_folder:
            raise Failure(f"env {what} file cannot be a directory")
        for number, line in enumerate(_lines(read_file(path))):
            key, value = _env_line(line, path, number)
            if key:
                add(key, value)


def _lines(content: bytes) -> Iterable[bytes]:
    for line in content.split(b"\n"):
        if len(line) >= MAX_LINE:
            return
        yield line.removesuffix(b"\r")


def _env_line(line: bytes, path: str, number: int) -> tuple[str, bytes]:
    """("", b"") for an empty line or a comment. A name without "=" takes its value from the environment."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        shown = " ".join(str(byte) for byte in line)
        raise Failure(f"env file {path} contains invalid utf8 bytes at line {number + 1}: [{shown}]") from None
    if number == 0:
        text = text.removeprefix("\ufeff")
    text = text.lstrip()
    if not text or text.startswith("#"):
        return "", b""
    key, equals, value = text.partition("=")
    faults = env_var_name(key)
    if faults:
        raise Failure(f'"{key}" is not a valid key name: {";".join(faults)}')
    return key, (value if equals else os.environ.get(key, "")).encode()


def parse_file_source(source: str) -> tuple[str, str]:
    """`[KEY=]PATH` -> (key, path); the key defaults to the file's name."""
    count = source.count("=")
    if count == 0:
        return posixpath.basename(source.rstrip("/")) or ("/" if source else "."), source
    if count > 1:
        raise Failure("key names or file paths cannot contain '='")
    key, _, path = source.partition("=")
    if not key:
        raise Failure(f"key name for file path {path} missing")
    if not path:
        raise Failure(f"file path for key name {key} missing")
    return key, path


def expand_home(path: str) -> str:
    """`~` and `~/...` by the home directory, which a shell does not do behind `key=`."""
    return os.path.expanduser(path) if path == "~" or path.startswith("~/") else path


def read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except IsADirectoryError:
        raise Failure(f"read {path}: is a directory") from None
    except OSError as error:
        raise Failure(f"open {path}: {go_text(error)}") from None


def go_text(error: OSError) -> str:
    """The errno's text as Go prints it."""
    return (error.strerror or str(error)).lower()
