"""Random histories: lists, watches and a restart agree with a plain model at every step."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from backend.store.api import Compacted, KeyExists, RevisionMismatch, SlowWatcher
from backend.store.keyring import Keyring
from backend.store.sqlstore import Limits, SqlStore

KEYS = [
    f"core/{kind}/{namespace}/{name}" for kind in ("secrets", "things") for namespace in "ab" for name in "xyz"
]
PREFIXES = ["", "core/", "core/secrets/", "core/things/", "core/things/a/", "core/secrets/b/", "core/things/b/x"]
LIMITS = Limits(keep_revisions=30, memory_events=12)


def named(prefix: str, key: str) -> bool:
    return key.startswith(prefix) if prefix[-1:] in ("", "/") else key == prefix


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name)
        self.log: list[tuple[int, str, str, int]] = []  # (revision, type, key, value)
        self.live: dict[str, tuple[int, int]] = {}  # key: (revision, value)
        self.watches: list[tuple[object, str, int]] = []  # (watch, prefix, revision seen)
        self.store = self.run(self.open())
        self.first = self.store.revision

    def run(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 10))

    async def open(self):
        keyring = Keyring.open(self.path / "keys")
        return await SqlStore.open(
            f"sqlite:///{self.path}/state.db",
            keyring=keyring,
            encrypted_prefixes=("core/secrets/",),
            limits=LIMITS,
        )

    def note(self, kind, entry, value):
        assert not self.log or entry.revision > self.log[-1][0]
        self.log.append((entry.revision, kind, entry.key, value))
        if kind == "DELETED":
            del self.live[entry.key]
        else:
            self.live[entry.key] = (entry.revision, value)

    async def write(self, key, value, delete):
        obj = {"metadata": {"name": key}, "value": value}
        if key not in self.live:
            with pytest.raises(RevisionMismatch):
                await self.store.update(key, dict(obj, metadata={}), revision=1)
            return "ADDED", await self.store.create(key, obj), value
        revision, old = self.live[key]
        with pytest.raises(KeyExists):
            await self.store.create(key, dict(obj, metadata={}))
        with pytest.raises(RevisionMismatch):
            await self.store.delete(key, revision=revision - 1)
        if delete:
            return "DELETED", await self.store.delete(key, revision=revision), old
        return "MODIFIED", await self.store.update(key, obj, revision=revision), value

    @rule(writes=st.dictionaries(st.sampled_from(KEYS), st.tuples(st.integers(0, 9), st.booleans()), min_size=1))
    def write_at_once(self, writes):
        async def all_of_them():
            return await asyncio.gather(*(self.write(key, *how) for key, how in writes.items()))

        for kind, entry, value in sorted(self.run(all_of_them()), key=lambda done: done[1].revision):
            self.note(kind, entry, value)

    @rule(prefix=st.sampled_from(PREFIXES), back=st.integers(0, 60))
    def watch_from_the_past(self, prefix, back):
        revision = max(self.first, self.store.revision - back)
        try:
            self.watches.append((self.store.watch(prefix, revision), prefix, revision))
        except Compacted:
            # Compaction may be late, never early: what must be kept is kept.
            assert revision < self.store.revision - LIMITS.keep_revisions

    @precondition(lambda self: self.watches)
    @rule(data=st.data())
    def read_a_watch(self, data):
        number = data.draw(st.integers(0, len(self.watches) - 1))
        watch, prefix, seen = self.watches[number]
        expected = [change for change in self.log if change[0] > seen and named(prefix, change[2])]
        count = data.draw(st.integers(0, len(expected)))
        for revision, kind, key, value in expected[:count]:
            try:
                event = self.run(anext(watch))
            except SlowWatcher:
                assert len(self.log) - self.log.index((revision, kind, key, value)) > LIMITS.memory_events // 2
                del self.watches[number]
                return
            assert (event.entry.revision, event.type, event.entry.key) == (revision, kind, key)
            assert event.entry.obj["value"] == value
            assert event.entry.obj["metadata"]["resourceVersion"] == str(revision)
            assert (event.previous is None) == (kind == "ADDED")
            self.watches[number] = (watch, prefix, revision)
            assert watch.progress >= revision

    @rule()
    def rotate(self):
        self.run(self.store.rotate_key())

    @rule()
    def restart(self):
        self.run(self.store.close())
        self.watches.clear()
        self.store = self.run(self.open())

    @invariant()
    def memory_is_the_model(self):
        for prefix in PREFIXES:
            snapshot = self.store.list(prefix)
            found = [(entry.key, entry.revision, entry.obj["value"]) for entry in snapshot.entries]
            assert found == sorted((key, *state) for key, state in self.live.items() if named(prefix, key))
            assert snapshot.revision == self.store.revision == (self.log[-1][0] if self.log else self.first)

    @invariant()
    def progress_never_skips_an_event(self):
        for watch, prefix, seen in self.watches:
            waiting = [change[0] for change in self.log if change[0] > seen and named(prefix, change[2])]
            assert not waiting or watch.progress < waiting[0]

    def teardown(self):
        self.run(self.store.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.directory.cleanup()


def test_random_histories():
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
