"""`-o jsonpath=...`, `jsonpath-file` and `jsonpath-as-json`. Source: cli-runtime/pkg/printers/jsonpath.go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from minikctl.client.errors import Failure
from minikctl.flags import go_quote
from minikctl.output.json_out import dumps
from minikctl.output.jsonpath import JsonPath, JsonPathError
from minikctl.output.numbers import go_syntax, go_value


class JsonPathPrinter:
    """Prints what the template finds, without a final newline; `as_json` prints each action's results as a list."""

    def __init__(self, template: str, *, allow_missing: bool, as_json: bool) -> None:
        self._template = template
        self._allow_missing = allow_missing
        self._as_json = as_json
        try:
            self._path = JsonPath(template)
        except JsonPathError as error:
            raise Failure(f"error parsing jsonpath {template}, {error}") from None

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        try:
            results = self._path.results(obj, lenient=self._allow_missing)
        except JsonPathError as error:
            raise Failure(
                f"error executing jsonpath {go_quote(self._template)}: Error executing template: {error}. Printing more"
                f" information for debugging the template:\n\ttemplate was:\n\t\t{self._template}\n"
                f"\tobject given to jsonpath engine was:\n\t\t{go_syntax(obj)}\n\n\n"
            ) from None
        for values in results:
            if self._as_json:
                out.write(dumps(list(values)) + "\n")
            else:
                out.write(" ".join(_text(value) for value in values))


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return dumps(value, None)
    return "" if value is None else go_value(value)
