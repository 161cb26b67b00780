"""Where a webhook is: at its URL, or at one of the ready endpoints of its service.

Source: k8s.io/apiserver/pkg/util/webhook/client.go, and ResolveEndpoint of pkg/util/proxy.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from urllib.parse import urlsplit

from backend.apiserver.admission.webhook.client import CallFailed, Endpoint
from backend.meta.causes import go_quote
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.store.api import Store

_SERVICE_NAME = "kubernetes.io/service-name"
Address = tuple[str, int]


def find_endpoint(store: Store, client: Obj, seconds: int) -> Endpoint:
    """Of a webhook's clientConfig. Raises CallFailed if its service cannot be reached."""
    ca_bundle = client.get("caBundle") or ""
    url = client.get("url")
    if url is not None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return Endpoint(host, parts.port, parts.path or "/", ca_bundle, (host, parts.port or 443))
    service = client["service"]
    name, namespace, port = service["name"], service["namespace"], service.get("port") or 443
    path = service.get("path") or "/"
    endpoint = Endpoint(f"{name}.{namespace}.svc", port, path, ca_bundle, ("", 0))
    try:
        address = _resolve(store, namespace, name, port)
    except LookupError as error:
        raise CallFailed(f"Post {go_quote(endpoint.url(seconds))}: {error.args[0]}") from None
    return Endpoint(endpoint.host, port, path, ca_bundle, address)


def _resolve(store: Store, namespace: str, name: str, port: int) -> Address:
    """Any ready endpoint of the service's port. Raises LookupError with the reason."""
    entry = store.get(f"core/services/{namespace}/{name}")
    if entry is None:
        raise LookupError(f"service {go_quote(name)} not found")
    service = entry.obj
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return spec["externalName"], port
    for offered in spec.get("ports") or ():
        if offered["port"] == port:
            break
    else:
        raise LookupError(f"no service port {port} found for service {go_quote(name)}")
    found = [*_from_slices(store, namespace, name, offered)] or [*_from_pods(store, namespace, spec, offered)]
    if not found:
        raise LookupError(f"no endpoints available for service {go_quote(name)}")
    return random.choice(found)


def _from_slices(store: Store, namespace: str, name: str, offered: Obj) -> Iterator[Address]:
    for entry in store.list(f"discovery.k8s.io/endpointslices/{namespace}/").entries:
        endpoint_slice = entry.obj
        if (endpoint_slice["metadata"].get("labels") or {}).get(_SERVICE_NAME) != name:
            continue
        ports = [port["port"] for port in endpoint_slice.get("ports") or () if _is(port, offered)]
        for endpoint in endpoint_slice.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                yield from ((address, port) for address in endpoint["addresses"] for port in ports)


def _is(port: Obj, offered: Obj) -> bool:
    return (port.get("name") or "") == (offered.get("name") or "") and port.get("port") is not None


def _from_pods(store: Store, namespace: str, spec: Obj, offered: Obj) -> Iterator[Address]:
    """Of the pods themselves, before anybody made slices of them."""
    if not spec.get("selector"):
        return
    selector = as_selector({"matchLabels": spec["selector"]})
    for entry in store.list(f"core/pods/{namespace}/").entries:
        pod = entry.obj
        status = pod.get("status") or {}
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or ()
        )
        if not ready or not status.get("podIP") or not selector.matches(pod["metadata"].get("labels")):
            continue
        port = _container_port(pod, offered.get("targetPort") or offered["port"])
        if port is not None:
            yield status["podIP"], port


def _container_port(pod: Obj, target: int | str) -> int | None:
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == target:
                number: int = port["containerPort"]
                return number
    return None
