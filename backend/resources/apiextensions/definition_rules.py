"""What a CustomResourceDefinition may say.

Sources: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/{v1/defaults.go,v1/conversion.go,validation} and
pkg/registry/customresourcedefinition/strategy.go. Faults of what all versions have in common are told at the place
where the internal form has it: `spec.validation.openAPIV3Schema` rather than `spec.versions[0].schema...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apiextensions.definition_parts import (
    validate_columns,
    validate_conversion,
    validate_selectable_fields,
    validate_subresources,
)

_COMMUNITY = ("k8s.io", "kubernetes.io")
_APPROVED = "api-approved.kubernetes.io"
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"
_APPROVAL_TEXT = f'protected groups must have approval annotation "{_APPROVED}"'
_COMMON = {
    "schema": "validation",
    "subresources": "subresources",
    "additionalPrinterColumns": "additionalPrinterColumns",
    "selectableFields": "selectableFields",
}
"""A version's part -> its name where it is the same for all versions."""


def default(definition: Obj) -> None:
    spec = definition.setdefault("spec", {})
    kinds = spec.get("names")
    if kinds is not None:
        kind = kinds.get("kind") or ""
        kinds.setdefault("singular", kind.lower())
        if kind:
            kinds.setdefault("listKind", f"{kind}List")
    for version in spec.get("versions") or ():
        version.setdefault("name", "")
    if not spec.get("conversion"):
        spec["conversion"] = {"strategy": "None"}
    webhook = spec["conversion"].get("webhook") or {}
    service = (webhook.get("clientConfig") or {}).get("service")
    if service:
        service.setdefault("port", 443)


def prepare_create(definition: Obj) -> None:
    definition["status"] = {
        "conditions": [],
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": _with_storage_version([], definition),
    }


def prepare_update(definition: Obj, old: Obj) -> None:
    stored = (old.get("status") or {}).get("storedVersions") or []
    definition["status"] = {
        **(old.get("status") or {}),
        "storedVersions": _with_storage_version(stored, definition),
    }


def _with_storage_version(stored: list[str], definition: Obj) -> list[str]:
    """All versions in which objects may be stored."""
    for version in definition["spec"].get("versions") or ():
        if version.get("storage"):
            return stored if version["name"] in stored else [*stored, version["name"]]
    return stored


def validate(definition: Obj) -> Sequence[Cause]:
    spec = definition["spec"]
    found: list[Cause] = []
    name, required = definition["metadata"].get("name", ""), f"{_plural(spec)}.{spec.get('group', '')}"
    if name:
        found += causes.each_invalid("metadata.name", name, names.dns1123_subdomain(name))
        if name != required:
            found.append(causes.invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    found += validate_spec(spec)
    return [*found, *_validate_approval(definition)]


def _plural(spec: Obj) -> str:
    plural: str = (spec.get("names") or {}).get("plural", "")
    return plural


def _validate_approval(definition: Obj) -> list[Cause]:
    group = definition["spec"].get("group", "")
    if not any(group == suffix or group.endswith(f".{suffix}") for suffix in _COMMUNITY):
        return []
    path = f"metadata.annotations[{_APPROVED}]"
    approval = (definition["metadata"].get("annotations") or {}).get(_APPROVED)
    if not approval:
        return [causes.required(path, f"{_APPROVAL_TEXT}, {_SEE}")]
    if not (approval.startswith("unapproved") or "://" in approval):
        text = f'{_APPROVAL_TEXT} with either a URL or a reason starting with "unapproved", {_SEE}'
        return [causes.invalid_value(path, approval, text)]
    return []


def validate_update(definition: Obj, old: Obj) -> Sequence[Cause]:
    spec, before = definition["spec"], old["spec"]
    found = validate_spec(spec)
    established = any(
        (condition.get("type"), condition.get("status")) == ("Established", "True")
        for condition in (old.get("status") or {}).get("conditions") or ()
    )
    kinds, kinds_before = spec.get("names") or {}, before["names"]
    if established:
        found += _immutable("spec.scope", spec.get("scope"), before["scope"])
        found += _immutable("spec.names.kind", kinds.get("kind"), kinds_before["kind"])
    found += _immutable("spec.group", spec.get("group"), before["group"])
    found += _immutable("spec.names.plural", kinds.get("plural"), kinds_before["plural"])
    return [*found, *_validate_stored_versions(definition)]


def _immutable(path: str, new: Any, old: Any) -> list[Cause]:
    return [] if new == old else [causes.immutable(path, new)]


def validate_status_update(definition: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate_stored_versions(definition)


def _validate_stored_versions(definition: Obj) -> list[Cause]:
    stored = (definition.get("status") or {}).get("storedVersions") or []
    known = {version["name"] for version in definition["spec"].get("versions") or ()}
    return [
        causes.invalid_value(f"status.storedVersions[{index}]", version, "missing from spec.versions; "
                             f"{version} was previously a storage version, and must remain in spec.versions until a "
                             f"storage migration ensures no data remains persisted in {version} and removes "
                             f"{version} from status.storedVersions")
        for index, version in enumerate(stored)
        if version not in known
    ]  # fmt: skip


def validate_spec(spec: Obj) -> list[Cause]:
    found = [*_validate_group(spec.get("group", "")), *_validate_scope(spec.get("scope", ""))]
    if spec.get("preserveUnknownFields"):
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in"
        text = f"{text} spec.versions[*].schema instead"
        found.append(causes.invalid_value("spec.preserveUnknownFields", True, text))
    found += _validate_versions(spec.get("versions") or [])
    found += _validate_names(spec.get("names") or {})
    for part, path, status in _parts(spec):
        found += part_faults(part, path, status)
    return [*found, *validate_conversion(spec.get("conversion") or {}, "spec.conversion")]


def part_faults(version: Obj, paths: dict[str, str], status_enabled: bool) -> list[Cause]:
    """The faults of the parts of a version that `paths` names."""
    from backend.resources.apiextensions.schema_rules import validate_validation

    found: list[Cause] = []
    if "schema" in paths:
        found += validate_validation(version.get("schema") or {}, paths["schema"], status_enabled=status_enabled)
    if "subresources" in paths:
        found += validate_subresources(version.get("subresources") or {}, paths["subresources"])
    if "additionalPrinterColumns" in paths:
        found += validate_columns(version.get("additionalPrinterColumns") or [], paths["additionalPrinterColumns"])
    if "selectableFields" in paths:
        found += validate_selectable_fields(version, paths["selectableFields"])
    return found


def _parts(spec: Obj) -> Iterator[tuple[Obj, dict[str, str], bool]]:
    """(version, the paths of what is to be looked at there, whether it has the status subresource)."""
    versions = spec.get("versions") or []
    if not versions:
        return
    common = {
        part: f"spec.{name}"
        for part, name in _COMMON.items()
        if all(version.get(part) == versions[0].get(part) for version in versions)
    }
    status = any("status" in (version.get("subresources") or {}) for version in versions)
    if common:
        yield versions[0], common, status
    for index, version in enumerate(versions):
        own = {part: f"spec.versions[{index}].{part}" for part in _COMMON if part not in common}
        if own:
            yield version, own, "status" in (version.get("subresources") or {})


def _validate_group(group: str) -> list[Cause]:
    if not group:
        return [causes.required("spec.group")]
    faults = names.dns1123_subdomain(group)
    if faults:
        return [causes.invalid_value("spec.group", group, ",".join(faults))]
    if "." not in group:
        return [causes.invalid_value("spec.group", group, "should be a domain with at least one dot")]
    return []


def _validate_scope(scope: str) -> list[Cause]:
    if not scope:
        return [causes.required("spec.scope")]
    if scope not in ("Cluster", "Namespaced"):
        return [causes.not_supported("spec.scope", scope, ("Cluster", "Namespaced"))]
    return []


def _validate_versions(versions: list[Obj]) -> list[Cause]:
    found: list[Cause] = []
    for index, version in enumerate(versions):
        name = version.get("name", "")
        faults = names.dns1035_label(name)
        if faults:
            found.append(causes.invalid_value(f"spec.versions[{index}].name", name, ",".join(faults)))
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            path = f"spec.versions[{index}].schema.openAPIV3Schema"
            found.append(causes.required(path, "schemas are required"))
    known = [version.get("name") for version in versions]
    if len(set(known)) != len(known):
        found.append(causes.invalid_value("spec.versions", versions, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        found.append(causes.invalid_value("spec.versions", versions, text))
    return found


def _validate_names(kinds: Obj) -> list[Cause]:
    """spec.names, of which each is required, and which are labels."""
    path = "spec.names"
    required = ("plural", "singular", "kind", "listKind")
    found = [causes.required(f"{path}.{name}") for name in required if not kinds.get(name)]
    for name in ("plural", "singular"):
        found += _label_faults(f"{path}.{name}", kinds.get(name) or "")
    for name in ("kind", "listKind"):
        found += _label_faults(f"{path}.{name}", kinds.get(name) or "", mixed_case=True)
    for index, short in enumerate(kinds.get("shortNames") or ()):
        found += _label_faults(f"{path}.shortNames[{index}]", short, required=True)
    if kinds.get("kind") and kinds["kind"] == kinds.get("listKind"):
        text = "kind and listKind may not be the same"
        found.append(causes.invalid_value(f"{path}.listKind", kinds["listKind"], text))
    for index, category in enumerate(kinds.get("categories") or ()):
        found += _label_faults(f"{path}.categories[{index}]", category, required=True)
    return found


def _label_faults(path: str, name: str, *, mixed_case: bool = False, required: bool = False) -> list[Cause]:
    if not name and not required:
        return []
    faults = names.dns1035_label(name.lower() if mixed_case else name)
    if not faults:
        return []
    text = ",".join(faults)
    if mixed_case:
        text = f"may have mixed case, but should otherwise match: {text}"
    return [causes.invalid_value(path, name, text)]
