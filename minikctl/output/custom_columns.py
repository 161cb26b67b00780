"""`-o custom-columns=NAME:.metadata.name,...` and custom-columns-file.

Source: k8s.io/kubectl/pkg/cmd/get/customcolumn.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

from minikctl.client.errors import Failure
from minikctl.output.jsonpath import JsonPath, JsonPathError, relaxed
from minikctl.output.numbers import go_value
from minikctl.output.tabwriter import TabWriter


class Column(NamedTuple):
    """A header and what stands below it."""

    header: str
    path: JsonPath


def columns_from_spec(spec: str) -> list[Column]:
    """`HEADER:path,HEADER:path`; Failure with kubectl's text."""
    if not spec:
        raise Failure("custom-columns format specified but no custom columns given")
    columns = []
    for part in spec.split(","):
        header, colon, path = part.partition(":")
        if not colon:
            raise Failure(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        columns.append(_column(header, path))
    return columns


def columns_from_file(path: str) -> list[Column]:
    """A line of headers and a line of paths, both split at blanks."""
    if not path:
        raise Failure("custom-columns-file format specified but no custom columns given")
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f"error reading template {path}, open {path}: {reason}") from None
    missing = (
        "invalid template, missing header line. Expected format is one line of space separated headers, one line"
        " of space separated column specs."
    )
    if not lines:
        raise Failure(missing)
    if len(lines) < 2:
        raise Failure(missing.replace("header line", "spec line"))
    headers, specs = lines[0].split(), lines[1].split()
    if len(headers) != len(specs):
        raise Failure(f"number of headers ({len(headers)}) and field specifications ({len(specs)}) don't match")
    return [_column(header, spec) for header, spec in zip(headers, specs, strict=True)]


def _column(header: str, path: str) -> Column:
    try:
        return Column(header, JsonPath(relaxed(path)))
    except JsonPathError as error:
        raise Failure(str(error)) from None


class ColumnsPrinter:
    """One row an object; the header once."""

    def __init__(self, columns: Sequence[Column], *, no_headers: bool) -> None:
        self._columns = columns
        self._headers = not no_headers
        self._writer: TabWriter | None = None

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        writer = self._writer or TabWriter(out)
        self._writer = writer
        if self._headers:
            writer.row([column.header for column in self._columns])
            self._headers = False
        items = obj["items"] if isinstance(obj.get("items"), list) else [obj]
        for item in items:
            writer.row([_cell(column.path, item) for column in self._columns])
        writer.flush()


def _cell(path: JsonPath, item: Any) -> str:
    try:
        values = [value for found in path.results(item) for value in found]
    except JsonPathError as error:
        raise Failure(str(error)) from None
    return ",".join("<none>" if value is None else go_value(value) for value in values) if values else "<none>"
