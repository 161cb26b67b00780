"""The sections of a command's help, in kubectl's shape. Source: k8s.io/kubectl/pkg/util/templates."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from minikctl.command import Flag
from minikctl.flags import go_duration


def command_help(long: str, examples: str, commands: str, flags: Sequence[Flag], use: str) -> str:
    """Description, examples, commands, options and usage; the caller adds the last lines."""
    parts = [_description(long)]
    if examples.strip():
        parts.append("Examples:\n" + _examples(examples) + "\n")
    if commands:
        parts.append(commands)
    shown = sorted((flag for flag in flags if not flag.hidden), key=lambda flag: flag.name)
    if shown:
        parts.append("Options:\n" + "\n".join(flag_help(flag) for flag in shown) + "\n")
    parts.append(f"Usage:\n  minikctl {use} [options]\n\n")
    return "".join(parts)


def _description(long: str) -> str:
    """The first paragraph as it is, the others one space in."""
    paragraphs = textwrap.dedent(long).strip().split("\n\n")
    return "\n\n".join([paragraphs[0], *(f" {paragraph}" for paragraph in paragraphs[1:])]) + "\n\n"


def _examples(examples: str) -> str:
    lines = textwrap.dedent(examples.strip("\n")).rstrip().splitlines()
    return "".join(f"  {line}\n" for line in lines)


def flag_help(flag: Flag) -> str:
    """`    -o, --output='':` and, on the next line, what the flag does."""
    short = f"-{flag.short}, " if flag.short else ""
    return f"    {short}--{flag.name}={_default(flag)}:\n\t{flag.usage}\n"


def _default(flag: Flag) -> str:
    value: Any = flag.default
    if flag.type == "string":
        return f"'{value}'"
    if flag.type == "bool":
        return "true" if value else "false"
    if flag.type in ("stringArray", "stringSlice", "stringToString"):
        return "[" + ",".join(value) + "]"
    if flag.type == "duration":
        return go_duration(value)
    return str(value)
