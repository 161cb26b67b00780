"""Running the command line as a user does: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent

NOT_PASSED_ON = ("MINIKCTL_", "PYTHONDONTWRITEBYTECODE")
"""Of the environment: what chooses another cluster, and what makes every command compile itself anew."""


class Output(str):
    """What a command printed to stdout, with `.stderr`, `.exit_code` and `.json` beside it."""

    stderr: str
    exit_code: int

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str]) -> Output:
        output = cls(done.stdout)
        output.stderr = done.stderr
        output.exit_code = done.returncode
        return output

    @property
    def json(self) -> Any:
        return json.loads(self)

    def __repr__(self) -> str:
        return f"exit code {self.exit_code}\nstdout: {str(self)!r}\nstderr: {self.stderr!r}"


class Cluster:
    """A local cluster under a home of its own, and a way to run commands against it."""

    def __init__(self, home: Path, name: str, env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.name = name
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(NOT_PASSED_ON)},
            "MINIKCTL_HOME": str(home),
            "MINIKCTL_CLUSTER": name,
            "HOME": str(home.parent),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            **(env or {}),
        }

    @property
    def folder(self) -> Path:
        return self.home / "clusters" / self.name

    @property
    def pid(self) -> int:
        return int(json.loads((self.folder / "backend.json").read_text())["pid"])

    def kill(self) -> None:
        """As `kill -9` of the backend, until it is gone: dying, it may take one more connection, and reset it."""
        process = os.pidfd_open(self.pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            assert select.select([process], [], [], 30)[0], "the backend outlived its SIGKILL"
        finally:
            os.close(process)

    def run(
        self, *args: str, stdin: str = "", timeout: float = 90, cwd: Path | None = None, check: bool = True
    ) -> Output:
        """minikctl ARGS; with `check` it must exit with 0."""
        output = self.execute(str(BIN / "minikctl"), *args, stdin=stdin, timeout=timeout, cwd=cwd)
        assert not check or output.exit_code == 0, f"minikctl {' '.join(args)}: {output!r}"
        return output

    def fails(self, *args: str, stdin: str = "", cwd: Path | None = None) -> Output:
        """minikctl ARGS, which must not exit with 0."""
        output = self.run(*args, stdin=stdin, cwd=cwd, check=False)
        assert output.exit_code != 0, f"minikctl {' '.join(args)}: {output!r}"
        return output

    def kubectl(self, *args: str, stdin: str = "", timeout: float = 90, cwd: Path | None = None) -> Output:
        """The real kubectl, with the kubeconfig that the cluster generates."""
        kubeconfig = self.home.parent / f"{self.name}.kubeconfig"
        if not kubeconfig.exists():
            kubeconfig.write_text(self.run("cluster", "kubeconfig"))
        command = (str(BIN / "kubectl"), f"--kubeconfig={kubeconfig}", *args)
        return self.execute(*command, stdin=stdin, timeout=timeout, cwd=cwd)

    def same(self, *args: str, stdin: str = "", cwd: Path | None = None) -> Output:
        """Run a command that changes nothing through the real kubectl and through minikctl: output, errors and
        exit code must be equal but for the program's name."""
        ours = self.run(*args, stdin=stdin, cwd=cwd, check=False)
        theirs = self.kubectl(*args, stdin=stdin, cwd=cwd)
        theirs.stderr = theirs.stderr.replace("kubectl", "minikctl")
        assert repr(ours) == repr(theirs), f"{' '.join(args)}\nminikctl: {ours!r}\nkubectl: {theirs!r}"
        return ours

    def execute(self, *command: str, stdin: str = "", timeout: float = 90, cwd: Path | None = None) -> Output:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, errors="surrogateescape",
            env=self.env, timeout=timeout, cwd=cwd, check=False,
        )  # fmt: skip
        return Output.of(done)

    def spawn(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        """minikctl ARGS in the background; the caller ends it."""
        return subprocess.Popen([str(BIN / "minikctl"), *args], env=self.env, text=True, **options)

    def wait_for_pod(self, name: str, expression: str, expected: str, *, namespace: str = "default") -> None:
        """Return once the pod's jsonpath expression is `expected`, told by a watch."""
        template = f"jsonpath={{{expression}}}{{'\\n'}}"
        watch = self.spawn("get", "pod", name, "-n", namespace, "--watch", "-o", template, stdout=subprocess.PIPE)
        seen: list[str] = []
        timer = threading.Timer(120, watch.kill)
        timer.start()
        try:
            assert watch.stdout is not None
            for line in watch.stdout:
                seen.append(line.strip())
                if seen[-1] == expected:
                    return
        finally:
            timer.cancel()
            watch.kill()
            watch.communicate()
        raise AssertionError(
            f"pod {name} never had {expression} = {expected!r}, only {seen}\n"
            + self.run("describe", "pod", name, "-n", namespace, check=False)
        )

    def delete(self) -> None:
        if self.folder.exists():
            self.run("cluster", "delete")
