"""Columns as kubectl lines them up.

Source: k8s.io/cli-runtime/pkg/printers.GetNewTabWriter (minimum width 6, padding 3, remembered widths). Every cell but
a row's last is padded; a width holds for all rows until `flush`, and as a minimum after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

_MIN_WIDTH = 6
_PADDING = 3


class TabWriter:
    """Holds rows back until `flush`, which writes them lined up."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._rows: list[Sequence[str]] = []
        self._widths: list[int] = []

    def row(self, cells: Sequence[str]) -> None:
        self._rows.append(cells)

    def blank(self) -> None:
        """An empty line, outside all columns."""
        self.flush()
        self._out.write("\n")

    def flush(self) -> None:
        """Write what is held; keep the widths as minimums for rows to come (a watch's)."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        widths = self._widths
        for row in rows:
            for at, cell in enumerate(row[:-1]):
                wanted = max(len(cell) + _PADDING, _MIN_WIDTH)
                if at == len(widths):
                    widths.append(wanted)
                elif wanted > widths[at]:
                    widths[at] = wanted
        lines = [
            "".join([cell.ljust(widths[at]) for at, cell in enumerate(row[:-1])]) + (row[-1] if row else "")
            for row in rows
        ]
        lines.append("")
        self._out.write("\n".join(lines))

    def forget_widths(self) -> None:
        self._widths = []
