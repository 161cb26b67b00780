"""What a command is: a declaration, and a function that runs it.

A command's module is imported only when the command is called, and nothing here imports Typer (or dataclasses, whose
import costs a tenth of a whole `get`): the declaration feeds both the pflag grammar that runs it (`minikctl.flags`)
and the Typer tree that gives help (`minikctl.help`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

if TYPE_CHECKING:
    from minikctl.client.factory import Factory

FlagType = Literal[
    "bool", "string", "int", "int32", "int64", "duration", "stringArray", "stringSlice", "stringToString"
]  # fmt: skip


class Flag(NamedTuple):
    """One flag, in pflag's terms.

    `stringArray` takes each value whole; `stringSlice` splits values at commas; both give a list. `duration` gives
    seconds as a float. `no_opt` is the value that the flag takes when it stands alone (`--dry-run`); a bool's is
    "true". `default` is the parsed default.
    """

    name: str
    type: FlagType
    default: Any
    usage: str
    short: str = ""
    no_opt: str | None = None
    hidden: bool = False


class Streams(NamedTuple):
    """Where a command reads and writes. `out` and `err` are text; `out.buffer` is used for raw bytes."""

    stdin: TextIO
    out: TextIO
    err: TextIO


class Invocation(NamedTuple):
    """One call of a command, parsed. `flags` has a value for every declared and global flag, by long name;
    `changed` the long names that were given; `dashdash` the index in `args` where `--` stood, or -1."""

    args: list[str]
    flags: Mapping[str, Any]
    changed: frozenset[str]
    dashdash: int
    streams: Streams
    factory: Factory


class CommandError(Exception):
    """A failure whose text goes to stderr as it is (callers add `error: ` themselves where kubectl does)."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class Interrupted(CommandError):
    """Ctrl-C ended a command that waits, which kubectl leaves with 1 (others die of the signal)."""

    def __init__(self) -> None:
        super().__init__("")


class UsageError(CommandError):
    """A misuse: kubectl prints `error: MESSAGE` and then `See 'kubectl CMD -h' for help and examples`."""


class Command(NamedTuple):
    """`use` is cobra's usage line without the parents (`secret generic NAME ...`); `run` returns the exit code.

    `examples` and `long` follow kubectl's, in our own words, with `minikctl` as the program's name. `misuse_code` is
    the exit code for flags that cannot be parsed, other than 1 where 1 tells something (`diff`).
    """

    use: str
    short: str
    run: Callable[[Invocation], int]
    long: str = ""
    examples: str = ""
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    complete: Callable[[Invocation, str], list[str]] | None = None
    misuse_code: int = 1
