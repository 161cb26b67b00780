"""Starting the backend: once, however many commands ask at the same time.

Whoever holds start.lock starts it, and the others wait for the lock and find it running. The backend gets the
writing end of a pipe (--ready-fd): a line in it says that it is ready or why it cannot start, its end without one
that it died.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from minikctl.command import CommandError
from minikctl.local import control, kubeconfig
from minikctl.local.profile import Profile

LOG_LINES = 15
"""How much of the log an error shows."""
PATIENCE_SECONDS = 30.0
"""How long a backend may take that neither answers nor ends, before the new one says in whose way it is."""
LOG_LIMIT = 10 * 1024 * 1024
"""Bytes; a longer log is moved aside before a start."""


def ensure_running(name: str) -> None:
    """Return once the profile's backend answers; start it if it does not. Raises CommandError with the end of
    its log if it cannot be started."""
    start(Profile.named(name))


def start(profile: Profile, runtime: str = "") -> bool:
    """As ensure_running; true when this call started it. With a `runtime`, pods are run by that one from now on;
    without, by the one of the last run. Raises CommandError where the cluster runs with another."""
    with locked(profile, make=True):
        wait_for_another(profile)
        began = not control.answers(profile)
        if began:
            _launch(profile, runtime)
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
    """Few malloc arenas: each costs memory that an idle backend would hold for nothing."""
    return {**os.environ, "MALLOC_ARENA_MAX": "2"}


def _launch(profile: Profile, runtime: str) -> None:
    _rotate_log(profile)
    reader, writer = os.pipe()
    log = os.open(profile.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    began = os.fstat(log).st_size
    try:
        backend = subprocess.Popen(
            [*launch_arguments(profile), "--ready-fd", str(writer), *(["--runtime", runtime] if runtime else [])],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            cwd="/", env=launch_environment(), pass_fds=(writer,), start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(writer)
        os.close(log)
    with os.fdopen(reader, "rb") as pipe:
        line = pipe.readline().decode(errors="replace").strip()
    if line == "ready":
        backend.returncode = 0  # It goes on without us; nobody waits for it here.
        return
    code = backend.wait()
    raise CommandError(line or _failure(profile, code, began))


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
    """Remove what a stopped cluster left in the Docker engine and in mounts. The answer is for the user's eyes:
    warnings about what an engine that did not answer may still have, or nothing.

    Raises CommandError where something could not be removed, so that the folder is not removed before it.
    """
    done = subprocess.run(
        [*launch_arguments(profile), "--purge"], capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode != 0:
        raise CommandError(
            done.stderr.strip() or f"error: the cluster's containers were not removed ({done.returncode})"
        )
    return done.stderr
