"""`minikctl create priorityclass`. Source: k8s.io/kubectl/pkg/cmd/create/create_priorityclass.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating

PRIORITY_CLASSES = ResourceMapping(
    "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, "priorityclass"
)


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    flags = call.flags
    made: dict[str, Any] = {
        "kind": "PriorityClass",
        "apiVersion": "scheduling.k8s.io/v1",
        "metadata": creating.metadata(call, name, namespaced=False),
        "value": flags["value"],
    }
    if flags["global-default"]:
        made["globalDefault"] = True
    if flags["description"]:
        made["description"] = flags["description"]
    made["preemptionPolicy"] = flags["preemption-policy"]
    return creating.create(call, PRIORITY_CLASSES, made, _failure)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create priorityclass: {error}")


COMMAND = Command(
    use="priorityclass NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]",
    short="Create a priority class with the specified name",
    long="Create a priority class with the specified name, value, globalDefault and description.",
    examples="""
  # Create a priority class named high-priority
  minikctl create priorityclass high-priority --value=1000 --description="high priority"

  # Create a priority class named default-priority that is considered as the global default priority
  minikctl create priorityclass default-priority --value=1000 --global-default=true --description="default priority"

  # Create a priority class named high-priority that cannot preempt pods with lower priority
  minikctl create priorityclass high-priority --value=1000 --preemption-policy=Never""",
    run=run,
    aliases=("pc",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "description", "string", "",
            "description is an arbitrary string that usually provides guidelines on when this priority class should"
            " be used.",
        ),
        Flag(
            "global-default", "bool", False,
            "global-default specifies whether this PriorityClass should be considered as the default priority.",
        ),
        Flag(
            "preemption-policy", "string", "PreemptLowerPriority",
            "preemption-policy is the policy for preempting pods with lower priority.",
        ),
        Flag("value", "int32", 0, "the value of this priority class."),
    ),
)  # fmt: skip
