"""`minikctl config view`. Source: k8s.io/kubectl/pkg/cmd/config/view.go."""

from __future__ import annotations

import os
from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands.config import embedding
from minikctl.commands.config.fields import FIELDS, in_order, redacted
from minikctl.commands.config.files import SECTIONS, Files, normalized
from minikctl.output.printers import make_printer, output_flags

_EMBEDDED = (
    ("clusters", "certificate-authority"),
    ("users", "client-certificate"),
    ("users", "client-key"),
)
"""Paths whose file's bytes can stand in the kubeconfig, as NAME-data."""


def run(call: Invocation) -> int:
    """Print all files as one, secrets left out unless --raw or --flatten wants them."""
    flags = call.flags
    if call.args:
        raise UsageError(f"unexpected arguments: [{' '.join(call.args)}]")
    printer = make_printer(flags, typed=True)
    files = Files(call, flags["cluster"])
    document = files.merged()
    if flags["context"]:
        document["current-context"] = flags["context"]
    if flags["minify"]:
        document = _minified(document)
    if flags["flatten"]:
        _flatten(document, os.path.dirname(os.path.abspath(files.default)))
    shown = normalized(document)
    if not (flags["raw"] or flags["flatten"]):
        shown = redacted(shown)
    printer.print(in_order(shown), call.streams.out)
    return 0


def _minified(document: dict[str, Any]) -> dict[str, Any]:
    """Only what the current context needs."""
    current = document.get("current-context")
    if not current:
        raise Failure("current-context must exist in order to minify")
    context = _named(document, "contexts", current)
    if not context:
        raise Failure(f"cannot locate context {current}")
    value = context[0]["context"]
    return {
        **document,
        "contexts": context,
        "clusters": _named(document, "clusters", value.get("cluster", "")),
        "users": _named(document, "users", value.get("user", "")),
    }


def _named(document: dict[str, Any], section: str, name: str) -> list[dict[str, Any]]:
    return [entry for entry in document[section] if entry["name"] == name]


def _flatten(document: dict[str, Any], base: str) -> None:
    """Put files' bytes in the place of their paths, which are relative to `base`."""
    for section, key in _EMBEDDED:
        for entry in document[section]:
            value = entry[SECTIONS[section]]
            path = value.pop(key, "")
            if path and f"{key}-data" in FIELDS[section]:
                value.setdefault(f"{key}-data", embedding.encoded(os.path.join(base, path)))


COMMAND = Command(
    use="view [flags]",
    short="Display merged kubeconfig settings or a specified kubeconfig file",
    long="Display merged kubeconfig settings or a specified kubeconfig file.\n\n"
    "With -o jsonpath={...}, only some values of it.",
    examples="""
  # All settings, without secrets
  minikctl config view

  # With certificates and secrets
  minikctl config view --raw

  # The password of the user e2e
  minikctl config view -o jsonpath='{.users[?(@.name == "e2e")].user.password}' --raw""",
    run=run,
    flags=(
        Flag(
            "flatten", "bool", False,
            "Flatten the resulting kubeconfig file into self-contained output (useful for creating portable kubeconfig"
            " files)",
        ),
        Flag("minify", "bool", False, "Remove all information not used by current-context from the output"),
        *(flag._replace(default="yaml") if flag.name == "output" else flag for flag in output_flags()),
        Flag("raw", "bool", False, "Display raw byte data and sensitive data"),
    ),
)  # fmt: skip
