"""Objects from files, directories, URLs and stdin: `-f`.

Source: k8s.io/cli-runtime/pkg/resource/visitor.go (ExpandPathsToFileVisitors, FileVisitor, StreamVisitor).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from minikctl.client.builder import Info
from minikctl.client.documents import DocumentFault, split_documents
from minikctl.client.errors import Aggregate, Failure, ListFault, aggregate
from minikctl.client.rest import ResourceMapping
from minikctl.flags import go_quote

if TYPE_CHECKING:
    from minikctl.client.factory import Factory

EXTENSIONS = (".json", ".yaml", ".yml")

Load = Callable[[], Iterator[Info]]


class OtherNamespace(Failure):
    """An object is in another namespace than the one that --namespace says."""


class InvalidDocument(Exception):
    """A document that is no object, which ends its file."""


def documents(
    filenames: Sequence[str], recursive: bool, factory: Factory, *, validate: bool = False, local: bool = False
) -> list[Load]:
    """One loader per file, in order; Failure for what cannot be found.

    With `local` no server is asked: objects stay without a namespace, and their mappings have no resource. With
    `validate` a document without an apiVersion and a kind ends its file. A loader gives the file's objects, Lists
    opened, each with its namespace settled. When a document is no object it goes on with the next and raises at the
    end; when the text cannot be parsed it raises at once.
    """
    loads: list[Load] = []
    for name in filenames:
        if name == "-":
            if any(getattr(load, "args", ("",))[0] == "-" for load in loads):
                raise Failure("standard input cannot be used for multiple arguments")
            loads.append(partial(_load, "-", factory, validate, local))
        elif name.startswith(("http://", "https://")):
            loads.append(partial(_load, name, factory, validate, local))
        else:
            loads += [partial(_load, path, factory, validate, local) for path in _expand(name, recursive)]
    if filenames and not loads:
        raise Failure(
            f"error reading [{' '.join(filenames)}]: recognized file extensions are [{' '.join(EXTENSIONS)}]"
        )
    return loads


def _expand(name: str, recursive: bool) -> list[str]:
    """The files that a path or a pattern stands for."""
    paths = [name]
    if not os.path.exists(name):
        matches = sorted(glob.glob(name)) if glob.has_magic(name) else []
        if not matches:
            _stat(name)
        paths = matches
    return [file for path in paths for file in _walk(path, recursive)]


def _stat(path: str) -> None:
    try:
        os.stat(path)
    except FileNotFoundError:
        raise Failure(f"the path {go_quote(path)} does not exist") from None
    except OSError as error:
        text = f"stat {path}: {(error.strerror or '').lower()}"
        raise Failure(f"the path {go_quote(path)} cannot be accessed: {text}") from None


def _walk(path: str, recursive: bool) -> list[str]:
    _stat(path)
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from None
    for entry in entries:
        whole = os.path.join(path, entry.name) if path != "." else entry.name
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                found += _walk(whole, recursive)
        elif os.path.splitext(entry.name)[1] in EXTENSIONS:
            found.append(whole)
    return found


def _load(name: str, factory: Factory, validate: bool, local: bool) -> Iterator[Info]:
    source, text = _read(name, factory)
    yield from from_text(text, source, factory, validate=validate, local=local)


def from_text(
    text: str, source: str, factory: Factory, *, validate: bool = False, local: bool = False
) -> Iterator[Info]:
    """The objects of a text, as a loader of `documents` gives a file's; errors call it `source`."""
    faults: list[Exception] = []
    try:
        for document in split_documents(text):
            if validate:
                _validate(document, source)
            try:
                yield from _infos(document, source, factory, local)
            except (Failure, Aggregate) as fault:
                faults.append(fault)
    except DocumentFault as fault:
        faults.append(Failure(f"error parsing {source}: {fault}"))
    except InvalidDocument as invalid:
        faults.append(Failure(str(invalid)))
    error = aggregate(faults)
    if error is not None:
        raise error


def _read(name: str, factory: Factory) -> tuple[str, str]:
    """(how errors name it, its text). A byte-order mark chooses UTF-16; what is no UTF-8 becomes U+FFFD."""
    if name == "-":
        raw, source = factory.streams.stdin.buffer.read(), "STDIN"
    elif name.startswith(("http://", "https://")):
        from minikctl.client.download import fetch

        raw, source = fetch(name), name
    else:
        try:
            with open(name, "rb") as file:
                raw, source = file.read(), name
        except OSError as error:
            raise Failure(f"open {name}: {(error.strerror or '').lower()}") from None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return source, raw.decode(encoding, "replace")


def _infos(document: Any, source: str, factory: Factory, local: bool) -> Iterator[Info]:
    """A document's object, or a List's items, as Infos; Failure if one is no object or of an unknown kind."""
    check_object(document, source)
    if "items" in document:
        yield from _list_items(document, source, factory, local)
        return
    meta = document.get("metadata") or {}
    name, namespace = meta.get("name") or "", meta.get("namespace") or ""
    api_version, kind = document.get("apiVersion") or "", document["kind"]
    if local:
        group, _, version = api_version.rpartition("/")
        yield Info(ResourceMapping(group, version, "", kind, False), namespace, name, document, source)
        return
    mapping = factory.mapper.find_kind(api_version, kind)
    if mapping is None:
        raise Failure(
            f"resource mapping not found for name: {go_quote(name)} namespace: {go_quote(namespace)} from"
            f" {go_quote(source)}: {_no_match(document)}\nensure CRDs are installed first"
        )
    if not mapping.namespaced:
        yield Info(mapping, "", name, document, source)
        return
    wanted = factory.namespace
    if namespace and factory.explicit_namespace and namespace != wanted:
        raise OtherNamespace(
            f"the namespace from the provided object {go_quote(namespace)} does not match the namespace"
            f" {go_quote(wanted)}. You must pass '--namespace={namespace}' to perform this operation."
        )
    if not namespace:
        namespace = wanted
        document = {**document, "metadata": {**meta, "namespace": namespace}}
    yield Info(mapping, namespace, name, document, source)


def _no_match(document: dict[str, Any]) -> str:
    kind, version = document["kind"], document.get("apiVersion") or ""
    return f"no matches for kind {go_quote(kind)} in version {go_quote(version)}"


def _list_items(document: dict[str, Any], source: str, factory: Factory, local: bool) -> Iterator[Info]:
    """A List's items; those that cannot be told what they are are passed over, and raised at the end.

    Source: cli-runtime resource.FlattenListVisitor.
    """
    items = document["items"] or []
    for item in items:
        if not isinstance(item, dict):
            text = f"json: cannot unmarshal {_json_type(item)} into Go value of type map[string]interface {{}}"
            raise Failure(f"unable to decode {go_quote(source)}: {text}")
    item_kind = document["kind"].removesuffix("List")
    faults: list[Exception] = []
    for item in items:
        if item_kind:  # a PodList's items are Pods, whether they say so or not
            item = {"apiVersion": document.get("apiVersion") or "", "kind": item_kind, **item}
        if not item.get("kind"):
            faults.append(
                ListFault(
                    "unable to get type info from the object \"*unstructured.Unstructured\": Object 'Kind' is missing"
                    " in 'object has no kind field '"
                )
            )
        elif not (
            "items" in item or local or factory.mapper.find_kind(item.get("apiVersion") or "", item["kind"])
        ):
            faults.append(ListFault(f"unable to recognize {_no_match(item)}"))
        else:
            yield from _infos(item, source, factory, local)
    error = aggregate(faults)
    if error is not None:
        raise error


def _validate(document: Any, source: str) -> None:
    """What kubectl itself checks when it validates; the rest is left to the server's field validation.

    Source: k8s.io/kubectl/pkg/validation/schema.go.
    """
    text = outline_fault(document)
    if text:
        raise InvalidDocument(
            f"error validating {go_quote(source)}: error validating data: {text}; if you choose to ignore these"
            " errors, turn validation off with --validate=false"
        )


def outline_fault(document: Any) -> str:
    """What keeps `document` from being an object or a List of objects, or ""."""
    faults = _kind_faults(document)
    if not faults and (document["apiVersion"], document["kind"]) == ("v1", "List"):
        items = document.get("items")
        faults = ["invalid object to validate"]
        if isinstance(items, list):
            faults = [fault for item in items for fault in _kind_faults(item)]
    faults = list(dict.fromkeys(faults))
    return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]" if faults else ""


def _kind_faults(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["invalid object to validate"]
    faults = []
    for field in ("apiVersion", "kind"):
        value = document.get(field)
        if value is None:
            faults.append(f"{field} not set")
        elif not isinstance(value, str):
            faults.append(f"{field} isn't string type")
        elif field == "apiVersion" and value.count("/") > 1:
            faults.append(f"unexpected GroupVersion string: {value}")
    return faults


def check_object(document: Any, source: str) -> None:
    """Failure, in Go's words, unless `document` has the outline of an object: kind, apiVersion, metadata."""
    where = f"unable to decode {go_quote(source)}: "
    wrong = f"{where}json: cannot unmarshal "
    if not isinstance(document, dict):
        raise Failure(f"{wrong}{_json_type(document)} into Go value of type unstructured.detector")
    items = document.get("items")
    if items is not None and not isinstance(items, list):
        raise Failure(
            f"{wrong}{_json_type(items)} into Go struct field decodeList.items of type []json.RawMessage"
        )
    kind = document.get("kind")
    if not isinstance(kind, str) or not kind:
        from minikctl.output.json_out import dumps

        raise Failure(f"{where}Object 'Kind' is missing in '{dumps(document, None)}'")
    _check_field(wrong, document, "apiVersion", str, "metadataOnlyObject.TypeMeta.apiVersion of type string")
    _check_field(wrong, document, "metadata", dict, "metadataOnlyObject.metadata of type v1.ObjectMeta")
    meta = document.get("metadata") or {}
    for field in ("name", "generateName", "namespace", "uid", "resourceVersion"):
        _check_field(wrong, meta, field, str, f"ObjectMeta.metadata.{field} of type string")
    for field in ("labels", "annotations"):
        _check_field(wrong, meta, field, dict, f"ObjectMeta.metadata.{field} of type map[string]string")
        for key in meta.get(field) or {}:
            _check_field(wrong, meta[field], key, str, f"ObjectMeta.metadata.{field} of type string")


def _check_field(wrong: str, holder: dict[str, Any], field: str, type_: type, place: str) -> None:
    value = holder.get(field)
    if value is not None and not isinstance(value, type_):
        raise Failure(f"{wrong}{_json_type(value)} into Go struct field {place}")


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def matches_labels(selector: str, obj: dict[str, Any]) -> bool:
    """Whether -l leaves `obj` in; everything matches no selector."""
    if not selector.strip():
        return True
    from backend.meta.errors import ApiError
    from backend.meta.selectors import parse_label_selector

    try:
        parsed = parse_label_selector(selector)
    except ApiError as error:
        raise Failure(f"the provided selector {go_quote(selector)} is not valid: {error}") from None
    return bool(parsed.matches((obj.get("metadata") or {}).get("labels") or {}))
