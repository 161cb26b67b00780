"""YAML as Kubernetes reads and writes it: the JSON data model, keys sorted, no timestamps.

Source of the rules: sigs.k8s.io/yaml, which turns YAML into JSON first.
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

MAX_NODES = 1_000_000
MAX_DEPTH = 240
"""As many levels as a JSON body may have."""


class YamlError(Exception):
    """The text is not YAML; the message is Go's shape: `yaml: line N: what`."""


def load(text: bytes) -> Any:
    """The first document's data. Timestamps stay strings, and keys become strings."""
    import yaml

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

    class Loader(loader):  # type: ignore[misc, valid-type]
        yaml_implicit_resolvers: ClassVar = {
            first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in loader.yaml_implicit_resolvers.items()
        }

    try:
        _check_depth(text, Loader)
        document = yaml.load(text, Loader)
        if _size(document, {}) > MAX_NODES:
            raise YamlError("yaml: document contains excessive aliasing")
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"yaml: line {line}: {error.problem}") from None
    except (yaml.YAMLError, orjson.JSONEncodeError) as error:
        raise YamlError(f"yaml: {error}") from None
    except RecursionError:
        raise YamlError("yaml: exceeded max depth") from None


def _check_depth(text: bytes, loader: Any) -> None:
    """libyaml recurses while it composes: what is nested too deep must not get there, or the process ends."""
    import yaml

    if sum(map(text.count, (b"[", b"{", b"-", b"?", b":"))) <= MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlError("yaml: exceeded max depth")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _size(node: Any, known: dict[int, int]) -> int:
    """How many nodes a document has with its aliases written out: a few lines can name thousands of millions."""
    if not isinstance(node, dict | list):
        return 1
    size = known.get(id(node))
    if size is None:
        known[id(node)] = MAX_NODES  # what an alias to a container that is still open counts
        children = node.values() if isinstance(node, dict) else node
        size = known[id(node)] = 1 + sum(_size(child, known) for child in children)
    return size


def dump(json: bytes) -> bytes:
    """The YAML of a JSON document."""
    import yaml

    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    document = orjson.loads(json)
    return yaml.dump(document, Dumper=dumper, default_flow_style=False, allow_unicode=True).encode()
