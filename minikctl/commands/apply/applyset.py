"""--applyset: a parent object that says what has been applied together, so that --prune knows what to delete.

Offered where $KUBECTL_APPLYSET is true. Source: k8s.io/kubectl/pkg/cmd/apply/applyset.go and applyset_pruner.go, and
https://git.k8s.io/enhancements/keps/sig-cli/3659-kubectl-apply-prune.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minikctl.client.builder import Info
from minikctl.client.errors import Failure, NoResourceMatch, StatusError, is_not_found
from minikctl.client.rest import ResourceMapping
from minikctl.command import Flag, Invocation
from minikctl.commands.apply.server_side import APPLY_PATCH
from minikctl.flags import go_quote
from minikctl.version import KUBERNETES

_DOMAIN = "applyset.kubernetes.io"
_TOOLING = f"{_DOMAIN}/tooling"
_NAMESPACES = f"{_DOMAIN}/additional-namespaces"
_RESOURCES = f"{_DOMAIN}/contains-group-resources"
_KINDS = f"{_DOMAIN}/contains-group-kinds"
_ID = f"{_DOMAIN}/id"
_PART_OF = f"{_DOMAIN}/part-of"
_PARENT_TYPE = f"{_DOMAIN}/is-parent-type"
_TOOL = "kubectl"
"""Sets of kubectl's are ours, and ours are kubectl's."""
_PARENTS = ("secrets", "configmaps")

Kinds = dict[str, ResourceMapping]
"""Kinds as KIND.GROUP, with where they are served."""


def flags() -> tuple[Flag, ...]:
    """The flag, where the environment asks for it."""
    if os.environ.get("KUBECTL_APPLYSET") != "true":
        return ()
    return (
        Flag(
            "applyset", "string", "",
            "[alpha] The name of the ApplySet that tracks which resources are being managed, for the purposes of"
            " determining what to prune. Live resources that are part of the ApplySet but have been removed from the"
            " provided configs will be deleted. Format: [RESOURCE][.GROUP]/NAME. A Secret will be used if no resource"
            " or group is specified.",
        ),
    )  # fmt: skip


class Sending(NamedTuple):
    """How requests are sent. `options` go with each DELETE, None for a dry run of the client's."""

    query: dict[str, str]
    options: dict[str, Any] | None


class ApplySet:
    """One set, during one call."""

    def __init__(self, call: Invocation) -> None:
        """Raises Failure for a --applyset that names no parent."""
        self._call = call
        self._mapping, self._name = _parent(call, call.flags["applyset"])
        explicit = call.factory.explicit_namespace and self._mapping.namespaced
        self._namespace = call.factory.namespace if explicit else ""
        self._kinds: Kinds = {}
        self._new_kinds: Kinds = {}
        self._namespaces: set[str] = set()
        self._new_namespaces: set[str] = set()

    @property
    def identity(self) -> str:
        """The label of the parent and of its members."""
        parts = (self._name, self._namespace, self._mapping.kind, self._mapping.group)
        digest = hashlib.sha256(".".join(parts).encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    def check(self) -> None:
        """Raises Failure for a parent that cannot be one, and for flags that do not go with a set."""
        if not self._call.flags["prune"]:
            raise Failure("--applyset requires --prune")
        mapping = self._mapping
        if mapping.namespaced and not self._namespace:
            raise Failure("namespace is required to use namespace-scoped ApplySet")
        if mapping.group or mapping.resource not in _PARENTS:
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            found = self._call.factory.client.get(path, {"labelSelector": _PARENT_TYPE})
            if f"{mapping.resource}.{mapping.group}" not in {
                d["metadata"]["name"] for d in found.get("items") or ()
            }:
                what = go_quote(f"{mapping.group}/{mapping.version}, Resource={mapping.resource}")
                raise Failure(f"resource {what} is not permitted as an ApplySet parent")

    def labelled(self, info: Info) -> Info:
        """`info` as a member. Raises Failure if it says itself what it is a member of."""
        meta = info.object.get("metadata") or {}
        labels = meta.get("labels") or {}
        if _PART_OF in labels:
            raise Failure(f"ApplySet label {go_quote(_PART_OF)} already set in input data")
        meta = {**meta, "labels": {**labels, _PART_OF: self.identity}}
        return info._replace(object={**info.object, "metadata": meta})

    def begin(self, infos: Iterable[Info], sending: Sending) -> None:
        """Before anything is applied: the parent covers what it had and what is to come, whatever happens then."""
        self._read_parent()
        for info in infos:
            self._new_kinds[_group_kind(info.mapping)] = info.mapping
            if info.mapping.namespaced and info.namespace:
                self._new_namespaces.add(info.namespace)
        self._write_parent({**self._kinds, **self._new_kinds}, self._namespaces | self._new_namespaces, sending)

    def prune(self, visited: frozenset[str], sending: Sending, done: Callable[[dict[str, Any]], None]) -> None:
        """Delete the members whose uids were not visited; then the parent covers what is left."""
        client = self._call.factory.client
        gone = []
        for mapping in self._kinds.values():
            for namespace in sorted(self._namespaces) if mapping.namespaced else [""]:
                page = client.get(mapping.path(namespace), {"labelSelector": f"{_PART_OF}={self.identity}"})
                for item in page.get("items") or ():
                    if item["metadata"]["uid"] not in visited:
                        gone.append((mapping, {"apiVersion": mapping.api_version, "kind": mapping.kind, **item}))
        for mapping, item in gone:
            if sending.options is not None:
                meta = item["metadata"]
                path = mapping.path(meta.get("namespace", ""), meta["name"])
                client.request("DELETE", path, body=sending.options)
            done(item)
        try:
            self._write_parent(self._new_kinds, self._new_namespaces, sending)
        except Failure as failure:
            raise Failure(f"apply and prune succeeded, but ApplySet update failed: {failure}") from None

    def _reference(self) -> str:
        return go_quote(f"{self._mapping.resource}.{self._mapping.group}/{self._name}")

    def _read_parent(self) -> None:
        mapping = self._mapping
        try:
            parent = self._call.factory.client.get(mapping.path(self._namespace, self._name))
        except StatusError as error:
            if not is_not_found(error):
                raise Failure(f"failed to fetch ApplySet parent object {self._reference()}: {error}") from None
            if mapping.group or mapping.resource not in _PARENTS:
                raise Failure("custom resource ApplySet parents cannot be created automatically") from None
            return
        annotations = parent["metadata"].get("annotations") or {}
        self._check_parent(annotations, parent["metadata"].get("labels") or {})
        try:
            self._kinds = self._read_kinds(annotations)
        except Failure as failure:
            raise Failure(f"parsing ApplySet annotation on {self._reference()}: {failure}") from None
        self._namespaces = {name for name in annotations.get(_NAMESPACES, "").split(",") if name}
        if mapping.namespaced:
            self._namespaces.add(self._namespace)

    def _check_parent(self, annotations: dict[str, str], labels: dict[str, str]) -> None:
        reference = f"ApplySet parent object {self._reference()}"
        if _TOOLING not in annotations:
            why = f"already exists and is missing required annotation {go_quote(_TOOLING)}"
            raise Failure(f"{reference} {why}")
        tool = annotations[_TOOLING].rpartition("/")[0] or annotations[_TOOLING]
        if tool != _TOOL:
            why = f"already exists and is managed by tooling {go_quote(tool)} instead of {go_quote(_TOOL)}"
            raise Failure(f"{reference} {why}")
        if _ID not in labels:
            raise Failure(f"{reference} exists and does not have required label {_ID}")
        if labels[_ID] != self.identity:
            what = f"(got: {labels[_ID]}, want: {self.identity})"
            raise Failure(f"{reference} exists and has incorrect value for label {go_quote(_ID)} {what}")

    def _read_kinds(self, annotations: dict[str, str]) -> Kinds:
        mapper = self._call.factory.mapper
        kinds: Kinds = {}
        if _KINDS in annotations:
            for name in filter(None, annotations[_KINDS].split(",")):
                mapping = next((known for known in mapper.resources() if _group_kind(known) == name), None)
                if mapping is None:
                    kind, _, group = name.partition(".")
                    why = f'no matches for kind "{kind}" in group "{group}"'
                    raise Failure(f"could not find mapping for kind in {go_quote(_KINDS)} annotation: {why}")
                kinds[name] = mapping
            return kinds
        if not annotations.get(_RESOURCES):
            raise Failure(
                f"kubectl requires the {go_quote(_KINDS)} annotation to be set on all ApplySet parent objects"
            )
        for name in annotations[_RESOURCES].split(","):
            try:
                mapping = mapper.find(name)
            except NoResourceMatch as error:
                raise Failure(f"invalid group resource in {go_quote(_RESOURCES)} annotation: {error}") from None
            kinds[_group_kind(mapping)] = mapping
        return kinds

    def _write_parent(self, kinds: Kinds, namespaces: set[str], sending: Sending) -> None:
        if sending.options is None:
            return
        annotations = {
            _TOOLING: f"{_TOOL}/{KUBERNETES}",
            _KINDS: ",".join(sorted(kinds)),
            _NAMESPACES: ",".join(sorted(namespaces - {self._namespace})),
        }
        meta: dict[str, Any] = {"name": self._name, "labels": {_ID: self.identity}, "annotations": annotations}
        if self._namespace:
            meta["namespace"] = self._namespace
        parent = {"apiVersion": self._mapping.api_version, "kind": self._mapping.kind, "metadata": meta}
        path = self._mapping.path(self._namespace, self._name)
        query = {**sending.query, "fieldManager": f"{_TOOL}-applyset"}
        for force in ("false", "true"):
            try:
                self._call.factory.client.request(
                    "PATCH", path, query={**query, "force": force}, body=parent, content_type=APPLY_PATCH
                )
                return
            except StatusError as error:
                if error.reason != "Conflict" or force == "true":
                    raise Failure(f"failed to update ApplySet: {error}") from None


def _group_kind(mapping: ResourceMapping) -> str:
    return f"{mapping.kind}.{mapping.group}" if mapping.group else mapping.kind


def _parent(call: Invocation, text: str) -> tuple[ResourceMapping, str]:
    """(what the parent is, its name) of [RESOURCE][.GROUP]/NAME."""
    resource, slash, name = text.partition("/")
    if not slash:
        resource, name = "secrets", text
    invalid = f"invalid parent reference {go_quote(text)}"
    if not name:
        raise Failure(f"{invalid}: name cannot be blank")
    try:
        return call.factory.mapper.find(resource), name
    except NoResourceMatch:
        kind, _, group = resource.partition(".")
        raise Failure(f"{invalid}: no matches for {group}/, Resource={kind}") from None
