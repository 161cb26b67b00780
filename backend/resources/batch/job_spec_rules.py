"""Rules of a JobSpec, which a Job has and a CronJob's template. Source: validateJobSpec, WarningsForJobSpec."""

from __future__ import annotations

import re

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.batch.job_indexes import count_indexes
from backend.resources.batch.pod_failure_policy import validate_pod_failure_policy
from backend.resources.core.pod_template_spec import validate_template
from backend.resources.core.pod_warnings import spec_template_warnings

_COUNTS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
    "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip
_MAX_INDEXED = 100_000
"""Of parallelism and of failed indexes; with more completions than this, a tenth of it."""
_MAX_MANAGER = 63
_MAX_RULES = 20
_MAX_INDEXES_TEXT = 64 * 1024
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_REPLACEMENT = ("Failed", "TerminatingOrFailed")


def validate_job_spec(spec: Obj, path: str) -> list[Cause]:
    """Without the selector, which a Job has and a template has not."""
    found: list[Cause] = []
    for field in _COUNTS:
        found += causes.nonnegative(f"{path}.{field}", spec.get(field))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.append(causes.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.get("managedBy") is not None:
        found += _validate_manager(spec["managedBy"], f"{path}.managedBy")
    found += _validate_mode(spec, path)
    if spec.get("podFailurePolicy") is not None:
        found += validate_pod_failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.get("successPolicy") is not None:
        found += _validate_success_policy(spec, f"{path}.successPolicy")
    found += _validate_replacement(spec, f"{path}.podReplacementPolicy")
    found += validate_template(spec["template"], f"{path}.template")
    return found + _validate_restart_policy(spec, f"{path}.template.spec.restartPolicy")


def _validate_manager(manager: str, path: str) -> list[Cause]:
    """Source: IsDomainPrefixedPath."""
    if not manager:
        return [causes.required(path)]
    host, _, rest = manager.partition("/")
    if not host or not rest:
        return [causes.invalid_value(path, manager, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    found = causes.each_invalid(path, host, names.dns1123_subdomain(host))
    if not re.fullmatch(_HTTP_PATH, rest):
        detail = f"Invalid path (regex used for validation is '{_HTTP_PATH}')"
        found.append(causes.invalid_value(path, rest, detail))
    if len(manager) > _MAX_MANAGER:
        found.append(causes.too_long(path, _MAX_MANAGER))
    return found


def _validate_mode(spec: Obj, path: str) -> list[Cause]:
    mode = spec.get("completionMode")
    if mode not in (None, "NonIndexed", "Indexed"):
        return [causes.not_supported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))]
    if mode == "Indexed":
        return _validate_indexed(spec, path)
    return [
        causes.invalid_value(f"{path}.{field}", spec[field], "requires indexed completion mode")
        for field in ("backoffLimitPerIndex", "maxFailedIndexes")
        if spec.get(field) is not None
    ]


def _validate_indexed(spec: Obj, path: str) -> list[Cause]:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed = spec.get("maxFailedIndexes")
    found: list[Cause] = []
    if completions is None:
        found.append(causes.required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism > _MAX_INDEXED:
        detail = f"must be less than or equal to {_MAX_INDEXED} when completion mode is Indexed"
        found.append(causes.invalid_value(f"{path}.parallelism", parallelism, detail))
    if completions is not None and failed is not None and failed > completions:
        detail = "must be less than or equal to completions"
        found.append(causes.invalid_value(f"{path}.maxFailedIndexes", failed, detail))
    if failed is not None and failed > _MAX_INDEXED:
        detail = f"must be less than or equal to {_MAX_INDEXED}"
        found.append(causes.invalid_value(f"{path}.maxFailedIndexes", failed, detail))
    if (completions or 0) > _MAX_INDEXED and spec.get("backoffLimitPerIndex") is not None:
        found += _validate_many_completions(parallelism, failed, path)
    return found


def _validate_many_completions(parallelism: int, failed: int | None, path: str) -> list[Cause]:
    limit, found = _MAX_INDEXED // 10, []
    detail = (
        f"must be less than or equal to {limit} when completions are above {_MAX_INDEXED}"
        " and used with backoff limit per index"
    )
    if failed is None:
        text = f"must be specified when completions is above {_MAX_INDEXED}"
        found.append(causes.required(f"{path}.maxFailedIndexes", text))
    if parallelism > limit:
        found.append(causes.invalid_value(f"{path}.parallelism", parallelism, detail))
    if failed is not None and failed > limit:
        found.append(causes.invalid_value(f"{path}.maxFailedIndexes", failed, detail))
    return found


def _validate_success_policy(spec: Obj, path: str) -> list[Cause]:
    rules = spec["successPolicy"].get("rules") or ()
    if spec.get("completionMode") != "Indexed":
        shown = causes.GoStruct(Rules=[_internal_rule(rule) for rule in rules] or None)
        return [causes.invalid_value(path, shown, "requires indexed completion mode")]
    found: list[Cause] = []
    if not rules:
        detail = "at least one rules must be specified when the successPolicy is specified"
        found.append(causes.required(f"{path}.rules", detail))
    if len(rules) > _MAX_RULES:
        found.append(causes.too_many(f"{path}.rules", len(rules), _MAX_RULES))
    for index, rule in enumerate(rules):
        found += _validate_success_rule(rule, spec.get("completions") or 0, f"{path}.rules[{index}]")
    return found


def _internal_rule(rule: Obj) -> Obj:
    return causes.GoStruct(
        SucceededIndexes=rule.get("succeededIndexes"), SucceededCount=rule.get("succeededCount")
    )


def _validate_success_rule(rule: Obj, completions: int, path: str) -> list[Cause]:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    found: list[Cause] = []
    total = 0
    if count is None and indexes is None:
        detail = "at least one of succeededCount or succeededIndexes must be specified"
        found.append(causes.required(path, detail))
    if indexes is not None:
        here = f"{path}.succeededIndexes"
        if len(indexes) > _MAX_INDEXES_TEXT:
            found.append(causes.too_long(here, _MAX_INDEXES_TEXT))
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            found.append(causes.invalid_value(here, indexes, f"error parsing succeededIndexes: {error}"))
    if count is not None:
        here = f"{path}.succeededCount"
        found += causes.nonnegative(here, count)
        if count > completions:
            detail = f"must be less than or equal to {completions} (the number of specified completions)"
            found.append(causes.invalid_value(here, count, detail))
        if indexes is not None and count > total:
            text = "the number of indexes in the specified succeededIndexes field"
            found.append(causes.invalid_value(here, count, f"must be less than or equal to {total} ({text})"))
    return found


def _validate_replacement(spec: Obj, path: str) -> list[Cause]:
    policy = spec.get("podReplacementPolicy")
    supported = _REPLACEMENT if spec.get("podFailurePolicy") is None else ("Failed",)
    return [] if policy is None or policy in supported else [causes.not_supported(path, policy, supported)]


def _validate_restart_policy(spec: Obj, path: str) -> list[Cause]:
    policy = spec["template"]["spec"]["restartPolicy"]
    if policy == "Always":
        return [causes.required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [causes.not_supported(path, policy, ("OnFailure", "Never"))]
    if spec.get("podFailurePolicy") is not None and policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        return [causes.invalid_value(path, policy, detail)]
    return []


def job_spec_warnings(spec: Obj, path: str) -> list[str]:
    found: list[str] = []
    many = (spec.get("completions") or 0) > _MAX_INDEXED and (spec.get("parallelism") or 0) > _MAX_INDEXED // 10
    if spec.get("completionMode") == "Indexed" and many:
        text = (
            "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4,"
            " Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )
        found.append(f"{path}: {text}")
    return found + spec_template_warnings(spec, path)
