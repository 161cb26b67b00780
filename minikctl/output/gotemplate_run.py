"""Go templates, executed. Source: Go's text/template (exec.go, funcs.go) and kubectl's functions."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from minikctl.output.jsonpath import unquote
from minikctl.output.numbers import go_value

if TYPE_CHECKING:
    from minikctl.output.gotemplate import Node


class TemplateError(ValueError):
    """The template does not parse, or does not fit the object; the text is Go's."""


class Missing:
    """What a key that is not there gives; prints as `<no value>`."""


NO_VALUE = Missing()

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>[-+]?\d[\w.]*)|(?P<var>\$\w*)|(?P<field>\.\w+)"""
    r"""|(?P<op>:=|=|[|(),.])|(?P<word>\w+))"""
)


def execute(nodes: list[Node], data: Any, put: Callable[[str], None], *, strict: bool) -> None:
    """Write what `nodes` make of `data`; with `strict` a missing key is an error."""
    _Run(put, strict).block(nodes, data, {"$": data})


class _Run:
    def __init__(self, put: Callable[[str], None], strict: bool) -> None:
        self._put = put
        self._strict = strict

    def block(self, nodes: list[Node], dot: Any, names: dict[str, Any]) -> None:
        names = dict(names)
        for node in nodes:
            if node.kind == "text":
                self._put(node.source)
            elif node.kind == "range":
                self._range(node, dot, names)
            else:
                value, assigned = self.pipeline(node, dot, names)
                if node.kind == "pipe":
                    if not assigned:
                        self._put(printed(value))
                elif truth(value):
                    self.block(node.body, value if node.kind == "with" else dot, names)
                else:
                    self.block(node.otherwise, dot, names)

    def _range(self, node: Node, dot: Any, names: dict[str, Any]) -> None:
        source = node.source
        declared = re.match(r"(\$\w+)(?:\s*,\s*(\$\w+))?\s*:=\s*", source)
        value, _ = self.pipeline(node, dot, names, source[declared.end() :] if declared else source)
        if isinstance(value, Mapping):
            pairs = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, list):
            pairs = list(enumerate(value))
        elif value is None or value is NO_VALUE:
            pairs = []
        else:
            raise self._fault(node, source, f"range can't iterate over {go_value(value)}")
        for key, item in pairs:
            if declared and declared.group(2):
                names = {**names, declared.group(1): key, declared.group(2): item}
            elif declared:
                names = {**names, declared.group(1): item}
            self.block(node.body, item, names)
        if not pairs:
            self.block(node.otherwise, dot, names)

    def pipeline(self, node: Node, dot: Any, names: dict[str, Any], source: str | None = None) -> tuple[Any, bool]:
        """(value, whether it went into a variable instead)."""
        text = node.source if source is None else source
        declared = re.match(r"(\$\w+)\s*:?=\s*", text)
        tokens = self._tokens(node, text[declared.end() :] if declared else text)
        try:
            value = _Pipeline(tokens, dot, names, self._strict).run()
        except TemplateError as error:
            raise self._fault(node, text, str(error)) from None
        if declared:
            names[declared.group(1)] = value
        return value, declared is not None

    def _tokens(self, node: Node, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise TemplateError(
                    f"template: output:{node.line}: unexpected {text[at:].strip()[0]!r} in operand"
                )
            spaced = match.group(0)[:1].isspace() or at == 0
            kind = match.lastgroup or ""
            if kind == "field" and spaced:
                tokens.append(("dot", "."))
            tokens.append((kind, match.group(kind)))
            at = match.end()
        return tokens

    def _fault(self, node: Node, text: str, why: str) -> TemplateError:
        return TemplateError(f'template: output:{node.line}:{node.column}: executing "output" at <{text}>: {why}')


def unknown_function(source: str) -> str:
    """The first word of `source` that is no function, or ""."""
    return next(
        (
            match.group("word")
            for match in _TOKEN.finditer(source)
            if match.lastgroup == "word" and match.group("word") not in (*FUNCTIONS, "true", "false", "nil")
        ),
        "",
    )


class _Pipeline:
    """Commands joined by `|`: each one's value is the last argument of the next."""

    def __init__(self, tokens: list[tuple[str, str]], dot: Any, names: dict[str, Any], strict: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._dot, self._names, self._strict = dot, names, strict

    def run(self, closing: str = "") -> Any:
        value = self._command([])
        while self._peek() == ("op", "|"):
            self._at += 1
            value = self._command([value])
        if closing and self._next() != ("op", closing):
            raise TemplateError("unclosed left paren")
        return value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _command(self, piped: list[Any]) -> Any:
        kind, text = self._peek()
        if kind == "word" and text not in ("true", "false", "nil"):
            self._at += 1
            function = FUNCTIONS.get(text)
            if function is None:
                raise TemplateError(f'function "{text}" not defined')
            arguments = []
            while self._peek() not in (("", ""), ("op", "|"), ("op", ")")):
                arguments.append(self._operand())
            try:
                return function(*arguments, *piped)
            except (TypeError, IndexError, KeyError, ValueError) as error:
                raise TemplateError(f"error calling {text}: {error}") from None
        return self._operand()

    def _operand(self) -> Any:
        kind, text = self._next()
        if kind == "string":
            value: Any = text[1:-1] if text[0] == "`" else unquote(text[1:-1])
        elif kind == "number":
            value = float(text) if "." in text or "e" in text else int(text, 0)
        elif kind == "var":
            if text not in self._names:
                raise TemplateError(f'undefined variable "{text}"')
            value = self._names[text]
        elif kind == "dot" or (kind, text) == ("op", "."):
            value = self._dot
        elif (kind, text) == ("op", "("):
            value = self.run(closing=")")
        elif kind == "word" and text in ("true", "false"):
            value = text == "true"
        elif kind == "word" and text in FUNCTIONS:
            value = FUNCTIONS[text]()
        else:
            raise TemplateError(f"unexpected {text!r} in operand")
        while self._peek()[0] == "field":
            value = self._field(value, self._next()[1][1:])
        return value

    def _field(self, value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            if name in value:
                return value[name]
            if self._strict:
                raise TemplateError(f'map has no entry for key "{name}"')
            return NO_VALUE
        if value is NO_VALUE or value is None:
            if self._strict:
                raise TemplateError(f"nil data; no entry for key {name!r}")
            return NO_VALUE
        raise TemplateError(f"can't evaluate field {name} in type interface {{}}")


def truth(value: Any) -> bool:
    """Go's idea of it: zero, empty, nil and missing are false."""
    return value is not NO_VALUE and bool(value)


def printed(value: Any) -> str:
    """fmt.Fprint of a value."""
    if value is NO_VALUE or value is None:
        return "<no value>"
    return go_value(value)


def _printf(form: str, *values: Any) -> str:
    """fmt.Sprintf for %v %s %d %q %t %f %x with flags and widths."""
    rest = list(values)

    def replace(match: re.Match[str]) -> str:
        if match.group(0) == "%%":
            return "%"
        if not rest:
            return f"%!{match.group(2)}(MISSING)"
        value, verb, flags = rest.pop(0), match.group(2), match.group(1)
        if verb == "q":
            from minikctl.flags import go_quote

            return f"%{flags}s" % go_quote(printed(value))
        if verb in "dfxXeEgoc" and isinstance(value, int | float):
            return f"%{flags}{verb}" % value
        if verb in "vst":
            return f"%{flags}s" % printed(value)
        return f"%!{verb}({_type_name(value)}={printed(value)})"

    text = re.sub(r"%([-+# 0]*\d*(?:\.\d+)?)([a-zA-Z%])", replace, form)
    if rest:
        text += "%!(EXTRA " + ", ".join(f"{_type_name(value)}={printed(value)}" for value in rest) + ")"
    return text


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    return {float: "float64", str: "string", list: "[]interface {}"}.get(type(value), "map[string]interface {}")


def _print(*values: Any) -> str:
    """fmt.Sprint: a space between operands when neither is a string."""
    text = ""
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            text += " "
        text += printed(value)
    return text


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, NO_VALUE)
        elif value is NO_VALUE or value is None:
            raise ValueError("index of untyped nil")
        elif not 0 <= key < len(value):
            raise ValueError(f"reflect: slice index out of range: {key}")
        else:
            value = value[key]
    return value


def _base64decode(text: Any) -> str:
    try:
        return base64.b64decode(printed(text), validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error:
        raise ValueError("base64 decode failed: illegal base64 data") from None


def _exists(value: Any, *keys: Any) -> bool:
    try:
        return _index(value, *keys) is not NO_VALUE
    except (ValueError, TypeError):
        return False


def _equal(first: Any, *others: Any) -> bool:
    return any(first == other for other in others)


def _and(*values: Any) -> Any:
    return next((value for value in values if not truth(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if truth(value)), values[-1])


def _html(*values: Any) -> str:
    import html

    return html.escape(_print(*values)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _urlquery(*values: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(_print(*values))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "printf": _printf,
    "print": _print,
    "println": lambda *values: " ".join(printed(value) for value in values) + "\n",
    "len": len,
    "index": _index,
    "slice": lambda value, start=0, stop=None: value[start:stop],
    "eq": _equal,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "and": _and,
    "or": _or,
    "not": lambda value: not truth(value),
    "html": _html,
    "urlquery": _urlquery,
    "base64decode": _base64decode,
    "exists": _exists,
}
