"""`minikctl cp`: an archive through `tar` in the container. Source: k8s.io/kubectl/pkg/cmd/cp/cp.go."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from minikctl.client.errors import Failure
from minikctl.command import Command, CommandError, Flag, Invocation, Streams
from minikctl.commands import copied_files, copied_paths
from minikctl.commands.copied_paths import FileSpec
from minikctl.commands.exec import exec_in
from minikctl.flags import go_quote


def run(call: Invocation) -> int:
    if len(call.args) != 2:
        raise Failure("source and destination are required")
    source, target = map(copied_paths.parse, call.args)
    if source.pod and target.pod:
        raise Failure("one of src or dest must be a local file specification")
    if not source.path or not target.path:
        raise Failure("filepath can not be empty")
    if source.pod:
        return _from_pod(call, source, target.path)
    if target.pod:
        return _to_pod(call, source.path, target)
    raise Failure("one of src or dest must be a remote file specification")


# To a pod.


def _to_pod(call: Invocation, source: str, target: FileSpec) -> int:
    if not os.path.exists(source):
        raise Failure(f"{source} doesn't exist in local filesystem")
    path = target.path
    if _is_folder(call, target):
        path = copied_paths.clean(f"{path}/{os.path.basename(os.path.normpath(source)) or '/'}")
    command = ["tar", "-xmf", "-"]
    if call.flags["no-preserve"]:
        command[1:1] = ["--no-same-permissions", "--no-same-owner"]
    command += ["-C", copied_paths.parent(path)]
    name = copied_paths.base(copied_paths.clean(path))
    with _fed_by(lambda output: copied_files.pack(source, name, output)) as stdin:
        return _execute(call, target, command, Streams(stdin, call.streams.out, call.streams.err), stdin=True)


def _is_folder(call: Invocation, spec: FileSpec) -> bool:
    """Whether the path is a folder in the container, and can be asked for."""
    silent = io.TextIOWrapper(io.BytesIO())
    try:
        return not _execute(call, spec, ["test", "-d", spec.path], Streams(call.streams.stdin, silent, silent))
    except Exception as error:
        if isinstance(error, OSError):
            raise
        return False  # Whatever is wrong is told when the copy itself is tried.


@contextmanager
def _fed_by(produce: Callable[[IO[bytes]], None]) -> Iterator[io.TextIOWrapper]:
    """A file to read what `produce` writes, in a thread of its own; its failure is raised at the end."""
    reading, writing = os.pipe()
    failures: list[Failure] = []

    def work() -> None:
        with open(writing, "wb", buffering=0) as output:
            try:
                produce(output)
            except Failure as error:
                failures.append(error)
            except BrokenPipeError:
                pass  # The container's tar has ended, and says why itself.

    thread = threading.Thread(target=work, daemon=True)
    with io.TextIOWrapper(os.fdopen(reading, "rb", buffering=0)) as stdin:
        thread.start()
        try:
            yield stdin
        except CommandError:
            if not failures:
                raise
    thread.join()
    if failures:
        raise failures[0]


# From a pod.


def _from_pod(call: Invocation, source: FileSpec, target: str) -> int:
    prefix = copied_paths.archive_prefix(source.path)
    warned = False

    def skipped(path: str, link: str) -> None:
        nonlocal warned
        if not link:
            text = f"warning: file {go_quote(path)} is outside target destination, skipping"
        else:
            text = f"warning: skipping symlink: {go_quote(path)} -> {go_quote(link)}"
            if not warned:
                where = f"-n {go_quote(source.namespace)} {go_quote(source.pod)}"
                text += f' (consider using "minikctl exec {where} -- tar cf - {go_quote(source.path)} | tar xf -")'
            warned = True
        call.streams.err.write(f"{text}\n")

    remote = _RemoteArchive(call, source)
    try:
        copied_files.unpack(cast(IO[bytes], remote), prefix, target, skipped)
    except Failure:
        remote.finish()
        raise
    remote.finish()
    return 0


class _RemoteArchive:
    """What the container's tar writes. With --retries it goes on where the stream broke off."""

    def __init__(self, call: Invocation, source: FileSpec) -> None:
        self._call = call
        self._source = source
        self._tries = call.flags["retries"]
        self._retries = 0
        self._count = 0
        self._start()

    def read(self, size: int = -1) -> bytes:
        while True:
            data = self._stream.read(size)
            if data:
                self._count += len(data)
                return data
            self._raise_failure()
            out = self._call.streams.out
            if 0 <= self._tries <= self._retries:
                out.write(f"Dropping out copy after {self._retries} retries\n")
                return b""
            self._retries += 1
            out.write(f"Resuming copy at {self._count} bytes, retry {self._retries}/{self._tries}\n")
            self._stream.close()
            self._start()

    def finish(self) -> None:
        """Read to the end, and raise what the container's tar ended with."""
        while self._stream.read(copied_files.PIECE):
            pass
        self._raise_failure()
        self._stream.close()

    def _start(self) -> None:
        path = self._source.path
        command = ["tar", "cf", "-", path]
        if self._tries:
            command = ["sh", "-c", f"tar cf - {path} | tail -c+{self._count + 1 if self._count else 0}"]
        reading, writing = os.pipe()
        self._stream = os.fdopen(reading, "rb")
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._copy, args=(command, writing), daemon=True)
        self._thread.start()

    def _copy(self, command: list[str], writing: int) -> None:
        streams = self._call.streams
        with io.TextIOWrapper(os.fdopen(writing, "wb", buffering=0)) as out:
            try:
                # What tar complains of goes to standard output, as kubectl has it.
                _execute(self._call, self._source, command, streams._replace(out=out, err=streams.out))
            except BrokenPipeError:
                pass
            except Exception as error:
                self._failure = error

    def _raise_failure(self) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure


def _execute(
    call: Invocation, spec: FileSpec, command: list[str], streams: Streams, *, stdin: bool = False
) -> int:
    namespace = spec.namespace or call.factory.namespace
    pod: dict[str, Any] = call.factory.client.get(f"/api/v1/namespaces/{namespace}/pods/{spec.pod}")
    flags = {**call.flags, "stdin": stdin, "tty": False, "quiet": False}
    return exec_in(call._replace(flags=flags, streams=streams), pod, command)


COMMAND = Command(
    use="cp <file-spec-src> <file-spec-dest>",
    short="Copy files and directories to and from containers",
    long="Copy files and directories to and from containers. The container must have a tar; for links, wildcards or"
    " file modes use exec and tar.",
    examples="""
  # Copy a folder to a pod
  minikctl cp /tmp/foo_dir mypod:/tmp/bar_dir

  # Copy a file to one container of a pod
  minikctl cp /tmp/foo mypod:/tmp/bar -c mycontainer

  # Copy a file to a pod of another namespace
  minikctl cp /tmp/foo mynamespace/mypod:/tmp/bar

  # Copy a file from a pod
  minikctl cp mynamespace/mypod:/tmp/foo /tmp/bar""",
    run=run,
    flags=(
        Flag(
            "container", "string", "", short="c", usage=
            "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the"
            " container to be attached or the first container in the pod will be chosen",
        ),
        Flag(
            "no-preserve", "bool", False,
            "The copied file/directory's ownership and permissions will not be preserved in the container",
        ),
        Flag(
            "retries", "int", 0,
            "Set number of retries to complete a copy operation from a container. Specify 0 to disable or any negative"
            " value for infinite retrying. The default is 0 (no retry).",
        ),
    ),
)  # fmt: skip
