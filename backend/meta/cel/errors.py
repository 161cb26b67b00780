"""What can be wrong with an expression, and with its evaluation."""

from __future__ import annotations


class CompileError(ValueError):
    """Every fault of an expression; `str(error)` is cel-go's text, with the source and a mark under each place."""


class EvaluationError(Exception):
    """An expression has no value: `no such key: x`, `division by zero`... `str(error)` is cel-go's text."""


class Issues:
    """Collects the faults of one source."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._source = source
        self.found: list[tuple[int, str]] = []

    def add(self, offset: int, message: str) -> None:
        if (offset, message) not in self.found:
            self.found.append((offset, message))

    def error(self) -> CompileError:
        return CompileError("\n".join(self._text(offset, message) for offset, message in sorted(self.found)))

    def _text(self, offset: int, message: str) -> str:
        line = self._source.count("\n", 0, offset)
        column = offset - (self._source.rfind("\n", 0, offset) + 1)
        head = f"ERROR: <input>:{line + 1}:{column + 1}: {message}"
        return f"{head}\n | {self._lines[line]}\n | {'.' * column}^"
