"""Help: a Typer tree made from the same declarations that run the commands, printed as kubectl prints help.

The tree is what other programs see of the command line (`minikctl.cli.app`); parsing stays with `minikctl.flags`, since
pflag's grammar is not Click's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from minikctl import index
from minikctl.command import Flag, Streams
from minikctl.help_text import command_help, flag_help

PROGRAM = "minikctl"


def _group_class(path: str) -> type[TyperGroup]:
    """The group of the commands under `path`; each is imported when it is asked for."""

    class LazyGroup(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return index.children(path)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            whole = f"{path} {cmd_name}".strip()
            return typer_command(whole) if whole in index.COMMANDS else None

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            ctx.args = list(args)
            return []

        def invoke(self, ctx: Any) -> Any:
            return _run([*path.split(), *ctx.args])

        def get_help(self, ctx: Any) -> str:
            return help_for(path).rstrip("\n")

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            formatter.write(_commands_section(path))

    return LazyGroup


def _run(argv: list[str]) -> None:
    from minikctl.cli import run

    raise SystemExit(run(argv))


def build_app() -> typer.Typer:
    """All commands as one Typer application."""
    made = typer.Typer(
        name=PROGRAM, cls=_group_class(""), rich_markup_mode=None, add_completion=False, add_help_option=False
    )

    @made.callback(invoke_without_command=True)
    def root() -> None:
        """minikctl runs a small Kubernetes on this machine and talks to it as kubectl does."""

    return made


def typer_command(path: str) -> Any:
    """`path` as Typer sees it: a group where other commands follow it, else a command with its flags."""
    made = typer.Typer(rich_markup_mode=None, add_completion=False)
    if index.children(path):
        made = typer.Typer(
            cls=_group_class(path), rich_markup_mode=None, add_completion=False, name=path.split()[-1]
        )
        made.callback(invoke_without_command=True, help=_short(path))(_nothing)
        return typer.main.get_group(made)
    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    made.command(name=path.split()[-1], help=_short(path), context_settings=settings)(_forward)
    return typer.main.get_command(made)


def _nothing() -> None:
    """A group by itself does nothing: its `invoke` forwards."""


def _forward(ctx: typer.Context) -> None:
    parts: list[str] = []
    parent: Any = ctx
    while parent.parent is not None:
        parts.insert(0, parent.info_name or "")
        parent = parent.parent
    _run([*parts, *ctx.args])


def _short(path: str) -> str:
    place = index.COMMANDS[path]
    return place.short if isinstance(place, index.Group) else index.load(path).short


def show_help(words: Sequence[str], streams: Streams) -> int:
    """Print the help of the command that `words` name; for an unknown one say so, with the list of commands."""
    path, taken = index.resolve(list(words))
    if taken < len(words) and (not path or index.children(path)):
        topics = " ".join(f"`{word}`" for word in words)
        streams.err.write(f"Unknown help topic [{topics}]\n{help_for('').partition(chr(10))[2]}")
        return 0
    streams.out.write(help_for(path))
    return 0


def help_for(path: str) -> str:
    """The whole help text of the command at `path`, "" for the root."""
    if not path:
        return _root_help()
    place = index.COMMANDS[path]
    children = _commands_section(path)
    if isinstance(place, index.Group):
        names = " | ".join(index.children(path))
        use = f"{path} ({names})" if len(path.split()) > 1 else f"{path} SUBCOMMAND"
        text = command_help(place.long or place.short, "", children, (), use)
        return text + _tail(path, bool(children))
    command = index.load(path)
    use = _whole_use(path, command.use)
    return command_help(command.long or command.short, command.examples, children, command.flags, use) + _tail(
        path, bool(children)
    )


def _whole_use(path: str, use: str) -> str:
    """The usage line with those of the command's parents that it leaves out."""
    words = path.split()
    for at in range(len(words)):
        if (use + " ").startswith(" ".join(words[at:]) + " "):
            return " ".join([*words[:at], use])
    return use


def _tail(path: str, group: bool) -> str:
    text = ""
    if group:
        text += f'Use "{PROGRAM} {path} <command> --help" for more information about a given command.\n'
    return text + f'Use "{PROGRAM} options" for a list of global command-line options (applies to all commands).\n'


def _root_help() -> str:
    parts = ["minikctl runs a small Kubernetes on this machine and talks to it as kubectl does.\n"]
    width = max(len(name) for _, names in index.SECTIONS for name in names) + 2
    for title, names in index.SECTIONS:
        rows = "".join(f"  {name:<{width}} {_short(name)}\n" for name in names)
        if rows:
            parts.append(f"\n{title}\n{rows}")
    parts.append(f"\nUsage:\n  {PROGRAM} [flags] [options]\n\n")
    parts.append(f'Use "{PROGRAM} <command> --help" for more information about a given command.\n')
    parts.append(f'Use "{PROGRAM} options" for a list of global command-line options (applies to all commands).\n')
    return "".join(parts)


def _commands_section(path: str) -> str:
    names = index.children(path)
    if not names:
        return ""
    width = max(len(name) for name in names) + 2
    rows = "".join(f"  {name:<{width}} {_short(f'{path} {name}'.strip())}\n" for name in names)
    return f"Available Commands:\n{rows}\n"


def options_text(flags: Sequence[Flag]) -> str:
    """`minikctl options`."""
    return "The following options can be passed to any command:\n\n" + "".join(
        flag_help(flag) + "\n" for flag in flags
    )
