"""What --for of `wait` can say. Source: k8s.io/kubectl/pkg/cmd/wait (condition.go, json.go)."""

from __future__ import annotations

from typing import Any, Protocol

from minikctl.client.errors import Failure
from minikctl.flags import go_quote
from minikctl.output.jsonpath import JsonPath, JsonPathError, relaxed
from minikctl.output.numbers import go_value


class Condition(Protocol):
    def holds(self, obj: dict[str, Any]) -> bool:
        """Whether `obj` meets it. Failure if it never can."""


class _Existence:
    """That the object is there: met by any."""

    def holds(self, obj: dict[str, Any]) -> bool:
        return True


CREATE = _Existence()

DELETE = _Existence()
"""Met when there is no object: the caller waits for that by other means."""


class StatusCondition:
    """One of `status.conditions` has a status. Names and values are compared without regard to case."""

    def __init__(self, name: str, status: str) -> None:
        self._name = name.casefold()
        self._status = status.casefold()

    def holds(self, obj: dict[str, Any]) -> bool:
        """A condition that was observed of an older generation than the object's does not count."""
        status = obj.get("status") or {}
        for condition in status.get("conditions") or []:
            if str(condition.get("type", "")).casefold() != self._name or "status" not in condition:
                continue
            generation = obj["metadata"].get("generation")
            observed = condition.get("observedGeneration", status.get("observedGeneration"))
            if generation is not None and observed is not None and observed < generation:
                return False
            return str(condition["status"]).casefold() == self._status
        return False


class PathCondition:
    """What a JSONPath leads to is `value`, or (None) anything."""

    def __init__(self, expression: str, value: str | None) -> None:
        try:
            if not expression:
                raise Failure("jsonpath expression cannot be empty")
            self._path = JsonPath(relaxed(expression))
        except JsonPathError as error:
            raise Failure(str(error)) from None
        self._value = value

    def holds(self, obj: dict[str, Any]) -> bool:
        try:
            results = self._path.results(obj)
        except JsonPathError as error:
            raise Failure(str(error)) from None
        if not results or not results[0]:
            return False
        if len(results) > 1:
            raise Failure("given jsonpath expression matches more than one list")
        if len(results[0]) > 1:
            raise Failure("given jsonpath expression matches more than one value")
        if self._value is None:
            return True
        found = results[0][0]
        if isinstance(found, dict | list):
            raise Failure("jsonpath leads to a nested object or list which is not supported")
        return go_value(found).strip() == self._value.strip()


def parse_condition(text: str) -> Condition:
    """The condition that one --for says."""
    if text.lower() == "delete":
        return DELETE
    if text.lower() == "create":
        return CREATE
    kind, _, rest = text.partition("=")
    if kind == "condition" and "=" in text:
        name, equals, status = rest.partition("=")
        return StatusCondition(name, status if equals else "true")
    if kind == "jsonpath" and "=" in text:
        return _path_condition(rest)
    raise Failure(f"unrecognized condition: {go_quote(text)}")


def _path_condition(text: str) -> PathCondition:
    parts = [part.replace("\0", "==") for part in text.replace("==", "\0").split("=")]
    if len(parts) > 2:
        raise Failure(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or"
            " --for=jsonpath='{.status.readyReplicas}'"
        )
    value = parts[1].strip("'\"") if len(parts) == 2 else None
    if value == "":
        raise Failure(
            "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3"
        )
    return PathCondition(parts[0], value)
