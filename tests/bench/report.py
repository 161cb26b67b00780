"""A row of the table that `make bench` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    work: str
    measured: str
    beside: str
    """What it is compared with, measured in the same run."""
    aim: str
    met: bool | None


def table(rows: Iterable[Row]) -> str:
    cells = [("WORK", "MEASURED", "BESIDE IT", "AIM", "MET")]
    for row in rows:
        met = "" if row.met is None else "yes" if row.met else "NO"
        cells.append((row.work, row.measured, row.beside, row.aim, met))
    widths = [max(len(line[column]) for line in cells) + 3 for column in range(5)]
    lines = ("".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]
