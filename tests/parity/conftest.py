"""The same command line through real kubectl and through minikctl, against one backend."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.backend_process import running_backend

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or ""
MINIKCTL = [sys.executable, "-m", "minikctl"]


class Outcome(NamedTuple):
    """What a process left: exit code and texts, the program's name and ages made comparable."""

    code: int
    out: str
    err: str


Both = Callable[..., tuple[Outcome, Outcome]]
Apart = Callable[..., tuple[Outcome, Outcome]]


@pytest.fixture(scope="session")
def parity_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a running backend (without a kubelet), a kubeconfig for kubectl and a few objects."""
    if not KUBECTL:
        pytest.skip("kubectl is not installed beside the interpreter")
    with running_backend(tmp_path_factory.mktemp("parity")) as home:
        yield home


_UNIQUE = re.compile(
    r"(?<=uid: )\S+|(?<=resourceVersion: )\S+|(?<=\"uid\": )\S+|(?<=\"resourceVersion\": )\S+"
    r"|\d{4}-\d\d-\d\dT[\d:]{8}Z|(?<=W)\d{4} [\d:.]+ +\d+"
)
_AGE = re.compile(r"\b(\d+d)?(\d+h)?(\d+m)?\d+[smhd]\b")


def comparable(text: str) -> str:
    """`text` with kubectl called minikctl, ages, times, uids and revisions alike, without logs of failed discovery."""
    kept = "".join(line for line in text.splitlines(keepends=True) if "memcache.go" not in line)
    alike = _AGE.sub("AGE", _UNIQUE.sub("UNIQUE", _named(kept)))
    return re.sub(r"\bAGE +", "AGE ", alike)  # An age that grew a digit moves what follows it.


def _named(text: str) -> str:
    """kubectl, where it is the program, by our name; not where it is a field manager's or an annotation's."""
    return re.sub(r"kubectl(?!-create|\.kubernetes\.io)", "minikctl", text)


@pytest.fixture(scope="session")
def pretending_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As `parity_home`, with a node on the fake runtime, whose pods run."""
    if not KUBECTL:
        pytest.skip("kubectl is not installed beside the interpreter")
    with running_backend(tmp_path_factory.mktemp("pretending"), "--runtime", "fake") as home:
        yield home


@pytest.fixture(scope="session")
def both(parity_home: Path) -> Both:
    """`both("get", "pods", stdin=b"", cwd=...)` -> (kubectl's outcome, minikctl's)."""
    return _both(parity_home)


@pytest.fixture(scope="session")
def pretending_both(pretending_home: Path) -> Both:
    return _both(pretending_home)


def _both(home: Path) -> Both:
    env = _environment(home)

    def run(*args: str, stdin: bytes = b"", cwd: Path | None = None) -> tuple[Outcome, Outcome]:
        """One after the other, but for a watch until its timeout: it changes nothing, and only waits."""
        kubectl, minikctl = ((program, args, stdin, cwd, env) for program in ([KUBECTL], MINIKCTL))
        if "--request-timeout=1" not in args:
            return _call(*kubectl), _call(*minikctl)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(_call, *kubectl)
            second = _call(*minikctl)
            return first.result(), second

    return run


@pytest.fixture(scope="session")
def apart(parity_home: Path) -> Iterator[Apart]:
    """As `both`, at once, each program in a namespace of its own: `apart(("one", "two"), "get", "pods")`.

    The names are as long as each other. What the second outcome says of the second namespace is said of the first.
    """
    with _apart(parity_home) as run:
        yield run


@pytest.fixture(scope="session")
def pretending_apart(pretending_home: Path) -> Iterator[Apart]:
    with _apart(pretending_home) as run:
        yield run


@contextmanager
def _apart(parity_home: Path) -> Iterator[Apart]:
    home = _environment(parity_home)

    def run(
        namespaces: tuple[str, str],
        *args: str,
        stdin: bytes = b"",
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> tuple[Outcome, Outcome]:
        one, two = namespaces
        env = {**home, **(env or {})}
        kubectl = threads.submit(_call, [KUBECTL, "-n", one], args, stdin, cwd, env)
        code, out, err = _call([*MINIKCTL, "-n", two], args, stdin, cwd, env)
        return kubectl.result(), Outcome(code, out.replace(two, one), err.replace(two, one))

    with ThreadPoolExecutor(1) as threads:
        yield run


def alone(program: list[str], home: Path, *args: str) -> Outcome:
    """The outcome of one of the two."""
    return _call(program, args, b"", None, _environment(home))


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(home / "kubeconfig"), "MINIKCTL_HOME": str(home)}


def _call(
    program: list[str], args: tuple[str, ...], stdin: bytes, cwd: Path | None, env: dict[str, str]
) -> Outcome:
    done = subprocess.run([*program, *args], input=stdin, capture_output=True, env=env, cwd=cwd, timeout=60)
    return Outcome(done.returncode, comparable(done.stdout.decode()), comparable(done.stderr.decode()))
