"""apps/v1 ControllerRevision, the immutable states of StatefulSets and DaemonSets.

Source: ValidateControllerRevision of pkg/apis/apps/validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

_SCHEMA = "io.k8s.api.apps.v1.ControllerRevision"


def _default(revision: Obj) -> None:
    revision.setdefault("revision", 0)


def _validate(revision: Obj) -> Sequence[Cause]:
    found: list[Cause] = []
    if revision.get("data") is None:
        found.append(causes.required("data", "data is mandatory"))
    return found + causes.nonnegative("revision", revision["revision"])


def _validate_update(revision: Obj, old: Obj) -> Sequence[Cause]:
    found = [*_validate(revision)]
    if revision.get("data") != old.get("data"):
        found.append(causes.immutable("data", revision.get("data")))
    return found


def _controller(revision: Obj) -> str:
    for owner in revision["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group = owner.get("apiVersion", "").rpartition("/")[0]
            kind = owner["kind"].lower()
            return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return cells.NONE


def _row(revision: Obj, now: float) -> list[Any]:
    return [
        revision["metadata"]["name"], _controller(revision), revision.get("revision", 0), cells.age(revision, now),
    ]  # fmt: skip


CONTROLLER_REVISION = Resource(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    singular="controllerrevision",
    namespaced=True,
    schema=_SCHEMA,
    columns=(
        NAME_COLUMN,
        Column("Controller", description="Controller of the object"),
        Column("Revision", described_by=f"{_SCHEMA}.revision"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
)
