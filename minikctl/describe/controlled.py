"""What describers of controllers share: their pods by phase, and their conditions.

Source: getPodStatusForController, printController of k8s.io/kubectl/pkg/describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import StatusError
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_TITLES = {"Running": "Running", "Pending": "Waiting", "Succeeded": "Succeeded", "Failed": "Failed"}
_CHUNK = "500"


def owner(obj: Obj) -> Obj | None:
    """The reference to the controller of `obj`."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            found: Obj = reference
            return found
    return None


def controlled_by(writer: Writer, obj: Obj) -> None:
    reference = owner(obj)
    if reference is not None:
        writer.write(0, f"Controlled By:\t{reference['kind']}/{reference['name']}\n")


def owned(client: Client, path: str, obj: Obj, selector: str) -> list[dict[str, Any]]:
    """All that is at `path`, matches and is controlled by `obj`. Raises StatusError."""
    found: list[dict[str, Any]] = []
    query = {"labelSelector": selector, "limit": _CHUNK}
    while True:
        page = client.get(path, query)
        found += page["items"]
        after = page["metadata"].get("continue")
        if not after:
            break
        query = {**query, "continue": after}
    uid = obj["metadata"].get("uid", "")
    return [item for item in found if (owner(item) or {}).get("uid") == uid]


def pods_status(client: Client, obj: Obj, selector: str) -> str:
    """`1 Running / 0 Waiting / 0 Succeeded / 0 Failed`, or why that is not known."""
    try:
        pods = owned(client, f"/api/v1/namespaces/{obj['metadata']['namespace']}/pods", obj, selector)
    except StatusError as error:
        return f"error in fetching pods: {error}"
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    return " / ".join(f"{phases.count(phase)} {title}" for phase, title in _TITLES.items())


def conditions(writer: Writer, given: list[Obj] | None) -> None:
    if not given:
        return
    writer.write(0, "Conditions:\n  Type\tStatus\tReason\n")
    writer.write(1, "----\t------\t------\n")
    for condition in given:
        writer.write(1, f"{condition['type']} \t{condition['status']}\t{condition.get('reason', '')}\n")
