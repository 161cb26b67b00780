"""`minikctl label`. Source: k8s.io/kubectl/pkg/cmd/label/label.go."""

from __future__ import annotations

from collections.abc import Sequence

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import pairs, shared_flags
from minikctl.flags import go_quote


def run(call: Invocation) -> int:
    return pairs.run(call, _SUBJECT)


def _parse(words: Sequence[str]) -> pairs.Pairs:
    from backend.meta.names import label_value

    labels: dict[str, str] = {}
    remove = []
    for word in words:
        if "=" in word:
            key, _, value = word.partition("=")
            if "=" in value:
                raise Failure(f"invalid label spec: {word}")
            faults = label_value(value)
            if faults:
                raise Failure(f"invalid label value: {go_quote(word)}: {';'.join(faults)}")
            labels[key] = value
        else:
            remove.append(word[:-1])
    if any(key in labels for key in remove):
        raise Failure("can not both modify and remove a label in the same command")
    return pairs.Pairs(labels, remove)


def _clash(old: dict[str, str], new: dict[str, str]) -> list[Exception]:
    return [
        Failure(f"'{key}' already has a value ({old[key]}), and --overwrite is false")
        for key, value in new.items()
        if old.get(key, value) != value
    ]


def _done(old: dict[str, str], new: dict[str, str]) -> str:
    if old == new:
        return "not labeled"
    if old.keys() <= new.keys():
        return "labeled"
    return "unlabeled" if new.items() <= old.items() else "modified"


_SUBJECT = pairs.Subject(
    noun="label",
    field="labels",
    parse=_parse,
    check=lambda _: None,
    clash=_clash,
    done=_done,
    tells_missing=True,
    sends_unchanged=False,
    example="pod",
)

COMMAND = Command(
    use="label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    short="Update the labels on a resource",
    long="Set labels on resources, or remove them.\n\n"
    "  *  A key and a value begin with a letter or a number, and have letters, numbers, hyphens, dots and underscores,"
    " up to 63 characters each.\n"
    "  *  A key may have a DNS subdomain and a slash before it, as in example.com/my-app.\n"
    "  *  A label that is there with another value is only changed with --overwrite.\n"
    "  *  With --resource-version the change is only made if the resource still has that version.",
    examples="""
  # Give the pod foo the label unhealthy with the value true
  minikctl label pods foo unhealthy=true

  # Give it the label status, whatever value it has
  minikctl label --overwrite pods foo status=unhealthy

  # Label all pods of the namespace
  minikctl label pods --all status=unhealthy

  # Label the pod that a file names
  minikctl label -f pod.json status=unhealthy

  # Label a pod only if it has not changed since version 1
  minikctl label pods foo status=unhealthy --resource-version=1

  # Remove the label bar, for which --overwrite is not needed
  minikctl label pods foo bar-""",
    run=run,
    flags=pairs.pair_flags(
        "label", "label", "labels",
        "Filename, directory, or URL to files identifying the resource to update the labels",
        Flag("all", "bool", False, "Select all resources, in the namespace of the specified resource types"),
        Flag(
            "all-namespaces", "bool", False, "If true, check the specified action in all namespaces.", short="A"
        ),
        shared_flags.RECURSIVE,
        Flag(
            "resource-version", "string", "",
            "If non-empty, the labels update will only succeed if this is the current resource-version for the object."
            " Only valid when specifying a single resource.",
        ),
        shared_flags.SELECTOR,
    ),
)  # fmt: skip
