"""Failures as kubectl prints them.

Source: k8s.io/kubectl/pkg/cmd/util.checkErr, StandardErrorMessage, MultilineError, MultipleErrors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minikctl.command import CommandError
from minikctl.flags import go_quote


class Failure(Exception):
    """A plain error: `error: TEXT` when it is alone, TEXT in a list of several."""


class ListFault(Failure):
    """An item of a List that is no object: printed without `error: `, as kubectl has it in a list of errors."""


class StatusError(Exception):
    """The server's answer was a Status of kind Failure. `status` is that object; `str()` its message."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(status.get("message") or "unknown")
        self.status = status

    @property
    def reason(self) -> str:
        return str(self.status.get("reason") or "")

    @property
    def code(self) -> int:
        return int(self.status.get("code") or 0)


class ConnectError(Exception):
    """No answer from the server. `refused` says that nobody listens at `host`; else `str()` is Go's text."""

    def __init__(self, text: str, host: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.host = host
        self.refused = refused


class TimedOut(ConnectError):
    """The server answered too late for --request-timeout."""


class NoResourceMatch(Exception):
    """The server has no such resource type."""

    def __init__(self, resource: str, group: str = "", version: str = "") -> None:
        text = f"the server doesn't have a resource type {go_quote(resource)}"
        if group and version:
            text += f" in group {go_quote(group)} and version {go_quote(version)}"
        elif group:
            text += f" in group {go_quote(group)}"
        elif version:
            text += f" in version {go_quote(version)}"
        super().__init__(text)


class Aggregate(Exception):
    """Several errors of one call, in order. Use `aggregate`, which flattens and unwraps."""

    def __init__(self, errors: list[Exception]) -> None:
        super().__init__(", ".join(str(error) for error in errors))
        self.errors = errors


def aggregate(errors: Iterable[Exception]) -> Exception | None:
    """None, the only error, or an Aggregate of them all, without nesting."""
    flat: list[Exception] = []
    for error in errors:
        flat.extend(error.errors if isinstance(error, Aggregate) else [error])
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else Aggregate(flat)


def with_source(doing: str, source: str, error: StatusError | Failure) -> StatusError | Failure:
    """The error with what was being done put before its message. Source: cmdutil.AddSourceToErr."""
    if not source:
        return error
    message = f'error when {doing} "{source}": {error}'
    return (
        StatusError({**error.status, "message": message}) if isinstance(error, StatusError) else Failure(message)
    )


def is_not_found(error: Exception) -> bool:
    return isinstance(error, StatusError) and error.reason == "NotFound"


def describe(error: Exception) -> tuple[str, int]:
    """(text for stderr, mostly without a final newline, exit code) of a command's failure."""
    if isinstance(error, Aggregate):
        return "\n".join(message(one) for one in error.errors), 1
    if isinstance(error, CommandError):
        return error.message, error.exit_code
    if isinstance(error, StatusError) and error.reason == "Invalid":
        return _invalid(error.status), 1
    if isinstance(error, StatusError | ConnectError | ListFault):
        return message(error), 1
    text = str(error)
    return text if text.startswith("error: ") else f"error: {text}", 1


def message(error: Exception) -> str:
    """One error's text inside a list of several, where `error: ` is not put before it."""
    if isinstance(error, StatusError):
        if error.reason == "Unauthorized":
            return f"error: You must be logged in to the server ({error})"
        if error.reason:
            return f"Error from server ({error.reason}): {error}"
        return f"Error from server: {error}"
    if isinstance(error, ConnectError):
        if error.refused:
            return (
                f"The connection to the server {error.host} was refused - did you specify the right host or port?"
            )
        return f"Unable to connect to the server: {error}"
    return str(error)


def _invalid(status: dict[str, Any]) -> str:
    details = status.get("details")
    text = "The request is invalid"
    if details is None:
        return f"{text}: {status['message']}" if status.get("message") else text
    causes = details.get("causes") or []
    if details.get("kind") or details.get("name"):
        text = f"The {details.get('kind', '')} {go_quote(details.get('name', ''))} is invalid"
    elif status.get("message") and not causes:
        text += f": {status['message']}"
    lines = list(dict.fromkeys(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes))
    if not lines:
        return text
    if len(lines) == 1:
        return f"{text}: {lines[0]}\n"
    return "\n".join([f"{text}: ", *(f"* {line}" for line in lines), ""])
