"""From what was applied the last time, what is to be applied and what the server has, to what the server is sent.

Source: k8s.io/kubectl/pkg/cmd/apply/patcher.go.
"""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError, is_not_found, with_source
from minikctl.client.rest import MERGE_PATCH, STRATEGIC_MERGE_PATCH, Client
from minikctl.commands.apply.last_applied import in_words
from minikctl.commands.create.creating import last_applied
from minikctl.output.json_out import dumps
from minikctl.output.yaml_out import dumps as yaml

if TYPE_CHECKING:
    from backend.meta.schema import Schemas

_RETRIES = 5
_TRIES_AT_ONCE = 1
_PAUSE = 1.0
"""Seconds between later tries."""


class Replacing(NamedTuple):
    """--force: how to delete what cannot be patched. `timeout` is in seconds, 0 for none."""

    options: dict[str, Any]
    timeout: float


class Patcher(NamedTuple):
    """Patches the one object that `info` names; `query` goes with each request. Sends nothing for an empty patch."""

    client: Client
    info: Info
    query: dict[str, str]
    err: TextIO
    overwrite: bool = True
    replacing: Replacing | None = None

    def patch(self, current: dict[str, Any], modified: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(the patch, the object after it). Conflicts are tried again with the object as it is by then."""
        for tried in range(_RETRIES + 1):
            patch: dict[str, Any] | None = None
            try:
                content_type, patch = self.make(current, modified)
                return patch, self.send(content_type, patch, current)
            except (StatusError, Failure) as error:
                conflict = isinstance(error, StatusError) and error.reason == "Conflict"
                if conflict and tried < _RETRIES:
                    if tried >= _TRIES_AT_ONCE:
                        time.sleep(_PAUSE)
                    current = self.client.get(self.info.path())
                    continue
                invalid = isinstance(error, StatusError) and error.reason == "Invalid"
                if self.replacing is not None and (conflict or invalid):
                    return modified, self._make_anew(current, modified, self.replacing)
                raise self._in_context(error, patch) from None
        raise AssertionError("the last try returns or raises")

    def _in_context(self, error: StatusError | Failure, patch: dict[str, Any] | None) -> Exception:
        source = self.info.source
        text = "" if patch is None else dumps(patch, None)
        doing = f"applying patch:\n{text}\nto:\n{in_words(self.info)}\nfor:"
        return with_source(doing, source, with_source("patching", source, error))

    def make(self, current: dict[str, Any], modified: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """(content type, patch): strategic for Kubernetes' own kinds, else a merge patch."""
        from backend.meta.patch import three_way_merge, three_way_strategic, two_way_strategic

        original = self._original(current)
        mapping = self.info.mapping
        schemas = load_schemas()
        definition = schemas.kinds().get((mapping.group, mapping.version, mapping.kind))
        if definition is None:
            return MERGE_PATCH, three_way_merge(original, modified, current)
        patch = three_way_strategic(original, modified, current, definition, schemas)
        if not self.overwrite:
            changed = two_way_strategic(original, current, definition, schemas)
            if _conflict(patch, changed):
                raise self._overwritten(current, modified, patch, changed)
        return STRATEGIC_MERGE_PATCH, patch

    def _original(self, current: dict[str, Any]) -> dict[str, Any]:
        text = last_applied(current)
        try:
            original = json.loads(text) if text else {}
        except ValueError:
            original = None
        if not isinstance(original, dict):
            raise Failure(f"the last-applied-configuration annotation is no JSON object: {text}")
        return original

    def _overwritten(
        self, current: dict[str, Any], modified: dict[str, Any], patch: dict[str, Any], changed: dict[str, Any]
    ) -> Failure:
        """--overwrite=false: what somebody else changed would be changed again. kubectl says it thrice."""
        conflict = (
            f"patch:\n{yaml(patch)}\nconflicts with changes made from original to current:\n{yaml(changed)}\n"
        )
        for version in ("openapi v3 spec", "openapi spec"):
            self.err.write(f"warning: error calculating patch from {version}: {conflict}\n")
        return Failure(
            f"creating patch with:\noriginal:\n{last_applied(current) or ''}\nmodified:\n{dumps(modified, None)}\n\n"
            f"current:\n{dumps(current, None)}\n\nfor: {conflict}"
        )

    def send(self, content_type: str, patch: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
        """The object after the patch."""
        if not patch:
            return current
        return self.client.request(
            "PATCH", self.info.path(), query=self.query, body=patch, content_type=content_type
        )

    def _make_anew(
        self, current: dict[str, Any], modified: dict[str, Any], replacing: Replacing
    ) -> dict[str, Any]:
        """Delete the object, wait until it is gone, make it anew. If that fails the old one is made again."""
        path = self.info.path()
        self.client.request("DELETE", path, body=replacing.options)
        deadline = time.monotonic() + replacing.timeout if replacing.timeout else float("inf")
        while self._exists(path):
            if time.monotonic() > deadline:
                raise Failure("timed out waiting for the condition")
            time.sleep(_PAUSE)
        try:
            return self.create(modified)
        except StatusError as error:
            try:
                return self.create(current)
            except StatusError as again:
                raise Failure(
                    "An error occurred force-replacing the existing object with the newly provided one:\n\n"
                    f"{error}.\n\nAdditionally, an error occurred attempting to restore the original object:\n\n{again}"
                ) from None

    def _exists(self, path: str) -> bool:
        try:
            self.client.get(path)
        except StatusError as error:
            if is_not_found(error):
                return False
            raise
        return True

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object as the server made it of `obj`, whose resourceVersion is left out."""
        meta = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
        path = self.info.mapping.path(self.info.namespace)
        return self.client.request("POST", path, query=self.query, body={**obj, "metadata": meta})


@cache
def load_schemas() -> Schemas:
    """Kubernetes' definitions, which say how lists merge."""
    from backend.meta.schema import Schemas

    return Schemas.load()


def _conflict(left: Any, right: Any) -> bool:
    """Whether two patches set one thing otherwise. Source: strategicpatch.MergingMapsHaveConflicts."""
    if isinstance(left, dict) and isinstance(right, dict):
        return any(_conflict(value, right[key]) for key, value in left.items() if key in right and key[:1] != "$")
    return bool(left != right)
