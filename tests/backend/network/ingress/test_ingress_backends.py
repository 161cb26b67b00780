"""The endpoints behind a service's port, and their turns."""

from __future__ import annotations

from collections import Counter

from backend.machinery.client import GVR
from backend.machinery.informer import Informer
from backend.network.ingress.backends import Backends, Endpoint
from backend.network.ingress.routing import ServiceBackend

WEB = ServiceBackend("n", "s", 80)


def service(*ports, **spec):
    return {"metadata": {"namespace": "n", "name": "s", "uid": "u"}, "spec": {"ports": list(ports), **spec}}


def slice_of(*endpoints, name="a", ports=({"name": "web", "port": 8080},), of="s"):
    meta = {"namespace": "n", "name": name, "uid": name, "labels": {"kubernetes.io/service-name": of}}
    return {"metadata": meta, "ports": list(ports), "endpoints": list(endpoints)}


def endpoint(address, **conditions):
    return {"addresses": [address], "conditions": conditions}


class Caches:
    """Two informers whose objects the tests put there."""

    def __init__(self):
        self.services = Informer(None, GVR("", "v1", "services"))
        self.slices = Informer(None, GVR("discovery.k8s.io", "v1", "endpointslices"))
        self.backends = Backends(self.services, self.slices)
        self._version = 0

    def put(self, *objects):
        for obj in objects:
            self._version += 1
            obj["metadata"]["resourceVersion"] = str(self._version)
            (self.slices if "endpoints" in obj else self.services)._put(obj)
        return self.backends


def test_ready_endpoints_of_the_port_by_number_and_by_name():
    backends = Caches().put(
        service({"name": "web", "port": 80}, {"name": "admin", "port": 81}),
        slice_of(
            endpoint("10.0.0.1", ready=True), endpoint("10.0.0.2", ready=False), endpoint("10.0.0.3"),
            ports=({"name": "web", "port": 8080}, {"name": "admin", "port": 8081}),
        ),
        slice_of(endpoint("10.0.0.4", ready=True), name="b"),
        slice_of(endpoint("10.0.0.9", ready=True), name="c", of="other"),
    )  # fmt: skip
    web = {Endpoint(f"10.0.0.{last}", 8080) for last in (1, 3, 4)}
    assert set(backends.next_endpoints(WEB)) == web
    assert set(backends.next_endpoints(ServiceBackend("n", "s", "web"))) == web
    assert {each.port for each in backends.next_endpoints(ServiceBackend("n", "s", 81))} == {8081}
    assert backends.next_endpoints(ServiceBackend("other", "s", 80)) == ()


def test_an_only_port_has_no_name():
    backends = Caches().put(
        service({"port": 80}), slice_of(endpoint("10.0.0.1"), ports=({"name": "", "port": 1},))
    )
    assert list(backends.next_endpoints(WEB)) == [Endpoint("10.0.0.1", 1)]


def test_every_endpoint_is_first_as_often_as_any_other():
    backends = Caches().put(
        service({"name": "web", "port": 80}), slice_of(*(endpoint(f"10.0.0.{n}") for n in range(3)))
    )
    seen = [backends.next_endpoints(WEB) for _ in range(30)]
    assert set(Counter(each[0].host for each in seen).values()) == {10}
    assert all(len(set(each)) == 3 for each in seen)


def test_changes_count_at_once():
    caches = Caches()
    backends = caches.put(service({"name": "web", "port": 80}))
    assert list(backends.next_endpoints(WEB)) == []
    caches.put(slice_of(endpoint("10.0.0.1", ready=True)))
    assert list(backends.next_endpoints(WEB)) == [Endpoint("10.0.0.1", 8080)]
    caches.put(slice_of(endpoint("10.0.0.1", ready=False)))
    assert list(backends.next_endpoints(WEB)) == []
    caches.put(service({"name": "renamed", "port": 80}), slice_of(endpoint("10.0.0.1", ready=True)))
    assert list(backends.next_endpoints(WEB)) == []


def test_what_somebody_has_to_mend():
    caches = Caches()
    backends = caches.backends
    assert backends.fault(WEB) == ("ServiceNotFound", "service n/s not found")
    caches.put(service({"name": "web", "port": 81}, {"name": "dns", "port": 80, "protocol": "UDP"}))
    assert backends.fault(WEB) == ("ServicePortNotFound", "service n/s has no port 80")
    assert backends.fault(ServiceBackend("n", "s", "http")) == (
        "ServicePortNotFound", "service n/s has no port http",
    )  # fmt: skip
    assert backends.fault(ServiceBackend("n", "s", "web")) is None


def test_an_external_name_is_reached_by_its_name():
    backends = Caches().put(service({"name": "web", "port": 81}, type="ExternalName", externalName="example.com"))
    assert list(backends.next_endpoints(WEB)) == [Endpoint("example.com", 80)]
    assert list(backends.next_endpoints(ServiceBackend("n", "s", "web"))) == [Endpoint("example.com", 81)]
    assert backends.fault(WEB) is None
