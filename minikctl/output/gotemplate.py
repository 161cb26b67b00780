"""`-o go-template=...`: the part of Go's text/template that people use with kubectl.

Fields, variables, pipelines, if/else if/else, range/else, with, comments, trim markers, and the functions printf,
print, println, len, index, slice, eq, ne, lt, le, gt, ge, and, or, not, html, urlquery, base64decode, exists.
Source: Go's text/template and cli-runtime/pkg/printers/template.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any

from minikctl.client.errors import Failure
from minikctl.flags import go_quote
from minikctl.output.gotemplate_run import TemplateError, execute, unknown_function
from minikctl.output.json_out import dumps
from minikctl.output.numbers import go_value

_ACTION = re.compile(
    r"\{\{(- )?(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'|.)*?)( -)?\}\}", re.DOTALL
)


class Node:
    """A piece of a template: `kind` is text, pipe, if, range or with."""

    def __init__(self, kind: str, source: str, line: int, column: int) -> None:
        self.kind = kind
        self.source = source
        self.line, self.column = line, column
        self.body: list[Node] = []
        self.otherwise: list[Node] = []


class GoTemplatePrinter:
    """Prints what the template makes of each object, without a final newline."""

    def __init__(self, template: str, *, allow_missing: bool) -> None:
        self._template = template
        self._allow_missing = allow_missing
        try:
            self._nodes = parse_template(template)
        except TemplateError as error:
            raise Failure(f"error parsing template {template}, {error}") from None

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        parts: list[str] = []
        try:
            execute(self._nodes, obj, parts.append, strict=not self._allow_missing)
        except TemplateError as error:
            out.write(
                f"Error executing template: {error}. Printing more information for debugging the template:\n"
                f"\ttemplate was:\n\t\t{self._template}\n\traw data was:\n\t\t{dumps(obj, None)}\n"
                f"\tobject given to template engine was:\n\t\t{go_value(obj)}\n\n"
            )
            raise Failure(f"error executing template {go_quote(self._template)}: {error}") from None
        out.write("".join(parts))


def parse_template(template: str) -> list[Node]:
    """The template's nodes; TemplateError with Go's text where it has a simple one."""
    root: list[Node] = []
    stack: list[tuple[Node, list[Node]]] = []
    target = root
    at = 0
    while True:
        start = template.find("{{", at)
        if start < 0:
            _text(target, template[at:])
            break
        match = _ACTION.match(template, start)
        if match is None:
            raise TemplateError(f"template: output:{template.count(chr(10), 0, start) + 1}: unclosed action")
        text = template[at:start]
        _text(target, text.rstrip() if match.group(1) else text)
        at = match.end()
        if match.group(3):
            at += len(template[at:]) - len(template[at:].lstrip())
        line = template.count("\n", 0, start) + 1
        column = start - (template.rfind("\n", 0, start) + 1) + 2
        target = _action(match.group(2).strip(), line, column, root, target, stack)
    if stack:
        raise TemplateError(f"template: output:{template.count(chr(10)) + 1}: unexpected EOF")
    return root


def _text(target: list[Node], text: str) -> None:
    if text:
        target.append(Node("text", text, 0, 0))


def _first_word(source: str) -> tuple[str, str]:
    """The word that may be a keyword, which a field may follow without a space, and the rest."""
    end = next((at for at, letter in enumerate(source) if letter in " \t\r\n."), len(source))
    return source[:end], source[end:]


def _action(
    source: str, line: int, column: int, root: list[Node], target: list[Node], stack: list[tuple[Node, list[Node]]]
) -> list[Node]:
    """Add one action; returns the list that what follows belongs to."""
    word, rest = _first_word(source)
    if source.startswith("/*"):
        return target
    if word in ("if", "range", "with"):
        if not rest.strip():
            raise TemplateError(f"template: output:{line}: missing value for {word}")
        node = Node(word, rest.strip(), line, column)
        target.append(node)
        stack.append((node, target))
        return node.body
    if word in ("else", "end"):
        if not stack:
            raise TemplateError(f"template: output:{line}: unexpected {{{{{word}}}}}")
        node, parent = stack[-1]
        if word == "else":
            kind, _, condition = rest.strip().partition(" ")
            if kind in ("if", "with"):
                inner = Node(kind, condition.strip(), line, column)
                node.otherwise.append(inner)
                stack[-1] = (inner, parent)
                return inner.body
            return node.otherwise
        stack.pop()
        return parent
    if not source:
        raise TemplateError(f"template: output:{line}: missing value for command")
    unknown = unknown_function(source)
    if unknown:
        raise TemplateError(f'template: output:{line}: function "{unknown}" not defined')
    target.append(Node("pipe", source, line, column))
    return target
