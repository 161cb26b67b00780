"""From arguments, files and selectors to objects: kubectl's resource builder.

Source: k8s.io/cli-runtime/pkg/resource (builder.go, visitor.go, result.go), with its error texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minikctl.client.errors import (
    Aggregate,
    ConnectError,
    Failure,
    NoResourceMatch,
    StatusError,
    aggregate,
    is_not_found,
)
from minikctl.client.rest import JSON, ResourceMapping, escape
from minikctl.flags import go_quote

if TYPE_CHECKING:
    from minikctl.client.factory import Factory
    from minikctl.client.rest import Client

MISSING = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""


class Info(NamedTuple):
    """One answer or one document: `object` is an object, or a page of a list, or a Table of either.

    `source` names the file it came from, or is "".
    """

    mapping: ResourceMapping
    namespace: str
    name: str
    object: dict[str, Any]
    source: str = ""

    def path(self, subresource: str = "") -> str:
        """The URL path of this object. Failure without a name: the path would be that of the whole collection."""
        if not self.name:
            raise Failure("resource name may not be empty")
        return self.mapping.path(self.namespace, self.name, subresource)


class Query(NamedTuple):
    """What a command line selects. `chunk` is the page size of lists, 0 for no pages; `latest` refetches what
    files name; `validate` checks the outline of what files have; `local` asks no server about files; `accept` and
    `extra` go with each GET."""

    args: Sequence[str] = ()
    filenames: Sequence[str] = ()
    recursive: bool = False
    selector: str = ""
    field_selector: str = ""
    all_namespaces: bool = False
    select_all: bool = False
    allow_empty_selector: bool = True
    latest: bool = True
    validate: bool = False
    local: bool = False
    fetch: bool = True
    chunk: int = 500
    subresource: str = ""
    accept: str = JSON
    extra: dict[str, str] = {}  # noqa: RUF012 - never written to
    flatten: bool = True
    continue_on_error: bool = True


class Result(NamedTuple):
    """`infos` in order, and what failed on the way. `single` says that exactly one object was asked for."""

    infos: list[Info]
    errors: list[Exception]
    single: bool

    def check(self) -> list[Info]:
        """`infos`, or the errors raised if there are any."""
        error = aggregate(self.errors)
        if error is not None:
            raise error
        return self.infos


def collect(factory: Factory, query: Query) -> Result:
    """Everything that `query` selects. Raises for a misuse; a failed request is in the result's errors.

    Without `continue_on_error` the first failed request ends the collection.
    """
    visits = Builder(factory, query)
    errors: list[Exception] = []
    infos = list(visits.stream(errors))
    return Result(infos, errors, visits.single)


def stream(factory: Factory, query: Query, errors: list[Exception]) -> Iterator[Info]:
    """As `collect`, one by one: what fails goes to `errors` when it is met."""
    return Builder(factory, query).stream(errors)


def _pages(
    client: Client, mapping: ResourceMapping, namespace: str, params: dict[str, str], accept: str
) -> Iterator[dict[str, Any]]:
    """A list's pages; a refusal says what was asked for. Source: cli-runtime resource.Selector.Visit."""
    try:
        yield from client.pages(mapping.path(namespace), params, accept)
    except StatusError as error:
        if error.reason in ("BadRequest", "NotFound"):
            gvr = f"{mapping.api_version if mapping.group else '/' + mapping.version}, Resource={mapping.resource}"
            labels, fields = params["labelSelector"], params["fieldSelector"]
            what = f"Unable to list {go_quote(gvr)}"
            if labels or fields:
                what = (
                    f"Unable to find {go_quote(gvr)} that match label selector {go_quote(labels)}, field selector"
                    f" {go_quote(fields)}"
                )
            raise StatusError({**error.status, "message": f"{what}: {error}"}) from None
        raise


def fetch(
    client: Client, asked: Info, subresource: str = "", extra: dict[str, str] | None = None, accept: str = JSON
) -> Info:
    """`asked` with the object that the server has. Where it has none, the error says so of the namespace first.

    Source: cli-runtime resource.Info.Get.
    """
    try:
        return asked._replace(object=client.get(asked.path(subresource), extra, accept))
    except StatusError as error:
        if is_not_found(error) and asked.namespace not in ("", "default"):
            _check_namespace(client, asked.namespace)
        raise


def _check_namespace(client: Client, namespace: str) -> None:
    try:
        client.get(f"/api/v1/namespaces/{escape(namespace)}")
    except StatusError as error:
        if is_not_found(error):
            raise


Visit = Callable[[], Iterable[Info]]


class Builder:
    """Checks a Query's parts against each other, then gives one visit per request or file."""

    def __init__(self, factory: Factory, query: Query) -> None:
        self._factory = factory
        self._query = query
        self.single = False

    def stream(self, errors: list[Exception]) -> Iterator[Info]:
        for visit in self.visitors():
            try:
                yield from visit()
            except (Aggregate, ConnectError, StatusError, Failure, NoResourceMatch) as error:
                errors.append(error)
                if not self._query.continue_on_error:
                    return

    def visitors(self) -> list[Visit]:
        query = self._query
        tuples, types, names = split_args(query.args)
        selecting = bool(query.selector or query.field_selector or query.select_all)
        if query.select_all and query.selector.strip():
            raise Failure(
                f"found non-empty label selector \"{query.selector}\" with previously set 'all' parameter. "
            )
        if len(query.args) == 1 and not tuples and query.allow_empty_selector:
            selecting = True
        if query.filenames:
            return self._by_paths(tuples, types)
        if selecting:
            return self._by_selector(tuples, types, names)
        if tuples:
            return self._by_tuples(tuples)
        if names:
            return self._by_name(types, names)
        if types:
            self.mappings(types)
            raise Failure("resource(s) were provided, but no name was specified")
        raise Failure(MISSING)

    def mappings(self, types: Sequence[str]) -> list[ResourceMapping]:
        """Each type's mapping, categories such as `all` opened, duplicates dropped."""
        found: dict[ResourceMapping, None] = {}
        mapper = self._factory.mapper
        for name in types:
            try:
                found[mapper.find(name)] = None
            except NoResourceMatch:
                members = mapper.category(name)
                if not members:
                    raise
                found.update(dict.fromkeys(members))
        return list(found)

    def _by_selector(self, tuples: list[tuple[str, str]], types: list[str], names: list[str]) -> list[Visit]:
        query = self._query
        if names:
            raise Failure("name cannot be provided when a selector is specified")
        if tuples:
            raise Failure("selectors and the all flag cannot be used when passing resource/name arguments")
        if not types:
            raise Failure("at least one resource must be specified to use a selector")
        if query.subresource:
            raise Failure("subresource cannot be used when bulk resources are specified")
        return [self._lister(mapping) for mapping in self.mappings(types)]

    def _lister(self, mapping: ResourceMapping) -> Visit:
        query, client = self._query, self._factory.client
        namespace = "" if query.all_namespaces or not mapping.namespaced else self._factory.namespace
        params = {
            "labelSelector": query.selector.strip(),
            "fieldSelector": query.field_selector.strip(),
            "limit": str(query.chunk) if query.chunk else "",
            **query.extra,
        }

        def visit() -> Iterator[Info]:
            for page in _pages(client, mapping, namespace, params, query.accept):
                whole = Info(mapping, namespace, "", page)
                if query.flatten and page.get("kind") != "Table" and "items" in page:
                    yield from flatten(whole)
                else:
                    yield whole

        return visit

    def _by_tuples(self, tuples: list[tuple[str, str]]) -> list[Visit]:
        self.single = len(tuples) == 1
        found = {resource: self._factory.mapper.find(resource) for resource, _ in tuples}
        return [self._getter(found[resource], name) for resource, name in tuples]

    def _by_name(self, types: list[str], names: list[str]) -> list[Visit]:
        self.single = len(names) == 1
        if not types:
            raise Failure("you must provide a resource and a resource name together")
        if "" in names:
            raise Failure("resource name may not be empty")
        mappings = self.mappings(types)
        if len(mappings) > 1:
            raise Failure("you must specify only one resource")
        return [self._getter(mappings[0], name) for name in names]

    def _getter(self, mapping: ResourceMapping, name: str) -> Visit:
        namespace = self._factory.namespace if mapping.namespaced else ""
        if mapping.namespaced and self._query.all_namespaces:
            raise Failure("a resource cannot be retrieved by name across all namespaces")
        return lambda: [self._get(mapping, namespace, name, "")]

    def _get(self, mapping: ResourceMapping, namespace: str, name: str, source: str) -> Info:
        query = self._query
        asked = Info(mapping, namespace, name, {}, source)
        if not query.fetch:
            return asked
        return fetch(self._factory.client, asked, query.subresource, query.extra, query.accept)

    def _by_paths(self, tuples: list[tuple[str, str]], types: list[str]) -> list[Visit]:
        from minikctl.client.files import documents

        query = self._query
        loaded = documents(
            query.filenames, query.recursive, self._factory, validate=query.validate, local=query.local
        )
        if types:
            raise Failure(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
            )
        if tuples:
            raise Failure("resource/name arguments cannot be provided when a path is specified")
        self.single = len(loaded) == 1 and "-" not in query.filenames
        return [self._loader(load) for load in loaded]

    def _loader(self, load: Callable[[], Iterable[Info]]) -> Visit:
        from minikctl.client.files import matches_labels

        query = self._query

        def visit() -> Iterator[Info]:
            errors: list[Exception] = []
            faults: list[Exception] = []
            for info in _until_fault(load(), faults):
                if query.latest:
                    try:
                        info = self._get(info.mapping, info.namespace, info.name, info.source)
                    except StatusError as error:
                        errors.append(error)
                        continue
                if matches_labels(query.selector, info.object):
                    yield info
            failure = aggregate(faults + errors)
            if failure is not None:
                raise failure

        return visit


def _until_fault(infos: Iterable[Info], faults: list[Exception]) -> Iterator[Info]:
    """`infos`; what a file's loader raises at its end goes to `faults`."""
    try:
        yield from infos
    except (Failure, Aggregate, NoResourceMatch) as error:
        faults.append(error)


def flatten(info: Info) -> Iterator[Info]:
    """A list's items, each with the apiVersion and kind that the list's own imply."""
    api_version = info.object.get("apiVersion", "")
    kind = str(info.object.get("kind", "")).removesuffix("List")
    for item in info.object.get("items") or []:
        item.setdefault("apiVersion", api_version)
        item.setdefault("kind", kind)
        meta = item.get("metadata") or {}
        yield Info(info.mapping, meta.get("namespace") or "", meta.get("name") or "", item, info.source)


def split_args(args: Sequence[str]) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """(resource/name pairs, types, names) that arguments say: `pods,secrets`, `pod x y`, `pod/x secret/y`,
    `pods,secrets x` (which is `pods/x secrets/x`)."""
    if len(args) >= 2:
        types = _types(args[0])
        if len(types) > 1:
            args = [f"{one}/{name}" for one in types for name in args[1:]]
    slashed = [argument for argument in args if "/" in argument]
    if slashed and len(slashed) != len(args):
        raise Failure(
            "there is no need to specify a resource type as a separate argument when passing arguments in"
            " resource/name form (e.g. 'minikctl get resource/<resource_name>' instead of 'minikctl get resource"
            " resource/<resource_name>'"
        )
    if slashed:
        return [_pair(argument) for argument in args], [], []
    return [], _types(args[0]) if args else [], list(args[1:])


def _types(argument: str) -> list[str]:
    return list(dict.fromkeys(argument.split(",")))


def _pair(argument: str) -> tuple[str, str]:
    if argument.count("/") > 1:
        raise Failure("arguments in resource/name form may not have more than one slash")
    resource, _, name = argument.partition("/")
    if not resource or not name or len(_types(resource)) != 1:
        raise Failure("arguments in resource/name form must have a single resource and name")
    return resource, name
