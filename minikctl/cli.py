"""The running path of every command: find it, parse its flags, run it, say what went wrong, give an exit code.

Typer is imported only for help and completion (`minikctl.help`, and `app` here): its import takes longer than a whole
`minikctl get pods` may.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minikctl import index
from minikctl.client.errors import describe
from minikctl.client.factory import Factory
from minikctl.command import Command, CommandError, Invocation, Streams, UsageError
from minikctl.flags import FlagError, HelpWanted, go_quote, parse, positional_words
from minikctl.globals import GLOBAL_FLAGS, with_globals

if TYPE_CHECKING:
    import typer

    app: typer.Typer

PROGRAM = "minikctl"
INTERRUPTED = 130


def run(argv: Sequence[str], streams: Streams | None = None) -> int:
    """Run one command line (without the program's name); returns the exit code. Never raises but for bugs."""
    streams = streams or Streams(sys.stdin, sys.stdout, sys.stderr)
    try:
        return _run(list(argv), streams)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _lose_stdout()


def _run(argv: list[str], streams: Streams) -> int:
    if argv and argv[0] == "__complete":
        from minikctl.completion import complete

        return complete(argv[1:], streams)
    words = positional_words(argv, GLOBAL_FLAGS)
    if words and words[0][1] == "help":
        from minikctl.help import show_help

        return show_help([word for _, word in words[1:]], streams)
    path, taken = index.resolve([word for _, word in words])
    dropped = {at for at, _ in words[:taken]}
    rest = [word for at, word in enumerate(argv) if at not in dropped]
    place = index.COMMANDS.get(path)
    if not isinstance(place, str):
        return _run_group(path, rest, words[taken:], streams)
    return run_command(path, index.load(path), rest, streams)


def run_command(path: str, command: Command, argv: Sequence[str], streams: Streams) -> int:
    """Parse `argv` for `command` and run it; errors go to stderr as kubectl prints them."""
    flags = with_globals(command.flags)
    try:
        parsed = parse(argv, flags)
    except HelpWanted:
        from minikctl.help import show_help

        return show_help(path.split(), streams)
    except FlagError as error:
        hint = "--help' for usage." if command.misuse_code == 1 else "-h' for help and examples"
        streams.err.write(f"error: {error}\nSee '{PROGRAM} {path} {hint}\n")
        return command.misuse_code
    changed = frozenset(parsed.changed)
    # What a command's own flag hides (--user of create rolebinding) was not given to the factory.
    hidden = {flag.name: flag.default for flag in GLOBAL_FLAGS if flag not in flags}
    factory = Factory({**parsed.values, **hidden}, changed - hidden.keys(), streams)
    call = Invocation(parsed.args, parsed.values, changed, parsed.dashdash, streams, factory)
    try:
        code = command.run(call)
    except UsageError as error:
        streams.err.write(f"error: {error.message}\nSee '{PROGRAM} {path} -h' for help and examples\n")
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        text, code = _failure(error)
        if text:
            streams.out.flush()
            streams.err.write(text if text.endswith("\n") else f"{text}\n")
        return code
    if parsed.values["warnings-as-errors"] and factory.warnings and code == 0:
        plural = "warning" if factory.warnings == 1 else "warnings"
        streams.err.write(f"error: {factory.warnings} {plural} received\n")
        return 1
    return code


def _failure(error: Exception) -> tuple[str, int]:
    """An error's text and code; a bug's traceback goes on to the caller."""
    from minikctl.client import errors

    known = (errors.Failure, errors.StatusError, errors.ConnectError, errors.NoResourceMatch, errors.Aggregate)
    if isinstance(error, (CommandError, *known)):
        return describe(error)
    raise error


def _run_group(path: str, argv: list[str], extra: list[tuple[int, str]], streams: Streams) -> int:
    """The root or a Group: help, or an error that names the unknown word or flag."""
    from minikctl.help import show_help

    if extra and not path:
        streams.err.write(
            f"error: unknown command {go_quote(extra[0][1])} for {go_quote(PROGRAM)}{_suggest(extra[0][1])}\n"
        )
        return 1
    try:
        parse(argv, GLOBAL_FLAGS)
    except HelpWanted:
        return show_help(path.split(), streams)
    except FlagError as error:
        where = f"{PROGRAM} {path}".rstrip()
        streams.err.write(f"error: {error}\nSee '{where} --help' for usage.\n")
        return 1
    place = index.COMMANDS.get(path)
    if isinstance(place, index.Group) and place.helps:
        return show_help(path.split(), streams)
    if extra:
        streams.err.write(
            f"error: unknown command {go_quote(' '.join(word for _, word in extra))}\n"
            f"See '{PROGRAM} {path} -h' for help and examples\n"
        )
        return 1
    if path:  # a Group by itself is a mistake: kubectl's DefaultSubCommandRun
        return show_help(path.split(), streams._replace(out=streams.err)) or 1
    return show_help(path.split(), streams)


def _suggest(word: str) -> str:
    """cobra's suggestions: names at most two edits away, or that begin with what was typed, in the help's order."""
    names = (name for _, section in index.SECTIONS for name in section)
    near = [name for name in names if _edits(word.lower(), name) <= 2 or name.startswith(word.lower())]
    if not near:
        return ""
    return "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near).rstrip("\n")


def _edits(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def _lose_stdout() -> int:
    """The reader of our output went away: end quietly, and let no later flush complain."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def __getattr__(name: str) -> Any:
    """`app`, the Typer tree of all commands, made when it is first asked for."""
    if name == "app":
        from minikctl.help import build_app

        return build_app()
    raise AttributeError(name)
