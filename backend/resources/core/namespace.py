"""v1 Namespace. Source: pkg/registry/core/namespace/strategy.go and pkg/apis/core/v1/defaults.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"


def _label(namespace: Obj) -> None:
    meta = namespace["metadata"]
    if meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: meta["name"]}


def _default(namespace: Obj) -> None:
    _label(namespace)
    namespace.setdefault("spec", {})
    status = namespace["status"] = namespace.get("status") or {}
    status.setdefault("phase", "Active")


def _prepare_create(namespace: Obj) -> None:
    """A client sets neither the phase nor can it leave out the finalizer that empties the namespace.

    The label again, because a name from generateName was not known when defaults were filled in.
    """
    _label(namespace)
    namespace["status"] = {"phase": "Active"}
    finalizers = namespace["spec"].setdefault("finalizers", [])
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)


def _prepare_update(namespace: Obj, old: Obj) -> None:
    """The finalizers change only through the finalize subresource."""
    namespace["spec"]["finalizers"] = old.get("spec", {}).get("finalizers", [])


def _row(namespace: Obj, now: float) -> list[Any]:
    return [namespace["metadata"]["name"], namespace["status"].get("phase", ""), cells.age(namespace, now)]


NAMESPACE = Resource(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    singular="namespace",
    namespaced=False,
    schema="io.k8s.api.core.v1.Namespace",
    short_names=("ns",),
    # A namespace is emptied one by one: kube-apiserver offers no deletecollection for it.
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    subresources=("finalize", "status"),
    columns=(NAME_COLUMN, Column("Status", description="The status of the namespace"), AGE_COLUMN),
    row=_row,
    validate_name=names.dns1123_label,
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    selectable=lambda namespace: {"status.phase": namespace.get("status", {}).get("phase", "")},
    selectable_names=frozenset({"status.phase"}),
)
