"""v1 Binding, posted to a namespace: the old way to say what pods/binding says. Nothing of it is stored."""

from __future__ import annotations

from backend.resources.resource import Resource

BINDING = Resource(
    group="",
    version="v1",
    kind="Binding",
    plural="bindings",
    singular="binding",
    namespaced=True,
    schema="io.k8s.api.core.v1.Binding",
    verbs=("create",),
)
