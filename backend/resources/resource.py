"""The declaration of a kind: routes, discovery, tables and verbs follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from backend.meta.errors import Cause
from backend.meta.types import Obj, User

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the server-side table (meta.k8s.io/v1 TableColumnDefinition).

    `priority` above 0 shows it only in wide output. A column has either a `description` of its own or
    `described_by`, the `DEFINITION.property` of the published OpenAPI whose description it carries.
    """

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    described_by: str = ""

    def describe(self, definitions: Mapping[str, Any]) -> str:
        """The description on the wire; `definitions` are the OpenAPI's, by their full names."""
        if not self.described_by:
            return self.description
        definition, _, name = self.described_by.rpartition(".")
        description: str = definitions[definition]["properties"][name].get("description", "")
        return description


OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
NAME_COLUMN = Column("Name", "string", "name", described_by=f"{OBJECT_META}.name")
AGE_COLUMN = Column("Age", described_by=f"{OBJECT_META}.creationTimestamp")


def later(function: str) -> Callable[..., Any]:
    """The function at `module:name` of backend.resources, imported when it is first called.

    For rules, tables' rows and other hooks that most runs never need: a start must not wait for them.
    """
    found: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal found
        if found is None:
            module, _, name = function.partition(":")
            found = getattr(import_module(f"backend.resources.{module}"), name)
        return found(*arguments)

    call.__qualname__ = f"later({function})"
    return call


def _nothing(_obj: Obj) -> None:
    return None


def _valid(_obj: Obj) -> Sequence[Cause]:
    return ()


def _valid_update(_new: Obj, _old: Obj) -> Sequence[Cause]:
    return ()


def _no_fields(_obj: Obj) -> dict[str, str]:
    return {}


def _no_warnings(_new: Obj, _old: Obj | None) -> Sequence[str]:
    return ()


def _spec(obj: Obj) -> Any:
    return obj.get("spec")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an object that has the scale subresource keeps what autoscaling/v1 Scale shows, as dotted paths.

    `selector` is where its label selector is (a LabelSelector, a plain map of labels, or a selector's text); "" if
    it has none that the Scale would show.
    """

    replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = "spec.selector"


def _unconverted(obj: Obj) -> Obj:
    return obj


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One kind in one version. Source of the hooks: k8s.io/apiserver/pkg/registry/rest create, update strategies.

    The generic registry calls, on an object that already passed the schema: `default` (fill in defaults, in
    place), `prepare_create` (what a client may not set at creation, in place; e.g. drop status),
    `prepare_update(new, old)` (keep what this endpoint may not change, in place; status for the main
    endpoint is kept by the registry itself when "status" is a subresource), then `validate` or
    `validate_update(new, old)` for the causes of a 422. Metadata (name, namespace, labels, annotations, uid...) is
    validated by the registry for all kinds; `validate_name` gives the causes' texts for metadata.name.
    `row(obj, now)` gives the table's cells, one per column; `now` is seconds since the epoch.
    `selectable` gives the fields that a field selector can name, besides metadata.name and metadata.namespace.

    A kind that is another version of, or another group's name for, the objects of a kind names that kind as
    `stored_as`. All its verbs then work on the same objects, in its own form: `from_stored(obj)` and
    `to_stored(obj)` give a new object, or the same one where nothing but apiVersion and kind differ, which
    are set for them. Neither may change its argument.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    schema: str
    """The definition's name in the published OpenAPI, such as io.k8s.api.core.v1.Secret."""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = (NAME_COLUMN, AGE_COLUMN)
    row: Callable[[Obj, float], list[Any]] | None = None
    table_order: Callable[[Obj], Any] | None = None
    """What a table's rows are sorted by, where they are not in the order of their keys."""
    validate_name: Callable[[str], list[str]] | None = None
    default: Callable[[Obj], None] = _nothing
    prepare_create: Callable[[Obj], None] = _nothing
    record_requester: Callable[[Obj, User], None] | None = None
    """(new object, who creates it): writes down who asked, in place."""
    prepare_update: Callable[[Obj, Obj], None] | None = None
    prepare_status_update: Callable[[Obj, Obj], None] | None = None
    """(new, old): complete, in place, what came to the status endpoint."""
    validate: Callable[[Obj], Sequence[Cause]] = _valid
    validate_update: Callable[[Obj, Obj], Sequence[Cause]] = _valid_update
    validate_status_update: Callable[[Obj, Obj], Sequence[Cause]] = _valid_update
    selectable: Callable[[Obj], dict[str, str]] = _no_fields
    selectable_names: frozenset[str] = field(default_factory=frozenset)
    generation: bool = False
    """Whether there is a metadata.generation, which a change of what `counted` gives increments."""
    counted: Callable[[Obj], Any] = _spec
    warnings: Callable[[Obj, Obj | None], Sequence[str]] = _no_warnings
    """(new object, old one if it is an update) -> what the Warning headers say. Source: WarningsOnCreate, -Update."""
    scale: Scale | None = None
    """Declared beside "scale" among the subresources."""
    graceful_delete: Callable[[Obj, Obj], int] | None = None
    """(object, DeleteOptions) -> grace period in seconds; 0 deletes at once. None: always at once."""
    published: Obj | None = None
    """The OpenAPI v3 schema of a kind that is not among the published definitions."""
    deprecated: str = ""
    """What every request for the kind is warned of. Source: deprecation of versions of custom resources."""
    deletion_finalizer: str = ""
    """A finalizer that a deletion adds: somebody has to end something first, whoever made the object."""
    encrypted: bool = False
    """Whether the store encrypts it at rest."""
    stored_as: Resource | None = None
    from_stored: Callable[[Obj], Obj] = _unconverted
    to_stored: Callable[[Obj], Obj] = _unconverted
    conversion: Obj | None = None
    """The CustomResourceConversion of a kind whose versions only a webhook can convert."""
    prefix: str = field(init=False)
    """The store prefix of the collection; ends in a slash."""
    api_version: str = field(init=False)
    qualified: str = field(init=False)
    """The resource as error texts name it: `pods`, `deployments.apps`."""
    qualified_kind: str = field(init=False)

    def __post_init__(self) -> None:
        stored, group = self.stored_as or self, self.group
        object.__setattr__(self, "prefix", f"{stored.group or 'core'}/{stored.plural}/")
        object.__setattr__(self, "api_version", f"{group}/{self.version}" if group else self.version)
        object.__setattr__(self, "qualified", f"{self.plural}.{group}" if group else self.plural)
        object.__setattr__(self, "qualified_kind", f"{self.kind}.{group}" if group else self.kind)

    def key(self, namespace: str, name: str) -> str:
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else f"{self.prefix}{name}"
