"""Text in columns, as kubectl describe lays it out.

Source: k8s.io/kubectl/pkg/describe (PrefixWriter, tabbedString) over Go's text/tabwriter with a padding of 2. A tab
ends a cell; a column is as wide as the widest of its cells in consecutive lines that have it.
"""

from __future__ import annotations

PADDING = 2


class Writer:
    """Collects text; `text()` lines it up."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._text: list[str] = []

    def write(self, level: int, text: str) -> None:
        """Add `text`, which brings its own newlines, behind two spaces for each level."""
        self._text.append("  " * level + text)

    def flush(self) -> None:
        """Line up what came so far by itself."""
        self._done.append(align("".join(self._text)))
        self._text = []

    def unaligned(self) -> str:
        """What came since the last `flush`, with its tabs, as kubectl shows a revision's template."""
        return "".join(self._text)

    def text(self) -> str:
        self.flush()
        return "".join(self._done)


def align(text: str) -> str:
    lines = [line.split("\t") for line in text.split("\n")]
    out: list[str] = []
    _format(lines, 0, len(lines), [], out)
    return "\n".join(out)


def _format(lines: list[list[str]], start: int, end: int, widths: list[int], out: list[str]) -> None:
    """Write lines[start:end], whose first len(widths) columns have these widths."""
    column = len(widths)
    at = start
    while at < end:
        if len(lines[at]) - 1 <= column:
            padded = (cell.ljust(width) for cell, width in zip(lines[at], widths, strict=False))
            ended = len(lines[at]) - 1
            cells = [*padded][:ended]
            out.append("".join(cells) + lines[at][-1])
            at += 1
            continue
        block = at
        while block < end and len(lines[block]) - 1 > column:
            block += 1
        width = max(len(line[column]) for line in lines[at:block]) + PADDING
        _format(lines, at, block, [*widths, width], out)
        at = block
