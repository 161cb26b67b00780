"""`--sort-by`: objects, or rows of Tables, in the order of a field. Source: k8s.io/kubectl/pkg/cmd/get/sorter.go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.flags import go_quote
from minikctl.output.jsonpath import JsonPath, JsonPathError, relaxed


def sort_objects(objects: list[dict[str, Any]], expression: str) -> list[dict[str, Any]]:
    """`objects` ordered by what `expression` finds; those that lack it come first."""
    return _sorted(objects, _reader(expression), expression)


def sort_infos(infos: list[Info], expression: str) -> list[Info]:
    """Each Table's rows in order; plain objects in order among themselves."""
    if not any(info.object.get("rows", True) for info in infos):
        return infos
    read = _reader(expression)
    if not all(info.object.get("kind") == "Table" for info in infos):
        return _sorted(infos, lambda info: read(info.object), expression)
    done = []
    for info in infos:
        rows = info.object.get("rows") or []
        ordered = _sorted(rows, lambda row: read(row["object"]), expression)
        done.append(info._replace(object={**info.object, "rows": ordered}))
    return done


def _reader(expression: str) -> Callable[[dict[str, Any]], list[Any]]:
    try:
        path = JsonPath(relaxed(expression))
    except JsonPathError as error:
        raise Failure(str(error)) from None

    def read(obj: dict[str, Any]) -> list[Any]:
        try:
            return path.results(obj)[0]
        except JsonPathError as error:
            raise Failure(str(error)) from None

    return read


def _sorted(items: Iterable[Any], read: Callable[[Any], list[Any]], expression: str) -> list[Any]:
    """Those that lack the field come first, the last of them first: so kubectl's comparison has it."""
    keyed = [(read(item), item) for item in items]
    if keyed and not any(values for values, _ in keyed):
        raise Failure(f"couldn't find any field with path {go_quote(relaxed(expression))} in the list of objects")
    missing = [item for values, item in reversed(keyed) if not values]
    present = [(_key(values[0]), item) for values, item in keyed if values]
    return missing + [item for _, item in sorted(present, key=lambda pair: pair[0])]


def _key(value: Any) -> tuple[int, Any]:
    """Numbers, then quantities, then other texts."""
    if value is None:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, value)
    if not isinstance(value, str):
        raise Failure(
            f"unsortable type: {'map[string]interface {}' if isinstance(value, dict) else '[]interface {}'}"
        )
    quantity = _quantity(value)
    return (2, quantity) if quantity is not None else (3, value)


def _quantity(text: str) -> Any:
    from backend.meta.quantity import parse

    try:
        return parse(text)
    except ValueError:
        return None
