"""The scheduler's picture of the nodes, assumed pods included."""

from fractions import Fraction

from backend.scheduler.nodeinfo import Cache, Load, schedulable_fields

KEY = ("default", "p")


def node(name="n"):
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4"}}}


def pod(node="n", phase="Running", cpu="1"):
    return {
        "metadata": {"namespace": "default", "name": "p"},
        "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": phase},
    }


def cache_with(*names):
    cache = Cache()
    for name in names:
        cache.set_node(name, node(name))
    return cache


def requested(cache):
    return {info.name: info.requested.get("cpu", 0) for info in cache.nodes()}


def test_an_assumed_pod_counts_once_it_is_bound_too():
    cache = cache_with("n")
    cache.assume(KEY, Load.of(pod()["spec"]), "n")
    assert cache.is_assumed(KEY)
    assert requested(cache) == {"n": 1}
    cache.set_pod(pod())
    assert not cache.is_assumed(KEY)
    assert requested(cache) == {"n": 1}


def test_a_failed_binding_gives_back_what_was_assumed():
    cache = cache_with("n")
    cache.assume(KEY, Load.of(pod()["spec"]), "n")
    cache.forget(KEY)
    assert requested(cache) == {"n": 0}
    assert not cache.is_assumed(KEY)


def test_what_is_bound_is_not_forgotten():
    cache = cache_with("n")
    cache.set_pod(pod())
    cache.forget(KEY)
    assert requested(cache) == {"n": 1}


def test_a_pod_that_somebody_else_bound_elsewhere_moves():
    cache = cache_with("a", "b")
    cache.assume(KEY, Load.of(pod()["spec"]), "a")
    cache.set_pod(pod("b"))
    assert requested(cache) == {"a": 0, "b": 1}


def test_a_pod_that_has_ended_frees_what_it_took_once():
    cache = cache_with("n")
    cache.set_pod(pod())
    assert cache.set_pod(pod(phase="Succeeded")) is True
    assert cache.set_pod(pod(phase="Succeeded")) is False
    assert requested(cache) == {"n": 0}


def test_a_resized_pod_counts_with_its_new_size():
    cache = cache_with("n")
    cache.set_pod(pod(cpu="1"))
    cache.set_pod(pod(cpu="500m"))
    assert requested(cache) == {"n": Fraction(1, 2)}


def test_a_node_that_comes_back_has_its_pods_still():
    cache = cache_with("n")
    cache.set_pod(pod())
    cache.set_node("n", None)
    assert cache.nodes() == []
    cache.set_node("n", node())
    assert requested(cache) == {"n": 1}


def test_pods_may_be_seen_before_their_node():
    cache = Cache()
    cache.set_pod(pod())
    assert cache.nodes() == []
    cache.set_node("n", node())
    assert requested(cache) == {"n": 1}
    assert cache.remove_pod(KEY) is True
    assert cache.remove_pod(KEY) is False


def test_a_heartbeat_changes_nothing_that_matters():
    beat = node() | {"status": {"allocatable": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]}}
    assert schedulable_fields(beat) == schedulable_fields(node())
    assert schedulable_fields(node() | {"spec": {"unschedulable": True}}) != schedulable_fields(node())
