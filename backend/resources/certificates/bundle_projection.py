"""Rules of trust bundles in projected volumes. Source: validateProjectionSources of pkg/apis/core/validation."""

from __future__ import annotations

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources.certificates.bundle_rules import name_faults
from backend.resources.certificates.signer_name import validate_signer_name


def validate_bundle_projection(source: Obj, path: str) -> list[Cause]:
    """All but the file's path."""
    name, signer, selector = (source.get(field) for field in ("name", "signerName", "labelSelector"))
    if name is not None and signer is not None:
        return [causes.invalid_value(path, source, "only one of name and signerName may be used")]
    if name is not None:
        found = [] if name else [causes.required(f"{path}.name", "must be a valid object name")]
        texts = [f"not a valid clustertrustbundlename: {fault}" for fault in name_faults(name, _signer_of(name))]
        found += causes.each_invalid(f"{path}.name", name, texts)
        if selector is not None:
            text = "labelSelector must be unset if name is specified"
            found.append(causes.invalid_value(f"{path}.labelSelector", selector, text))
        return found
    if signer is not None:
        found = [] if signer else [causes.required(f"{path}.signerName", "must be a valid signer name")]
        found += validate_signer_name(signer, f"{path}.signerName")
        return found + (validate_label_selector(selector, f"{path}.labelSelector") if selector else [])
    return [causes.required(path, "either name or signerName must be specified")]


def _signer_of(name: str) -> str:
    """The signer whose bundle a name would be: `example.com:mine:x` is one of example.com/mine."""
    prefix, colon, _ = name.rpartition(":")
    return prefix.replace(":", "/") if colon else ""
