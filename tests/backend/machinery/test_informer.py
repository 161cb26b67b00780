from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.machinery.client import SECRETS, Client, Take, WatchEvent
from backend.machinery.clock import FakeClock
from backend.machinery.informer import Informer
from backend.meta.errors import expired, unavailable
from backend.meta.types import ADMIN, ApiRequest, Obj


def secret(name: str, version: int, uid: str = "u", **labels: str) -> Obj:
    meta = {"name": name, "namespace": "ns", "resourceVersion": str(version), "uid": uid, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta}


class Server:
    """A transport that answers lists from `items` and watches from a queue that the test fills."""

    def __init__(self) -> None:
        self.items: list[Obj] = []
        self.version = 1
        self.lists = 0
        self.watched_from: list[str] = []
        self.events: asyncio.Queue[WatchEvent | Exception | None] = asyncio.Queue()
        self.fail_lists = 0

    async def request(self, request: ApiRequest) -> Obj:
        assert request.verb == "list"
        if self.fail_lists:
            self.fail_lists -= 1
            raise unavailable("not yet")
        self.lists += 1
        return {"items": list(self.items), "metadata": {"resourceVersion": str(self.version)}}

    @asynccontextmanager
    async def watch(
        self, request: ApiRequest, take: Take | None = None
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        self.watched_from.append(request.query["resourceVersion"])

        async def events() -> AsyncIterator[WatchEvent]:
            while (event := await self.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event

        yield events()


class Seen:
    def __init__(self, informer: Informer) -> None:
        self.changes: list[tuple[str | None, str | None]] = []
        informer.on_change(self)

    def __call__(self, new: Obj | None, old: Obj | None) -> None:
        self.changes.append((_label(new), _label(old)))


def _label(obj: Obj | None) -> str | None:
    return obj and f"{obj['metadata']['name']}@{obj['metadata']['resourceVersion']}"


@pytest.fixture
async def server() -> Server:
    return Server()


@asynccontextmanager
async def running(informer: Informer) -> AsyncIterator[Informer]:
    task = asyncio.create_task(informer.run())
    yield informer
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_lists_then_follows_the_watch(server: Server) -> None:
    server.items = [secret("a", 1)]
    informer = Informer(Client(server, ADMIN), SECRETS)
    seen = Seen(informer)
    async with running(informer):
        await informer.synced.wait()
        server.events.put_nowait(WatchEvent("ADDED", secret("b", 2)))
        server.events.put_nowait(WatchEvent("MODIFIED", secret("a", 3)))
        server.events.put_nowait(WatchEvent("DELETED", secret("b", 4)))
        await FakeClock.settle()
        assert seen.changes == [("a@1", None), ("b@2", None), ("a@3", "a@1"), (None, "b@4")]
        assert [obj["metadata"]["name"] for obj in informer.list("ns")] == ["a"]
        assert informer.get("ns", "b") is None


async def test_a_watch_that_ends_resumes_from_the_newest_revision_seen(server: Server) -> None:
    informer = Informer(Client(server, ADMIN), SECRETS)
    async with running(informer):
        server.events.put_nowait(WatchEvent("BOOKMARK", secret("x", 9)))
        server.events.put_nowait(None)
        await FakeClock.settle()
        assert server.watched_from == ["1", "9"]
        assert server.lists == 1


async def test_a_compacted_watch_lists_again_and_tells_what_was_missed(server: Server) -> None:
    server.items = [secret("a", 1), secret("gone", 1), secret("remade", 1, "old")]
    informer = Informer(Client(server, ADMIN), SECRETS)
    seen = Seen(informer)
    async with running(informer):
        await informer.synced.wait()
        seen.changes.clear()
        server.items = [secret("a", 1), secret("new", 7), secret("remade", 8, "new")]
        server.events.put_nowait(expired("too old"))
        await FakeClock.settle()
        assert sorted(seen.changes, key=str) == sorted(
            [(None, "gone@1"), ("new@7", None), (None, "remade@1"), ("remade@8", None)], key=str
        )


async def test_a_failing_list_is_retried(server: Server) -> None:
    server.fail_lists = 2
    clock = FakeClock()
    informer = Informer(Client(server, ADMIN), SECRETS, clock=clock)
    async with running(informer):
        await clock.advance(1)
        assert informer.synced.is_set()


async def test_indexes_follow_changes(server: Server) -> None:
    server.items = [secret("a", 1, node="one"), secret("b", 1, node="one")]
    informer = Informer(
        Client(server, ADMIN), SECRETS, indexers={"node": lambda obj: [obj["metadata"]["labels"]["node"]]}
    )
    async with running(informer):
        await informer.synced.wait()
        server.events.put_nowait(WatchEvent("MODIFIED", secret("a", 2, node="two")))
        server.events.put_nowait(WatchEvent("DELETED", secret("b", 3, node="one")))
        await FakeClock.settle()
        assert informer.by_index("node", "one") == []
        assert [obj["metadata"]["name"] for obj in informer.by_index("node", "two")] == ["a"]


async def test_a_handler_that_fails_does_not_stop_the_others(server: Server) -> None:
    informer = Informer(Client(server, ADMIN), SECRETS)
    informer.on_change(lambda new, old: 1 / 0 and None)
    seen = Seen(informer)
    server.items = [secret("a", 1)]
    async with running(informer):
        await informer.synced.wait()
        assert seen.changes == [("a@1", None)]


async def test_of_what_is_not_kept_only_deletions_are_told() -> None:
    server = Server()
    server.items = [secret("plain", 1), secret("wanted", 1, label="a", keep="yes")]
    informer = Informer(
        Client(server, ADMIN),
        SECRETS,
        transform=lambda obj: obj if obj["metadata"]["labels"].get("keep") else None,
    )
    told: list[tuple[str, str]] = []
    all_told = asyncio.Event()
    lists: list[int] = []
    informer.on_list(lambda: lists.append(server.lists))

    def changed(new: Obj | None, old: Obj | None) -> None:
        obj = new or old
        assert obj is not None
        told.append(("kept" if new else "deleted", obj["metadata"]["name"]))
        if len(told) == 3:
            all_told.set()

    informer.on_change(changed)
    for event in (
        WatchEvent("ADDED", secret("other", 2)),
        WatchEvent("DELETED", secret("plain", 3)),
        WatchEvent("MODIFIED", secret("wanted", 4)),  # not wanted any more
        WatchEvent("DELETED", secret("wanted", 5)),
    ):
        server.events.put_nowait(event)
    run = asyncio.create_task(informer.run())
    await asyncio.wait_for(all_told.wait(), 5)
    run.cancel()
    assert told == [("kept", "wanted"), ("deleted", "plain"), ("deleted", "wanted")]
    assert informer.list() == []
    assert lists == [1]


async def test_a_list_is_read_in_pages() -> None:
    class Paged(Server):
        async def request(self, request: ApiRequest) -> Obj:
            start = int(request.query.get("continue") or 0)
            size = int(request.query["limit"])
            page = await super().request(request)
            rest = len(page["items"]) > start + size
            token = {"continue": str(start + size)} if rest else {}
            return {"items": page["items"][start : start + size], "metadata": {**page["metadata"], **token}}

    server = Paged()
    server.items = [secret(f"s{n}", 1) for n in range(1201)]
    informer = Informer(Client(server, ADMIN), SECRETS)
    run = asyncio.create_task(informer.run())
    await asyncio.wait_for(informer.synced.wait(), 5)
    run.cancel()
    assert len(informer.list()) == 1201
    assert server.lists == 3
