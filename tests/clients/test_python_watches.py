"""The official Python client (`kubernetes`): lists in pages, watches that resume, its informer and leader election."""

from __future__ import annotations

import base64
import json
import queue
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config, watch
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import SharedInformer
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from tests.clients.conftest import printed_kubeconfig
from tests.support.backend_process import running_backend

_SECONDS = 20
SELECTED = {"label_selector": "watched=yes"}
"""Not what a namespace has by itself."""


@pytest.fixture
def core(python_client: ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(python_client)


def put(core: client.CoreV1Api, namespace: str, name: str, **data: str) -> client.V1ConfigMap:
    body = {"metadata": {"name": name, "labels": {"watched": "yes"}}, "data": data}
    return core.create_namespaced_config_map(namespace, body)


def test_lists_come_in_pages_of_one_snapshot(core: client.CoreV1Api, namespace: str) -> None:
    for n in range(5):
        put(core, namespace, f"m{n}")
    options = {"label_selector": "watched=yes", "limit": 2}
    first = core.list_namespaced_config_map(namespace, **options)
    put(core, namespace, "m10")
    core.delete_namespaced_config_map("m4", namespace)
    pages, token = [first], first.metadata._continue
    while token:
        pages.append(core.list_namespaced_config_map(namespace, **options, _continue=token))
        token = pages[-1].metadata._continue
    assert [[m.metadata.name for m in page.items] for page in pages] == [["m0", "m1"], ["m2", "m3"], ["m4"]]
    assert {page.metadata.resource_version for page in pages} == {first.metadata.resource_version}
    with pytest.raises(ApiException) as refused:
        core.list_namespaced_config_map(namespace, limit=2, _continue="nonsense")
    assert refused.value.status == 400


def test_a_watch_goes_on_where_another_one_ended(core: client.CoreV1Api, namespace: str) -> None:
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    put(core, namespace, "a", n="1")
    core.patch_namespaced_config_map("a", namespace, {"data": {"n": "2"}})
    put(core, namespace, "b")
    core.delete_namespaced_config_map("a", namespace)
    first, seen = watch.Watch(), []
    options = {"label_selector": "watched=yes", "timeout_seconds": _SECONDS}
    for event in first.stream(core.list_namespaced_config_map, namespace, resource_version=start, **options):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 2:
            first.stop()
    second = watch.Watch()
    resumed = second.stream(
        core.list_namespaced_config_map, namespace, resource_version=first.resource_version, **options
    )
    for event in resumed:
        seen.append((event["type"], event["object"].metadata.name))
        if event["type"] == "DELETED":
            second.stop()
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_a_watch_that_begins_with_what_is_there_marks_the_end_of_it(
    core: client.CoreV1Api, namespace: str
) -> None:
    put(core, namespace, "a")
    watching = watch.Watch()
    events = watching.stream(
        core.list_namespaced_config_map, namespace, label_selector="watched=yes", send_initial_events=True,
        resource_version_match="NotOlderThan", allow_watch_bookmarks=True, timeout_seconds=_SECONDS,
    )  # fmt: skip
    added, bookmark = next(events), next(events)
    put(core, namespace, "b")
    assert (added["type"], added["object"].metadata.name) == ("ADDED", "a")
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["raw_object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert next(events)["object"].metadata.name == "b"
    watching.stop()
    events.close()


def test_a_watch_ends_at_its_timeout_with_nothing_to_tell(core: client.CoreV1Api, namespace: str) -> None:
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version=version, label_selector="watched=yes",
        timeout_seconds=1,
    )  # fmt: skip
    assert list(stream) == []


class Told:
    """An informer whose events are told in the order of their coming."""

    def __init__(self, core: client.CoreV1Api, namespace: str) -> None:
        self.informer = SharedInformer(core.list_namespaced_config_map, namespace, label_selector="watched=yes")
        self._events: queue.Queue[tuple[str, str]] = queue.Queue()
        for kind in ("ADDED", "MODIFIED", "DELETED"):
            self.informer.add_event_handler(kind, self._teller(kind))
        self.informer.start()

    def _teller(self, kind: str):
        return lambda obj: self._events.put((kind, obj.metadata.name))

    def next(self) -> tuple[str, str]:
        return self._events.get(timeout=_SECONDS)


def test_an_informer_tells_what_changes_and_keeps_it(core: client.CoreV1Api, namespace: str) -> None:
    put(core, namespace, "a")
    told = Told(core, namespace)
    assert told.next() == ("ADDED", "a")
    put(core, namespace, "b")
    assert told.next() == ("ADDED", "b")
    core.patch_namespaced_config_map("b", namespace, {"data": {"n": "2"}})
    assert told.next() == ("MODIFIED", "b")
    core.delete_namespaced_config_map("a", namespace)
    assert told.next() == ("DELETED", "a")
    assert [m.data for m in told.informer.cache.list()] == [{"n": "2"}]
    told.informer.stop()


def forget_history(home: Path) -> None:
    """As if everything that a stopped backend has were compacted."""
    with sqlite3.connect(home / "clusters" / "minikctl" / "state.db") as state:
        state.execute("UPDATE meta SET value = (SELECT max(id) FROM log) WHERE name = 'compact_revision'")
    state.close()


def test_what_is_compacted_is_gone(tmp_path: Path) -> None:
    with running_backend(tmp_path) as home, config.new_client_from_config(str(printed_kubeconfig(home))) as made:
        core = client.CoreV1Api(made)
        old = core.list_namespaced_config_map("default", limit=1).metadata
        for n in range(3):
            put(core, "default", f"m{n}")
        token = core.list_namespaced_config_map("default", limit=1, **SELECTED).metadata._continue
        core.create_namespace({"metadata": {"name": "later"}})  # What is newest is never compacted.
    forget_history(tmp_path)
    with running_backend(tmp_path) as home, config.new_client_from_config(str(printed_kubeconfig(home))) as made:
        core = client.CoreV1Api(made)
        with pytest.raises(ApiException) as gone:
            list(
                watch.Watch().stream(
                    core.list_namespaced_config_map, "default", resource_version=old.resource_version
                )
            )
        assert gone.value.status == 410
        assert "too old resource version" in gone.value.reason
        put(core, "default", "newer")
        with pytest.raises(ApiException) as page:
            core.list_namespaced_config_map("default", limit=1, _continue=token, **SELECTED)
        refused = json.loads(page.value.body)
        assert (page.value.status, refused["reason"]) == (410, "Expired")
        inconsistent = refused["metadata"]["continue"]
        assert json.loads(base64.urlsafe_b64decode(inconsistent + "==="))["rv"] == -1
        rest = core.list_namespaced_config_map("default", _continue=inconsistent, **SELECTED)
        assert [m.metadata.name for m in rest.items] == ["m1", "m2", "newer"]


@pytest.fixture
def default_client(kubeconfig: Path) -> Iterator[None]:
    """Leader election takes the client that is everybody's default."""
    before = client.Configuration.get_default_copy()
    config.load_kube_config(str(kubeconfig))
    yield
    client.Configuration.set_default(before)


def test_leaders_are_elected_one_after_the_other(
    python_client: ApiClient, default_client: None, namespace: str
) -> None:
    order: queue.Queue[str] = queue.Queue()
    done = threading.Event()

    def lead(name: str, until: threading.Event) -> threading.Thread:
        def led() -> None:
            order.put(f"{name} leads")
            until.wait(_SECONDS)
            raise RuntimeError("enough")

        election = electionconfig.Config(
            LeaseLock("leader", namespace, name), lease_duration=2, renew_deadline=1.5, retry_period=1,
            onstarted_leading=led, onstopped_leading=lambda: order.put(f"{name} stopped"),
        )  # fmt: skip
        thread = threading.Thread(target=leaderelection.LeaderElection(election).run)
        thread.start()
        return thread

    first_done = threading.Event()
    first = lead("first", first_done)
    assert order.get(timeout=_SECONDS) == "first leads"
    second = lead("second", done)
    leases = client.CoordinationV1Api(python_client)
    assert leases.read_namespaced_lease("leader", namespace).spec.holder_identity == "first"
    first_done.set()
    assert order.get(timeout=_SECONDS) == "first stopped"
    assert order.get(timeout=_SECONDS) == "second leads"
    assert leases.read_namespaced_lease("leader", namespace).spec.holder_identity == "second"
    done.set()
    first.join(_SECONDS)
    second.join(_SECONDS)
