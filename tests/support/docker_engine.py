"""A Docker engine of a test's own, which it may kill: nothing of it is shared with this machine's.

Its data, its sockets and its containerd are in one folder, and its bridge and rules in the network namespace of whoever
starts it (see tests.support.netns.own_namespace). Needs root.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.support.waiting import until

_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


class DockerEngine:
    """`folder` must be short: the paths of sockets in it have at most 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._folder}/docker.sock"

    def start(self) -> None:
        """Returns once it answers."""
        # A containerd that was killed with its engine may be a zombie for a while, which the next engine would
        # take for one that is alive, and wait for.
        (self._folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)
        options = [
            f"--data-root={self._folder}/data", f"--exec-root={self._folder}/exec", f"--host={self.url}",
            f"--pidfile={self._folder}/pid",
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PATH": _PATH}, start_new_session=True,
            )  # fmt: skip
        until(self._answers)

    def kill(self) -> None:
        """As the kernel does where memory is short. Containers run on, until the next engine ends them."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As a service manager does: it ends its containers, each within its grace."""
        self._end(signal.SIGTERM)

    def docker(self, *args: str, stdin: int | None = None) -> str:
        done = subprocess.run(
            ["docker", f"--host={self.url}", *args], stdin=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"docker {args}: {done.stderr}\n{(self._folder / 'log').read_text()[-4000:]}"
        return done.stdout

    def load(self, image: str) -> None:
        """From this machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            assert saved.stdout is not None
            self.docker("load", stdin=saved.stdout.fileno())

    def remove(self) -> None:
        """Its containers, processes and mounts."""
        if self._process is None:
            self.start()  # Its containers may run: only an engine ends them and what holds them.
        if self._process is not None and self._process.poll() is None:
            left = self.docker("ps", "--all", "--quiet").split()
            if left:
                self.docker("rm", "--force", *left)
            self.kill()
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([path for path in mounts if path.startswith(f"{self._folder}/")]):
            subprocess.run(["umount", "--lazy", mount], check=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-4000:]
        command = ["docker", f"--host={self.url}", "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
