"""`minikctl taint`. Source: k8s.io/kubectl/pkg/cmd/taint (taint.go, utils.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.meta import names
from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Aggregate, Failure, StatusError, aggregate
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.create.creating import DRY_RUN_FLAG, VALIDATE_FLAG, DryRun, dry_run
from minikctl.commands.plain_types import find_plainly
from minikctl.output.printers import make_printer, output_flags

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class _Taint(NamedTuple):
    key: str
    value: str
    effect: str

    @property
    def id(self) -> tuple[str, str]:
        """What no two taints of a node have in common."""
        return self.key, self.effect


class _Changes(NamedTuple):
    """The taints to add, and those to remove: without an effect all that have the key."""

    add: list[_Taint]
    remove: list[_Taint]


def run(call: Invocation) -> int:
    strategy = dry_run(call)
    resources, words = _split(call.args)
    try:
        changes = _parse(words)
    except Failure as fault:
        raise UsageError(str(fault)) from None
    _validate(call, resources, changes)
    errors: list[Exception] = []
    for info in stream(call.factory, _query(call, resources), errors):
        try:
            _taint(call, info, changes, strategy)
        except (Aggregate, Failure, StatusError) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """(resources, changes of taints)."""
    first = next((at for at, word in enumerate(args) if _is_taint(word)), len(args))
    stray = next((word for word in args[first:] if not _is_taint(word)), None)
    if stray is not None:
        raise Failure(f"all resources must be specified before taint changes: {stray}")
    if not first:
        raise Failure("one or more resources must be specified as <resource> <name>")
    if first == len(args):
        raise Failure("at least one taint update is required")
    return list(args[:first]), list(args[first:])


def _is_taint(word: str) -> bool:
    return "=" in word or ":" in word or word.endswith("-")


def _parse(words: Sequence[str]) -> _Changes:
    changes = _Changes([], [])
    for word in words:
        if word.endswith("-"):
            changes.remove.append(_parse_one(word[:-1]))
            continue
        taint = _parse_one(word)
        if not taint.effect:
            raise Failure(f"invalid taint spec: {word}")
        if any(taint.id == other.id for other in changes.add):
            shown = f"{{{taint.key} {taint.value} {taint.effect} <nil>}}"
            raise Failure(f"duplicated taints with the same key and effect: {shown}")
        changes.add.append(taint)
    return changes


def _parse_one(text: str) -> _Taint:
    """`key=value:effect`, `key:effect` or `key`."""
    key, value, effect = text, "", ""
    parts = text.split(":")
    if len(parts) > 2:
        raise Failure(f"invalid taint spec: {text}")
    if len(parts) == 2:
        effect = parts[1]
        if effect not in _EFFECTS:
            raise Failure(f"invalid taint effect: {effect}, unsupported taint effect")
        key, equals, value = parts[0].partition("=")
        if "=" in value:
            raise Failure(f"invalid taint spec: {text}")
        _check(text, names.label_value(value) if equals else [])
    _check(text, names.qualified_name(key))
    return _Taint(key, value, effect)


def _check(text: str, faults: list[str]) -> None:
    if faults:
        raise Failure(f"invalid taint spec: {text}, {'; '.join(faults)}")


def _validate(call: Invocation, resources: Sequence[str], changes: _Changes) -> None:
    kind = resources[0].lower()
    if find_plainly(call, kind).kind != "Node":
        raise Failure(f"invalid resource type {kind}, only node types are supported")
    both = [
        f"{removed.key}={removed.effect}"
        for added in changes.add
        for removed in changes.remove
        if added.key == removed.key and removed.effect in ("", added.effect)
    ]
    if both:
        raise Failure(
            f"can not both modify and remove the following taint(s) in the same command: {', '.join(both)}"
        )
    if call.flags["all"] and call.flags["selector"]:
        raise Failure("setting 'all' parameter with a non empty selector is prohibited")
    if not (call.flags["all"] or call.flags["selector"]) and len(resources) < 2:
        raise Failure("at least one resource name must be specified since 'all' parameter is not set")


def _query(call: Invocation, resources: Sequence[str]) -> Query:
    flags = call.flags
    if flags["all"] or flags["selector"]:
        return Query(args=["nodes"], selector=flags["selector"], select_all=flags["all"])
    return Query(args=[name if "/" in name else f"nodes/{name}" for name in resources[1:]])


def _taint(call: Invocation, info: Info, changes: _Changes, strategy: DryRun) -> None:
    old = (info.object.get("spec") or {}).get("taints") or []
    if not call.flags["overwrite"]:
        present = {(taint["key"], taint["effect"]) for taint in old}
        clash = ",".join(taint.key for taint in changes.add if taint.id in present)
        if clash:
            text = f"node {info.name} already has {clash} taint(s) with same effect(s) and --overwrite is false"
            raise Failure(text)
    operation, new = _reorganized(old, changes, call.flags["overwrite"])

    def change(after: Info) -> None:
        spec = after.object.setdefault("spec", {})
        spec.pop("taints", None)
        if new:
            spec["taints"] = new

    after, patch = template_changes.changed(info, change)
    made = after.object
    if strategy != "client":
        made = template_changes.send(call.factory.client, info, patch, call.flags["field-manager"], strategy)
    make_printer(call.flags, operation=operation).print(made, call.streams.out)


def _reorganized(
    old: list[dict[str, Any]], changes: _Changes, overwrite: bool
) -> tuple[str, list[dict[str, Any]]]:
    """(what was done, the taints after it): those that are added come first. Raises for one that is not there."""
    added = [
        {"key": one.key, **({"value": one.value} if one.value else {}), "effect": one.effect}
        for one in changes.add
    ]
    ids = {taint.id for taint in changes.add}
    new = added + [taint for taint in old if (taint["key"], taint["effect"]) not in ids]
    grown, shrunk = len(new) != len(old), False
    errors = []
    for removed in changes.remove:
        kept = [one for one in new if one["key"] != removed.key or removed.effect not in ("", one["effect"])]
        shrunk = len(kept) != len(new)
        if not shrunk:
            shown = f"{removed.key}:{removed.effect}" if removed.effect else removed.key
            errors.append(Failure(f'taint "{shown}" not found'))
        new = kept
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if (grown and shrunk) or overwrite:
        return "modified", new
    return ("tainted" if grown else "untainted"), new


COMMAND = Command(
    use="taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
    short="Update the taints on one or more nodes",
    long="Update the taints of nodes.\n\n"
    "A taint has a key, a value that may be empty, and an effect: NoSchedule, PreferNoSchedule or NoExecute. Keys begin"
    " with a letter or digit and have letters, digits, hyphens, dots and underscores, up to 253 characters, with a DNS"
    " subdomain and a slash before them if wanted; values have up to 63.",
    examples="""
  # Taint a node; a taint with the same key and effect that is there is only replaced with --overwrite
  minikctl taint nodes foo dedicated=special-user:NoSchedule

  # Remove the taint with this key and effect
  minikctl taint nodes foo dedicated:NoSchedule-

  # Remove all taints with this key
  minikctl taint nodes foo dedicated-

  # Taint all nodes that have a label
  minikctl taint node -l myLabel=X  dedicated=foo:PreferNoSchedule

  # A taint without a value
  minikctl taint nodes foo bar:NoSchedule""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Select all nodes in the cluster"),
        *output_flags(),
        DRY_RUN_FLAG,
        Flag("field-manager", "string", "kubectl-taint", "Name of the manager used to track field ownership."),
        Flag(
            "overwrite", "bool", False,
            "If true, allow taints to be overwritten, otherwise reject taint updates that overwrite existing taints.",
        ),
        shared_flags.SELECTOR,
        VALIDATE_FLAG,
    ),
)  # fmt: skip
