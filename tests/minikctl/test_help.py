"""Help, and that every command of the index is there and declared soundly."""

from __future__ import annotations

import io

import pytest
from typer.testing import CliRunner

from minikctl import index
from minikctl.cli import app, run
from minikctl.command import Streams
from minikctl.flags import parse
from minikctl.globals import GLOBAL_FLAGS
from minikctl.help import help_for

PATHS = [path for path, place in index.COMMANDS.items() if isinstance(place, str)]


def call(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(argv, Streams(io.StringIO(), out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("path", PATHS)
def test_a_command_is_declared_soundly(path: str) -> None:
    command = index.load(path)
    names = [flag.name for flag in command.flags]
    shorts = [flag.short for flag in (*command.flags, *GLOBAL_FLAGS) if flag.short]
    assert len(names) == len(set(names))
    # A flag of the same name hides the global one: kubectl has that for the users of bindings alone.
    assert {flag.name for flag in GLOBAL_FLAGS} & {*names} <= (
        {"user"} if "binding" in path or path == "set subject" else set()
    )
    assert len(shorts) == len(set(shorts))
    assert command.short
    assert not command.short.endswith(".")
    assert parse([], command.flags).changed == set()


@pytest.mark.parametrize("path", ["", *index.COMMANDS])
def test_help_of_everything(path: str) -> None:
    code, out, err = call(*path.split(), "--help")
    assert (code, err) == (0, "")
    assert out == help_for(path)
    assert f"Usage:\n  minikctl {path}".rstrip() in out
    assert out.endswith(
        'Use "minikctl options" for a list of global command-line options (applies to all commands).\n'
    )


def test_no_arguments_is_help() -> None:
    assert call() == (0, help_for(""), "")
    assert call("help") == (0, help_for(""), "")
    assert call("help", "create", "secret", "tls") == (0, help_for("create secret tls"), "")


def test_typer_sees_the_same_tree() -> None:
    answer = CliRunner().invoke(app, ["get", "--frobnicate"])
    assert answer.exit_code == 1


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("gett",), 'error: unknown command "gett" for "minikctl"\n\nDid you mean this?\n\tset\n\tget\n'),
        (("zzzzzz",), 'error: unknown command "zzzzzz" for "minikctl"\n'),
        (
            ("create", "secret", "x"),
            "error: unknown command \"x\"\nSee 'minikctl create secret -h' for help and examples\n",
        ),
        (("get", "--foo"), "error: unknown flag: --foo\nSee 'minikctl get --help' for usage.\n"),
        (("--foo",), "error: unknown flag: --foo\nSee 'minikctl --help' for usage.\n"),
        (("get", "-o"), "error: flag needs an argument: 'o' in -o\nSee 'minikctl get --help' for usage.\n"),
    ],
)  # fmt: skip
def test_mistakes(argv: tuple[str, ...], text: str) -> None:
    assert call(*argv) == (1, "", text)
