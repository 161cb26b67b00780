"""What plugins keep at hand of the store is never behind it."""

from backend.apiserver.admission.stored import Stored
from backend.machinery.client import CONFIGMAPS


async def test_changes_are_seen_at_once_also_after_the_watch_is_lost(cluster):
    kept = Stored("core/configmaps/")

    def names() -> list[str]:
        return [entry.obj["metadata"]["name"] for entry in kept.entries(cluster.store, "default")]

    assert names() == []
    await cluster.config_map("b")
    await cluster.config_map("a")
    assert names() == ["a", "b"]
    await cluster.client.delete(CONFIGMAPS, "a", "default")
    assert names() == ["b"]
    kept._watch.close()
    await cluster.config_map("c")
    assert names() == ["b", "c"]
    assert kept.entries(cluster.store, "kube-system") == ()
