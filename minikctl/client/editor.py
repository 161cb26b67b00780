"""The user's editor on a temporary file. Source: k8s.io/kubectl/pkg/cmd/util/editor/editor.go."""

from __future__ import annotations

import os
import subprocess
import tempfile

from minikctl.client.errors import Failure
from minikctl.flags import go_quote

VARIABLES = ("KUBE_EDITOR", "EDITOR")


def launch(text: bytes, suffix: str) -> tuple[bytes, str]:
    """(what the editor left, the file that has it, which stays). Failure if the editor cannot be run or fails."""
    descriptor, path = tempfile.mkstemp(suffix, "minikctl-edit-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    _run(path)
    with open(path, "rb") as file:
        return file.read(), path


def _run(path: str) -> None:
    words, through_shell = _editor()
    command = [*words[:-1], f"{words[-1]} {go_quote(path)}"] if through_shell else [*words, path]
    try:
        code = subprocess.run(command).returncode
    except FileNotFoundError:
        raise Failure(f"unable to launch the editor {go_quote(' '.join(words))}") from None
    except OSError:
        code = 1
    if code:
        raise Failure(f"there was a problem with the editor {go_quote(' '.join(words))}")


def _editor() -> tuple[list[str], bool]:
    """(the words that start the editor, whether a shell is to read the last of them)."""
    chosen = next((value for name in VARIABLES if (value := os.environ.get(name))), "vi")
    if not any(char in chosen for char in "\"'\\"):
        return chosen.split(" "), False
    return [os.environ.get("SHELL") or "/bin/bash", "-c", chosen], " " in chosen
