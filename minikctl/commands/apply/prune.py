"""--prune: delete what was applied once and is in the files no more.

Source: k8s.io/kubectl/pkg/cmd/apply/prune.go and k8s.io/kubectl/pkg/util/prune/prune.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from minikctl.client.discovery import Mapper
from minikctl.client.errors import Failure
from minikctl.client.rest import Client, ResourceMapping
from minikctl.commands.create.creating import last_applied

_ALLOWED = (
    ("", "v1", "ConfigMap", True), ("", "v1", "Endpoints", True), ("", "v1", "PersistentVolumeClaim", True),
    ("", "v1", "Pod", True), ("", "v1", "ReplicationController", True), ("", "v1", "Secret", True),
    ("", "v1", "Service", True), ("batch", "v1", "Job", True), ("batch", "v1", "CronJob", True),
    ("networking.k8s.io", "v1", "Ingress", True), ("apps", "v1", "DaemonSet", True),
    ("apps", "v1", "Deployment", True), ("apps", "v1", "ReplicaSet", True), ("apps", "v1", "StatefulSet", True),
    ("", "v1", "Namespace", False), ("", "v1", "PersistentVolume", False),
)  # fmt: skip
"""(group, version, kind, namespaced) of what is pruned without --prune-allowlist."""

DEPRECATED = (
    "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace"
    " flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in"
    " the --prune-allowlist flag."
)


class Pruner(NamedTuple):
    """`visited` are the uids of what the files have; `namespaces` those that they touch. `options` go with each
    DELETE, None for a dry run of the client's; `done` prints what went."""

    client: Client
    selector: str
    visited: frozenset[str]
    options: dict[str, Any] | None
    done: Callable[[dict[str, Any]], None]

    def prune(self, mappings: Iterable[ResourceMapping], namespaces: Iterable[str]) -> None:
        """Delete what of these kinds has been applied and was not visited; cluster-wide kinds last."""
        for mapping, namespace in places(mappings, namespaces):
            self._prune(mapping, namespace)

    def _prune(self, mapping: ResourceMapping, namespace: str) -> None:
        for item in applied(self.client, mapping, namespace, self.selector):
            if item["metadata"]["uid"] in self.visited:
                continue
            if self.options is not None:
                path = mapping.path(namespace, item["metadata"]["name"])
                self.client.request("DELETE", path, body=self.options)
            self.done(item)


def places(
    mappings: Iterable[ResourceMapping], namespaces: Iterable[str]
) -> Iterator[tuple[ResourceMapping, str]]:
    """Where to look for what is to go; cluster-wide kinds last, in no namespace."""
    kinds = list(mappings)
    for namespace in namespaces:
        yield from ((mapping, namespace) for mapping in kinds if mapping.namespaced)
    yield from ((mapping, "") for mapping in kinds if not mapping.namespaced)


def applied(client: Client, mapping: ResourceMapping, namespace: str, selector: str) -> Iterator[dict[str, Any]]:
    """The objects of a kind that have been applied once."""
    page = client.get(mapping.path(namespace), {"labelSelector": selector})
    for item in page.get("items") or []:
        if last_applied(item) is not None:
            yield {"apiVersion": mapping.api_version, "kind": mapping.kind, **item}


def allowed(given: list[str], mapper: Mapper) -> list[ResourceMapping]:
    """The kinds that --prune-allowlist names as group/version/kind. Failure for what is none or not served."""
    found = []
    for text in given:
        parts = text.split("/")
        if len(parts) != 3:
            raise Failure(f"invalid GroupVersionKind format: {text}, please follow <group/version/kind>")
        group, version, kind = parts
        found.append(_mapping("" if group == "core" else group, version, kind, mapper))
    return found


def allowed_by_default(mapper: Mapper) -> list[ResourceMapping]:
    """The kinds that are pruned without --prune-allowlist; Failure if the server lacks one, as kubectl has it."""
    found = []
    for group, version, kind, namespaced in _ALLOWED:
        try:
            found.append(_mapping(group, version, kind, mapper))
        except Failure as error:
            what = f"{group}/{version}, Kind={kind}, Namespaced={str(namespaced).lower()}"
            raise Failure(f"error retrieving RESTMappings to prune: invalid resource {what}: {error}") from None
    return found


def _mapping(group: str, version: str, kind: str, mapper: Mapper) -> ResourceMapping:
    api_version = f"{group}/{version}" if group else version
    mapping = mapper.find_kind(api_version, kind)
    if mapping is None:
        raise Failure(f'no matches for kind "{kind}" in version "{api_version}"')
    return mapping
