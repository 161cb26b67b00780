"""`minikctl create poddisruptionbudget`. Source: k8s.io/kubectl/pkg/cmd/create/create_pdb.go."""

from __future__ import annotations

import re
from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.flags import go_quote
from minikctl.output.workload_shapes import POD_DISRUPTION_BUDGET

BUDGETS = ResourceMapping(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, "poddisruptionbudget"
)
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}
_UNSUPPORTED = {
    "!=": '"!=" is not a valid label selector operator',
    "<": '"lt" isn\'t supported in label selectors',
    ">": '"gt" isn\'t supported in label selectors',
}


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    flags = call.flags
    least, most = flags["min-available"], flags["max-unavailable"]
    if not flags["selector"]:
        raise Failure("a selector must be specified")
    if not least and not most:
        raise Failure("one of min-available or max-unavailable must be specified")
    if least and most:
        raise Failure("min-available and max-unavailable cannot be both specified")
    spec: dict[str, Any] = {"selector": _selector(flags["selector"])}
    if least:
        spec["minAvailable"] = _amount("min-available", least)
    else:
        spec["maxUnavailable"] = _amount("max-unavailable", most)
    budget = {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": creating.metadata(call, name, required=False),
        "spec": spec,
        "status": dict.fromkeys(_COUNTS, 0),
    }
    return creating.create(call, BUDGETS, budget, _failure, shape=POD_DISRUPTION_BUDGET)


def _amount(flag: str, text: str) -> int | str:
    if not re.fullmatch(r"[0-9]+%?", text):
        raise Failure(f"invalid format specified for {flag}")
    return text if text.endswith("%") else int(text)


def _selector(text: str) -> dict[str, Any]:
    """The text as a LabelSelector. Source: metav1.ParseToLabelSelector."""
    from backend.meta.errors import ApiError
    from backend.meta.selectors import parse_label_selector

    try:
        parsed = parse_label_selector(text)
    except ApiError as error:
        raise Failure(f"couldn't parse the selector string {go_quote(text)}: {error}") from None
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for one in parsed.requirements:
        if one.operator in ("=", "=="):
            labels[one.key] = one.values[0]
        elif one.operator in _OPERATORS:
            values = {"values": sorted(one.values)} if one.values else {}
            expressions.append({"key": one.key, "operator": _OPERATORS[one.operator], **values})
        else:
            raise Failure(_UNSUPPORTED[one.operator])
    selector: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return selector | ({"matchExpressions": expressions} if expressions else {})


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create poddisruptionbudgets: {error}")


COMMAND = Command(
    use="poddisruptionbudget NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]",
    short="Create a pod disruption budget with the specified name",
    long="Create a pod disruption budget with the specified name, selector, and desired minimum available pods.",
    examples="""
  # Of the pods with the label app=rails, at least one is to be there at any time
  minikctl create poddisruptionbudget my-pdb --selector=app=rails --min-available=1

  # Of the pods with the label app=nginx, at least half
  minikctl create pdb my-pdb --selector=app=nginx --min-available=50%""",
    run=run,
    aliases=("pdb",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "max-unavailable", "string", "",
            "The maximum number or percentage of unavailable pods this budget requires.",
        ),
        Flag(
            "min-available", "string", "",
            "The minimum number or percentage of available pods this budget requires.",
        ),
        Flag(
            "selector", "string", "",
            "A label selector to use for this budget. Only equality-based selector requirements are supported.",
        ),
    ),
)  # fmt: skip
