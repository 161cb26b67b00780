"""What may be deleted from the log, and when.

A row is garbage once a newer one of its key exists, and a tombstone once it is old. Garbage goes in the order of
the revision that made it garbage, and the compact revision rises with it in the same transaction. So for
every revision above the compact revision the row itself and the row that it replaced are there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SHARE = 2
"""History takes at most one part in so many of what the live objects take, or _SPARED if that is more. It is for those
who come back after a restart, as memory has the newest changes for all others; and who finds it gone reads what is
live, which costs no more than reading a long history."""
_SPARED = 512 << 10


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows to delete at once; afterwards a watch can start from `revision` or later."""

    revision: int
    ids: list[int]
    steps: int
    size: int


class Backlog:
    """Garbage in the order of its making. Not thread-safe: the writer thread has it."""

    def __init__(self, keep_revisions: int, keep_bytes: int) -> None:
        self._keep_revisions = keep_revisions
        self._keep_bytes = keep_bytes
        self._steps: deque[tuple[int, int, bool, int]] = deque()
        self._size = 0
        self._live = 0
        self.compacted = 0
        """The compact revision: other threads may read it."""

    def add(self, revision: int, previous: int, deleted: bool, *, size: int, replaced: int) -> None:
        """`revision`, of `size` bytes, replaced the row `previous` (0: none), of `replaced` bytes."""
        self._live += (0 if deleted else size) - replaced
        if previous or deleted:
            freed = replaced + (size if deleted else 0)
            self._steps.append((revision, previous, deleted, freed))
            self._size += freed

    def due(self, newest: int, *, at_least: int, at_most: int, max_bytes: int) -> Chunk | None:
        """What is too old, or too much: None if that is less than `at_least` steps. Nothing is taken out."""
        ids: list[int] = []
        last = steps = size = 0
        horizon = newest - self._keep_revisions
        room = min(self._keep_bytes, max(_SPARED, self._live // _SHARE))
        for revision, previous, deleted, step_size in self._steps:
            over = self._size - size > room
            if steps >= at_most or size >= max_bytes or (revision > horizon and not over):
                break
            if previous:
                ids.append(previous)
            if deleted:
                ids.append(revision)
            last, steps, size = revision, steps + 1, size + step_size
        if steps == 0 or (steps < at_least and size < max_bytes):
            return None
        return Chunk(last, ids, steps, size)

    def removed(self, chunk: Chunk) -> None:
        """The chunk that `due` gave is deleted, durably."""
        for _ in range(chunk.steps):
            self._steps.popleft()
        self._size -= chunk.size
        self.compacted = chunk.revision
