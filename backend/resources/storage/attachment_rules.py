"""Rules of VolumeAttachment. Source: pkg/apis/storage/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.persistent_volume_rules import validate_inline_spec
from backend.resources.storage.csi_rules import validate_driver_name

_MAX_METADATA_SIZE = 256 * 1024
_MAX_MESSAGE_SIZE = 1024
_MAX_INT32 = 2**31 - 1
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def validate(attachment: Obj) -> Sequence[Cause]:
    spec = attachment["spec"]
    attacher, volume = spec.get("attacher", ""), (spec.get("source") or {}).get("persistentVolumeName")
    found = _validate_common(attachment)
    found += validate_driver_name(attacher, "spec.attacher")
    if volume is not None:
        faults = names.dns1123_subdomain(volume)
        found += causes.each_invalid("spec.source.persistentVolumeName", volume, faults)
    return found


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = _validate_common(new)
    if new["spec"] != old["spec"]:
        found.append(causes.immutable("spec", new["spec"]))
    return found


def validate_status(new: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate_common(new)


def _validate_common(attachment: Obj) -> list[Cause]:
    spec, status = attachment["spec"], attachment.get("status") or {}
    node = spec.get("nodeName", "")
    found = [] if spec.get("attacher") else [causes.required("spec.attacher")]
    found += _validate_source(spec.get("source") or {}, "spec.source")
    found += causes.each_invalid("spec.nodeName", node, names.dns1123_subdomain(node))
    metadata = status.get("attachmentMetadata") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > _MAX_METADATA_SIZE:
        found.append(causes.too_long("status.attachmentMetadata", _MAX_METADATA_SIZE))
    for name in ("attachError", "detachError"):
        found += _validate_error(status.get(name) or {}, f"status.{name}")
    return found


def _validate_source(source: Obj, path: str) -> list[Cause]:
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and volume is None:
        return [causes.required(path, _ONE_SOURCE)]
    if inline is not None and volume is not None:
        return [causes.forbidden(path, _ONE_SOURCE)]
    if inline is not None:
        return validate_inline_spec(inline, f"{path}.inlineVolumeSpec")
    if not volume:
        return [causes.required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")]
    return []


def _validate_error(error: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    code = error.get("errorCode")
    if len(error.get("message", "").encode()) > _MAX_MESSAGE_SIZE:
        found.append(causes.too_long(f"{path}.message", _MAX_METADATA_SIZE))
    if code is not None and code < 0:
        detail = f"must be between 0 and {_MAX_INT32}, inclusive"
        found.append(causes.invalid_value(f"{path}.errorCode", code, detail))
    return found
