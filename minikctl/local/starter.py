"""Starting the backend: once, however many commands ask at the same time.

Whoever holds start.lock starts it, and the others wait for the lock and find it running. The backend gets the
writing end of a pipe (--ready-fd): a line in it says that it is ready or why it cannot start, its end without one
that it died. It is a process like others or, where the user is not root, one in a container (see container.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from backend.meta.capabilities import holds
from minikctl.command import CommandError
from minikctl.local import control, kubeconfig
from minikctl.local.profile import Profile

LOG_LINES = 15
"""How much of the log an error shows."""
PATIENCE_SECONDS = 30.0
"""How long a backend may take that neither answers nor ends, before the new one says in whose way it is."""
LOG_LIMIT = 10 * 1024 * 1024
"""Bytes; a longer log is moved aside before a start."""
CONTAINER = "MINIKCTL_CONTAINER"
"""Set to `false`, it lets the backend of a user without root be a process like others."""


class Process(Protocol):
    """A backend that was started."""

    def wait(self) -> int:
        """Its exit code, once it has ended; negative for a signal."""


Run = Callable[[Profile, Sequence[str], Mapping[str, str], int, int], Process]
"""Starts (command, environment) whose output goes to a descriptor, and that writes its one line to another. The latter
is the callee's to close: at its end of file nobody writes any more."""


def ensure_running(name: str) -> None:
    """Return once the profile's backend answers; start it if it does not. Raises CommandError with the end of
    its log if it cannot be started."""
    start(Profile.named(name))


def start(profile: Profile, runtime: str = "", options: Sequence[str] = ()) -> bool:
    """As ensure_running; true when this call started it. With a `runtime`, pods are run by that one from now on;
    without, by the one of the last run. Raises CommandError where the cluster runs with another, or where it runs
    and there are more `options`, which are the backend's."""
    with locked(profile, make=True):
        wait_for_another(profile)
        began = not control.answers(profile)
        if began:
            _launch(profile, runtime, options)
        if began or not profile.kubeconfig.exists():  # Whoever started it may have been killed before that.
            description = profile.description()
            if description is None:
                raise CommandError(f"error: {profile.home / 'backend.json'} is missing: has the backend stopped?")
            kubeconfig.write_own(profile, description)
    if runtime and not began:
        present = (profile.description() or {}).get("runtime", "docker")
        if present != runtime:
            text = f'cluster "{profile.name}" is running with the runtime {present}: stop it first'
            raise CommandError(f"error: {text}")
    if options and not began:
        names = " and ".join(option.partition("=")[0] for option in options)
        raise CommandError(f'error: cluster "{profile.name}" is running: stop it first, to start it with {names}')
    return began


def wait_for_another(profile: Profile) -> None:
    """For who holds the start lock. A backend that has the cluster and does not answer is about to end (it was
    told to stop), or to be ready (it was run by hand): there is no one event for whichever comes first."""
    until = time.monotonic() + PATIENCE_SECONDS
    while control.occupied(profile) and not control.answers(profile) and time.monotonic() < until:
        time.sleep(0.02)


@contextmanager
def locked(profile: Profile, *, make: bool = False) -> Iterator[None]:
    """Hold the profile's start lock; waits for whoever has it. With `make` its folder is made if there is none.

    Raises CommandError, also when the cluster was deleted meanwhile.
    """
    while (file := _lock(profile, make)) is None:
        pass
    try:
        yield
    finally:
        os.close(file)


def _lock(profile: Profile, make: bool) -> int | None:
    """The locked file; None if whoever had it deleted the cluster, and this is not its lock any more."""
    if make:
        profile.make_home()
    path = profile.home / "start.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if make and isinstance(error, FileNotFoundError):
            return None
        raise CommandError(f"error: cannot open {error.filename}: {error.strerror}") from None
    fcntl.flock(file, fcntl.LOCK_EX)
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.stat(path), os.fstat(file)):
            return file
    os.close(file)
    return None


def launch_arguments(profile: Profile) -> list[str]:
    """The command that runs the backend. It shares this interpreter and its packages."""
    return [sys.executable, "-P", "-m", "backend", "--home", str(profile.home), "--cluster", profile.name]


def launch_environment() -> dict[str, str]:
    """Few malloc arenas: each costs memory that an idle backend would hold for nothing. What changes the network is
    often where only root's $PATH leads."""
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "MALLOC_ARENA_MAX": "2", "PATH": f"{path}:/usr/sbin:/sbin"}


def _launch(profile: Profile, runtime: str, more: Sequence[str]) -> None:
    options = [*(["--runtime", runtime] if runtime else []), *more]
    if not _lacks_root(profile, runtime):
        return _start(profile, _run_here, options)
    why = f"${CONTAINER} is {os.environ[CONTAINER]}" if _declined() else ""
    if not why:
        from minikctl.local import container

        try:
            return _start(profile, container.run, options)
        except container.CannotContain as error:
            why = str(error)
    return _start(profile, _run_here, [*options, "--uncontained", why])


def _lacks_root(profile: Profile, runtime: str) -> bool:
    """Whether the backend of this user could not do what pods and services need."""
    return os.geteuid() != 0 and (runtime or _last_runtime(profile)) != "fake" and not holds("NET_ADMIN")


def _declined() -> bool:
    return os.environ.get(CONTAINER, "").lower() in ("0", "false", "no")


def _last_runtime(profile: Profile) -> str:
    try:
        return (profile.home / "runtime").read_text().strip()
    except OSError:
        return ""


def _start(profile: Profile, run: Run, options: Sequence[str]) -> None:
    """Return once the backend that `run` starts is ready. Raises CommandError with what is known if it never is."""
    _rotate_log(profile)
    reader, writer = os.pipe()
    log = os.open(profile.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    began = os.fstat(log).st_size
    with os.fdopen(reader, "rb") as pipe:
        try:
            backend = run(profile, [*launch_arguments(profile), *options], launch_environment(), log, writer)
            line = pipe.readline().decode(errors="replace").strip()
        finally:
            os.close(log)
    if line != "ready":
        code = backend.wait()
        raise CommandError(line or _failure(profile, code, began))
    if isinstance(backend, subprocess.Popen):
        backend.returncode = 0  # It goes on without us; nobody waits for it here.


def _run_here(
    _profile: Profile, command: Sequence[str], environment: Mapping[str, str], output: int, ready: int
) -> Process:
    try:
        return subprocess.Popen(
            [*command, "--ready-fd", str(ready)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd="/", env=environment, pass_fds=(ready,), start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(ready)


def _failure(profile: Profile, code: int, began: int) -> str:
    """What is known of the end of a backend that did not say why: it was killed, or has a bug."""
    with profile.log.open("rb") as log:
        log.seek(began)
        lines = log.read().decode(errors="replace").splitlines()
    told = f"exit code {code}" if code >= 0 else f"signal {-code}"
    head = f'error: the backend of cluster "{profile.name}" did not start ({told})'
    if not lines:
        return f"{head}; its log {profile.log} is empty"
    return "\n".join([f"{head}; the last lines of {profile.log}:", *(f"  {line}" for line in lines[-LOG_LINES:])])


def _rotate_log(profile: Profile) -> None:
    if profile.log.exists() and profile.log.stat().st_size > LOG_LIMIT:
        profile.log.replace(profile.log.with_suffix(".log.1"))


def purge(profile: Profile) -> str:
    """Remove what a stopped cluster left in the Docker engine and in the kernel. The answer is for the user's eyes:
    warnings about what an engine that did not answer may still have, or nothing.

    Raises CommandError where something could not be removed, so that the folder is not removed before it.
    """
    command = [*launch_arguments(profile), "--purge"]
    with tempfile.TemporaryFile() as output:
        code = _run_to_end(profile, command, output.fileno())
        output.seek(0)
        said = output.read().decode(errors="replace")
    if code != 0:
        raise CommandError(said.strip() or f"error: the cluster's containers were not removed ({code})")
    return said


def _run_to_end(profile: Profile, command: Sequence[str], output: int) -> int:
    """The exit code of `command`, which may do what root can where that is possible at all: containers leave files that
    are not this user's to remove."""
    environment = launch_environment()
    if _lacks_root(profile, ""):
        from minikctl.local import container

        with contextlib.suppress(container.CannotContain):
            return container.run(profile, command, environment, output, None).wait()
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, cwd="/", env=environment
    ).returncode
