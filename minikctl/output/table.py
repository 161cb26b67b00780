"""Server-side Tables, printed as kubectl prints them.

Source: k8s.io/cli-runtime/pkg/printers/tableprinter.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from minikctl.output.numbers import go_value
from minikctl.output.tabwriter import TabWriter

_EVENT_WIDTH = len("MODIFIED")
_BREAK = re.compile("[\f\n\r]")


class TableOptions(NamedTuple):
    """`kind` is the prefix of names (`pod` gives `pod/x`), or ""."""

    wide: bool = False
    no_headers: bool = False
    with_namespace: bool = False
    kind: str = ""
    show_labels: bool = False
    label_columns: Sequence[str] = ()


class TablePrinter:
    """Prints one kind's Tables, the headers once: a watch's later Tables leave the columns out."""

    def __init__(self, options: TableOptions) -> None:
        self._options = options
        self._columns: list[dict[str, Any]] = []
        self._header_done = False

    def print(self, table: Mapping[str, Any], writer: TabWriter, event: str = "") -> None:
        """Write `table`'s rows, `event` (a watch event's type) before each when it is given."""
        options = self._options
        columns = table.get("columnDefinitions") or []
        rows = table.get("rows") or []
        if columns and columns != self._columns:
            self._columns, self._header_done = columns, False
        if not rows:
            return
        columns = self._columns
        shown = [at for at, column in enumerate(columns) if options.wide or not column.get("priority")]
        if not options.no_headers and not self._header_done:
            writer.row(self._headers([columns[at]["name"] for at in shown], bool(event)))
        self._header_done = True
        name_column = next((at for at, column in enumerate(columns) if column.get("format") == "name"), -1)
        prefix = f"{options.kind}/" if options.kind else ""
        plain = not (event or options.with_namespace or options.label_columns or options.show_labels)
        for row in rows:
            values = row["cells"]
            cells = [cell(values[at]) if at < len(values) else "" for at in shown]
            if prefix and name_column in shown:
                cells[shown.index(name_column)] = prefix + cells[shown.index(name_column)]
            if not plain:
                cells = self._decorate(cells, (row.get("object") or {}).get("metadata") or {}, event)
            writer.row(cells)

    def _headers(self, names: list[str], with_event: bool) -> list[str]:
        options = self._options
        headers = [name.upper() for name in names]
        if options.with_namespace:
            headers.insert(0, "NAMESPACE")
        if with_event:
            headers.insert(0, "EVENT".ljust(_EVENT_WIDTH))
        headers += [label.rpartition("/")[2].upper() for label in options.label_columns]
        if options.show_labels:
            headers.append("LABELS")
        return headers

    def _decorate(self, cells: list[str], meta: Mapping[str, Any], event: str) -> list[str]:
        options = self._options
        if options.with_namespace:
            cells.insert(0, meta.get("namespace") or "")
        if event:
            cells.insert(0, event.ljust(_EVENT_WIDTH))
        labels = meta.get("labels") or {}
        cells += [labels.get(label) or "" for label in options.label_columns]
        if options.show_labels:
            cells.append(",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>")
        return cells


def cell(value: Any) -> str:
    if isinstance(value, str):
        broken = _BREAK.search(value)
        if broken:
            return value[: broken.start()].replace("\x1b", "^[") + "..."
        return value.replace("\x1b", "^[")
    if value is None:
        return ""
    return go_value(value)
