"""Lines of commands through both programs, many at once."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CHUNK = 25


def chunks(name: str) -> list[list[str]]:
    """The lines of a file of this folder, `args < file of stdin`, some at a time; # begins a comment."""
    lines = [line for line in (FOLDER / name).read_text().splitlines() if line[:1] not in ("#", "")]
    return [lines[at : at + CHUNK] for at in range(0, len(lines), CHUNK)]


def write_manifests(folder: Path) -> None:
    """The files of manifests.json, whose text is Latin-1 for their bytes."""
    for name, text in json.loads((FOLDER / "manifests.json").read_text()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))


def differences(
    lines: Iterable[str], run: Callable[[list[str], bytes], tuple[Any, Any]], folder: Path, attempts: int = 1
) -> list[str]:
    """What kubectl and minikctl did not do alike, `run(args, stdin)` having done both."""

    def compare(line: str) -> str:
        command, _, stdin = line.partition(" < ")
        given = (folder / stdin).read_bytes() if stdin else b""
        for _ in range(attempts):
            kubectl, minikctl = run(shlex.split(command), given)
            if kubectl == minikctl:
                return ""
        return f"{line}\n  kubectl:  {kubectl}\n  minikctl: {minikctl}\n"

    with ThreadPoolExecutor(2) as threads:
        return [text for text in threads.map(compare, lines) if text]
