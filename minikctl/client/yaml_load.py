"""YAML to JSON values, by the rules and with the error texts of sigs.k8s.io/yaml (go-yaml v2).

Parsing is libyaml's (of which go-yaml is a port, so the texts are the same); scalars are resolved here, since YAML 1.1
as Go reads it differs from PyYAML: `y` is true, 0o17 and 017 are 15, 1:30 and dates are strings.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import yaml

from minikctl.client.yaml_scalars import plain
from minikctl.output.numbers import go_float, go_syntax

_TAG = "tag:yaml.org,2002:"
_KEY = "interface {}"
_MAX_DEPTH = 10_000
_ALIASES_FREE, _ALIASES_FEW = 400_000, 4_000_000
"""Decoded nodes up to which 99 % may come from aliases, and from which on only 10 %."""
_PLAIN = "?"
"""The tag of a plain scalar that has none in the document."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Composes nodes; leaves it to `resolve` here to say what a plain scalar is."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else f"{_TAG}str"
        return f"{_TAG}seq" if kind is yaml.SequenceNode else f"{_TAG}map"


class YamlFault(ValueError):
    """The text is no YAML that JSON can say. `str()` is Go's text (`yaml: line 9: did not find expected key`)."""


def load_document(text: bytes | str) -> Any:
    """The first document's value; None for an empty one. Duplicate keys: the last wins."""
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_node() if loader.check_node() else None
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        raise YamlFault(f"yaml: {error.reason}") from None
    except yaml.composer.ComposerError:
        raise YamlFault(f"yaml: unknown anchor '{_alias(text)}' referenced") from None
    except yaml.MarkedYAMLError as error:
        raise YamlFault(f"yaml: {_text(error)}") from None
    try:
        return None if node is None else _Converter().value(node)
    except _Cycle:
        raise YamlFault(f"yaml: anchor '{_alias(text)}' value contains itself") from None
    except RecursionError:
        raise YamlFault(f"yaml: exceeded max depth of {_MAX_DEPTH}") from None


def _check_depth(text: bytes | str) -> None:
    """go-yaml's limit, looked at before libyaml composes: it recurses, and would end the process."""
    openers: Any = "[{-?:" if isinstance(text, str) else (b"[", b"{", b"-", b"?", b":")
    if sum(text.count(opener) for opener in openers) <= _MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, _Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line if event.start_mark else 0
                raise YamlFault(f"yaml: {f'line {line + 1}: ' if line else ''}exceeded max depth of {_MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Cycle(Exception):
    """An alias inside what it stands for."""


def _text(error: yaml.MarkedYAMLError) -> str:
    """Source: go-yaml v2 parser.fail. Lines count from 0 there, except for what the scanner finds."""
    problem = error.problem or "unknown problem parsing YAML content"
    line = 0
    if error.problem_mark is not None and error.problem_mark.line:
        line = error.problem_mark.line + isinstance(error, yaml.scanner.ScannerError)
    elif error.context_mark is not None:
        line = error.context_mark.line
    return f"line {line}: {problem}" if line else problem


def _alias(text: bytes | str) -> str:
    """The anchor of the first alias that leads nowhere or into itself: what composing does not say."""
    known: set[str] = set()
    within: list[str | None] = []
    for event in yaml.parse(text, _Base):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            if anchor not in known or anchor in within:
                return str(anchor)
        elif anchor:
            known.add(anchor)
        if isinstance(event, yaml.CollectionStartEvent):
            within.append(anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            within.pop()
    return ""


class _Budget:
    """How much of a document may come from aliases, lest a few lines become gigabytes. Source: go-yaml v2 decode.go.

    A node that is seen again is there through an alias, which counts as a node itself (but for aliases within what
    aliases stand for, which cannot be told from the rest of it here).
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._decoded = 1
        self._aliased = 0
        self._within = 0

    def enter(self, node: yaml.Node) -> bool:
        """Count a node; whether an alias led to it, which `leave` must be told."""
        again = not self._within and id(node) in self._seen
        self._seen.add(id(node))
        if again:
            self.count()
            self._within += 1
        self.count()
        return again

    def leave(self, again: bool) -> None:
        self._within -= again

    def count(self) -> None:
        """One node more; YamlFault when too many of them are aliases'."""
        self._decoded += 1
        self._aliased += self._within > 0
        if self._aliased > 100 and self._decoded > 1000 and self._aliased / self._decoded > self._allowed():
            raise YamlFault("yaml: document contains excessive aliasing")

    def _allowed(self) -> float:
        beyond = (self._decoded - _ALIASES_FREE) / (_ALIASES_FEW - _ALIASES_FREE)
        return 0.99 - 0.89 * min(max(beyond, 0.0), 1.0)


class _Converter:
    """Nodes to JSON values. Aliases are followed; one that contains itself is an error."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._budget = _Budget()

    def value(self, node: yaml.Node) -> Any:
        again = self._budget.enter(node)
        try:
            return self._value(node)
        finally:
            self._budget.leave(again)

    def _value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return to_json(resolve(node))
        if id(node) in self._open:
            raise _Cycle
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item) for item in node.value]
            return self._mapping(node)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            self._budget.count()
            if isinstance(key_node, yaml.ScalarNode) and _is_merge(key_node):
                self._merge(made, value_node)
                continue
            value = self.value(value_node)
            made[self._key(key_node, value)] = value
        return made

    def _merge(self, made: dict[str, Any], node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            made.update(self.value(node))
        elif isinstance(node, yaml.SequenceNode) and all(isinstance(n, yaml.MappingNode) for n in node.value):
            # Earlier maps in the list win over later ones.
            for item in reversed(node.value):
                made.update(self.value(item))
        else:
            raise YamlFault("yaml: map merge requires map or sequence of maps as the value")

    def _key(self, node: yaml.Node, value: Any) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlFault(f"yaml: invalid map key: {go_syntax(self.value(node), _KEY)}")
        key = resolve(node)
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, str):
            return key
        if isinstance(key, int):
            if key >= 2**63:
                raise YamlFault(
                    f"unsupported map key of type: uint64, key: {key:#x}, value: {go_syntax(value, _KEY)}"
                )
            return str(key)
        if isinstance(key, float):
            return _float_key(key)
        raise YamlFault(f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {go_syntax(value, _KEY)}")


def _is_merge(node: yaml.ScalarNode) -> bool:
    return node.value == "<<" and node.tag in (_PLAIN, f"{_TAG}merge")


def _float_key(key: float) -> str:
    """Go's strconv.FormatFloat(key, 'g', -1, 32), with YAML's names for what is no number."""
    if key != key:
        return ".nan"
    if key in (float("inf"), float("-inf")):
        return ".inf" if key > 0 else "-.inf"
    import struct

    (single,) = struct.unpack("f", struct.pack("f", key))
    shortest = next(text for digits in range(1, 10) if _single(text := f"{key:.{digits}g}") == single)
    return go_float(float(shortest), limit=6)


def _single(text: str) -> float:
    import struct

    (value,) = struct.unpack("f", struct.pack("f", float(text)))
    return float(value)


def resolve(node: yaml.ScalarNode) -> str | int | float | bool | None:
    """A scalar's value by its tag, or, if it is plain and has none, by its form."""
    text: str = node.value
    if node.tag == _PLAIN:
        return plain(text)
    tag = node.tag.removeprefix(_TAG)
    if tag == "binary":
        try:
            raw = base64.b64decode("".join(text.split("\n")), validate=True)
        except binascii.Error:
            raise YamlFault("yaml: !!binary value contains invalid base64 data") from None
        return raw.decode("utf-8", "replace")
    if tag not in ("int", "float", "bool", "null"):
        return text
    value = plain(text)
    kind = _kind(value)
    if kind == tag or (kind == "int" and tag == "float"):
        return value
    raise YamlFault(f"yaml: cannot decode !!{kind} `{text}` as a !!{tag}")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "str"
    return "int" if isinstance(value, int) else "float"


def to_json(value: Any) -> Any:
    """What Go's JSON makes of it, read back: 3.0 is 3; infinities are no JSON."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise YamlFault(f"json: unsupported value: {go_float(value)}")
        if value.is_integer() and abs(value) < 1e21:
            return int(value)
    return value
