"""A stream of YAML or JSON documents, as kubectl cuts it up.

Source: k8s.io/apimachinery/pkg/util/yaml (YAMLOrJSONDecoder, YAMLReader).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from minikctl.client.json_fault import go_json_fault
from minikctl.client.yaml_load import YamlFault, load_document


class DocumentFault(ValueError):
    """The stream cannot be parsed from here on; the text is kubectl's."""


def split_documents(text: str) -> Iterator[Any]:
    """Each document's value, empty ones left out. JSON documents may follow each other without separators.

    A stream that begins as JSON and is none goes on as YAML, from a new line on; if it is no YAML either, the fault is
    JSON's.
    """
    if not text.lstrip().startswith("{"):
        yield from _yaml_documents(text)
        return
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = 0
    while True:
        start = _skip_space(text, at)
        if start == len(text):
            return
        try:
            document, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            fault = _json_fault(text, start)
            if at and "\n" not in text[at:start]:
                raise DocumentFault(fault) from None
            yield from _instead_yaml(text[at:], fault)
            return
        yield document
        at = end


def _json_fault(text: str, start: int) -> str:
    try:
        return go_json_fault(text, start)
    except RecursionError:
        return "exceeded max depth"


def _refuse(name: str) -> None:
    raise ValueError(name)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _instead_yaml(text: str, fault: str) -> Iterator[Any]:
    rest = _yaml_documents(text)
    try:
        first = next(rest, None)
    except DocumentFault:
        raise DocumentFault(fault) from None
    if first is not None:
        yield first
    yield from rest


def _yaml_documents(text: str) -> Iterator[Any]:
    for part in _split_yaml(text):
        try:
            document = load_document(part)
        except YamlFault as fault:
            raise DocumentFault(f"error converting YAML to JSON: {fault}") from None
        if document is not None:
            yield document


def _split_yaml(text: str) -> Iterator[str]:
    """The texts between lines that begin with `---`, which may have only a comment after it."""
    part: list[str] = []
    for line in _lines(text):
        if line.startswith("---"):
            tail = line[3:].strip()
            if tail and not tail.startswith("#"):
                raise DocumentFault(f"invalid Yaml document separator: {tail}")
            if part:
                yield "".join(part)
            part = []
        else:
            part.append(line)
    if part:
        yield "".join(part)


def _lines(text: str) -> list[str]:
    """`text` cut after each newline only: str.splitlines also cuts at \\v, \\f, \\x85 and more."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])
