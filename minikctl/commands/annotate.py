"""`minikctl annotate`. Source: k8s.io/kubectl/pkg/cmd/annotate/annotate.go."""

from __future__ import annotations

from collections.abc import Sequence

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import pairs, shared_flags

CHANGE_CAUSE = "kubernetes.io/change-cause"
"""The one annotation that may be overwritten without --overwrite."""


def run(call: Invocation) -> int:
    return pairs.run(call, _SUBJECT)


def _parse(words: Sequence[str]) -> pairs.Pairs:
    annotations: dict[str, str] = {}
    remove = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key:
            annotations[key] = value
        else:
            remove.append(word[:-1])
    return pairs.Pairs(annotations, remove)


def _check(given: pairs.Pairs) -> None:
    both = [key for key in given.remove if key in given.set]
    if both:
        raise Failure(
            f"can not both modify and remove the following annotation(s) in the same command: {', '.join(both)}"
        )


def _clash(old: dict[str, str], new: dict[str, str]) -> list[Exception]:
    found = [
        f"'{key}' already has a value ({old[key]})"
        for key, value in new.items()
        if key != CHANGE_CAUSE and old.get(key, value) != value
    ]
    text = "--overwrite is false but found the following declared annotation(s): "
    return [Failure(text + "; ".join(found))] if found else []


_SUBJECT = pairs.Subject(
    noun="annotation",
    field="annotations",
    parse=_parse,
    check=_check,
    clash=_clash,
    done=lambda old, new: "annotated",
    tells_missing=False,
    sends_unchanged=True,
    example="rsrc",
)

COMMAND = Command(
    use="annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    short="Update the annotations on a resource",
    long="Set annotations on resources, or remove them.\n\n"
    "An annotation is a key with a value of any text, which may be long, such as JSON; tools keep what they need in"
    " them. One that is there with another value is only changed with --overwrite. With --resource-version the change"
    " is only made if the resource still has that version.",
    examples="""
  # Give the pod foo the annotation description; of several with the same key the last one counts
  minikctl annotate pods foo description='my frontend'

  # Annotate the pod that a file names
  minikctl annotate -f pod.json description='my frontend'

  # Set the annotation whatever value it has
  minikctl annotate --overwrite pods foo description='my frontend running nginx'

  # Annotate all pods of the namespace
  minikctl annotate pods --all description='my frontend running nginx'

  # Annotate a pod only if it has not changed since version 1
  minikctl annotate pods foo description='my frontend running nginx' --resource-version=1

  # Remove the annotation description, for which --overwrite is not needed
  minikctl annotate pods foo description-""",
    run=run,
    flags=pairs.pair_flags(
        "annotate", "annotation", "annotations", "identifying the resource.",
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types"),
        shared_flags.ALL_NAMESPACES,
        shared_flags.RECURSIVE._replace(default=True),
        Flag(
            "resource-version", "string", "",
            "If non-empty, the annotation update will only succeed if this is the current resource-version for the"
            " object. Only valid when specifying a single resource.",
        ),
        Flag(
            "selector", "string", "", short="l", usage=
            "Selector (label query) to filter on, supports '=', '==', and '!='.(e.g. -l key1=value1,key2=value2)",
        ),
    ),
)  # fmt: skip
