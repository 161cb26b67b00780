"""Server-side apply: the server merges what it is sent, and keeps who owns which field.

Source: k8s.io/kubectl/pkg/cmd/apply/apply.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import JSON_PATCH
from minikctl.command import Flag, Invocation
from minikctl.commands.create.creating import LAST_APPLIED, last_applied

APPLY_PATCH = "application/apply-patch+yaml"

_DEFAULT_MANAGER = "kubectl"
_ANNOTATION_MANAGER = "kubectl-last-applied"
_RETRIES = 5

FIELD_MANAGER = Flag(
    "field-manager", "string", "kubectl-client-side-apply", "Name of the manager used to track field ownership."
)

_ADVICE = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def field_manager(call: Invocation) -> str:
    """--field-manager, whose default tells the two kinds of apply apart. Source: apply.GetApplyFieldManagerFlag."""
    if call.flags["server-side"] and "field-manager" not in call.changed:
        return _DEFAULT_MANAGER
    return str(call.flags["field-manager"])


def server_side_apply(call: Invocation, info: Info, query: dict[str, str]) -> dict[str, Any]:
    """The object after the server applied it. Failure, with what can be done, for a conflict of managers and for a
    server that cannot apply; StatusError else.

    What `apply` on the client's side owned until now is owned by this manager then. That this failed is a warning.
    """
    obj = _apply(call, info, query)
    warn = call.streams.err.write
    try:
        obj = _keep_annotation(call, info, query, obj)
    except StatusError as error:
        warn(
            f"Warning: failed to migrate {LAST_APPLIED} for Server-Side Apply. This is non-fatal and will be retried"
            f" next time you apply. Error: {error}\n"
        )
        return obj
    try:
        migrated = _migrated(call, info, query, obj)
    except StatusError as error:
        warn(
            "Warning: server rejected managed fields migration to Server-Side Apply. This is non-fatal and will be"
            f" retried next time you apply. Error: {error}\n"
        )
        return obj
    if migrated is None:
        return obj
    try:
        return _apply(call, info, query)
    except (StatusError, Failure) as error:
        warn(
            "Warning: failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal"
            f" and will be retried next time you apply. Error: {error}\n"
        )
        return migrated


def _apply(call: Invocation, info: Info, query: dict[str, str]) -> dict[str, Any]:
    force = "true" if call.flags["force-conflicts"] else "false"
    try:
        return _patch(call, info, {**query, "force": force}, info.object)
    except StatusError as error:
        if error.code == 415:
            raise Failure(f"Server-side apply not available on the server: ({error})") from None
        if error.reason == "Conflict":
            raise Failure(f"{error}{_ADVICE}") from None
        raise


def _patch(
    call: Invocation, info: Info, query: dict[str, str], body: Any, content_type: str = APPLY_PATCH
) -> dict[str, Any]:
    path = info.path(call.flags.get("subresource", ""))
    return call.factory.client.request("PATCH", path, query=query, body=body, content_type=content_type)


def _keep_annotation(call: Invocation, info: Info, query: dict[str, str], obj: dict[str, Any]) -> dict[str, Any]:
    """Give the annotation of `apply` a manager of its own, or the next apply would take it out. Only for the default
    manager, for which the server keeps the annotation true. Source: saveLastApplyAnnotationIfNecessary."""
    text = last_applied(obj)
    if query["fieldManager"] != _DEFAULT_MANAGER or text is None or not _annotation_updaters(obj):
        return obj
    meta = {"annotations": {LAST_APPLIED: text}, "name": obj["metadata"]["name"]}
    if obj["metadata"].get("namespace"):
        meta["namespace"] = obj["metadata"]["namespace"]
    bare = {"apiVersion": info.mapping.api_version, "kind": info.mapping.kind, "metadata": meta}
    return _patch(call, info, {**query, "fieldManager": _ANNOTATION_MANAGER}, bare)


def _migrated(call: Invocation, info: Info, query: dict[str, str], obj: dict[str, Any]) -> dict[str, Any] | None:
    """The object once this manager owns what `apply` on the client's side owned; None if that owned nothing.

    Source: migrateToSSAIfNecessary.
    """
    updaters = _annotation_updaters(obj)
    for tried in range(_RETRIES):
        entries = _upgraded(obj["metadata"].get("managedFields") or [], updaters, query["fieldManager"])
        if entries is None:
            return None
        version = obj["metadata"]["resourceVersion"]
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        try:
            return _patch(call, info, query, patch, JSON_PATCH)
        except StatusError as error:
            if error.reason != "Conflict" or tried == _RETRIES - 1:
                raise
        obj = call.factory.client.get(info.path())
    return None


def _annotation_updaters(obj: dict[str, Any]) -> frozenset[str]:
    """The managers that wrote the annotation of `apply` by updates."""
    found = set()
    for entry in obj["metadata"].get("managedFields") or ():
        fields: Any = entry.get("fieldsV1") or {}
        for step in ("f:metadata", "f:annotations"):
            fields = fields.get(step) or {}
        if entry.get("operation") == "Update" and f"f:{LAST_APPLIED}" in fields:
            found.add(entry.get("manager", ""))
    return frozenset(found)


def _upgraded(
    entries: list[dict[str, Any]], updaters: frozenset[str], manager: str
) -> list[dict[str, Any]] | None:
    """The entries with what `updaters` own given to the manager; None where nothing would change.

    Source: k8s.io/client-go/util/csaupgrade.
    """
    old = [
        entry
        for entry in entries
        if entry.get("operation") == "Update" and entry.get("manager") in updaters and not entry.get("subresource")
    ]
    if not old:
        return None
    from backend.meta.structured.sets import union

    def is_own(entry: dict[str, Any]) -> bool:
        return (entry.get("manager"), entry.get("operation")) == (manager, "Apply") and not entry.get(
            "subresource"
        )

    own = next(filter(is_own, entries), None)
    merged = own if own is not None else {**old[0], "operation": "Apply", "manager": manager}
    same = next((entry for entry in old if entry.get("apiVersion") == merged.get("apiVersion")), None)
    if same is not None:
        merged = {**merged, "fieldsV1": union(merged.get("fieldsV1") or {}, same.get("fieldsV1") or {})}
    replaced = own if own is not None else old[0]
    return [merged if entry is replaced else entry for entry in entries if entry is replaced or entry not in old]
