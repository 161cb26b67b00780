"""Match conditions: CEL that says whether a webhook is asked at all.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.admission.webhook.review import convert, make_request
from backend.meta import errors
from backend.meta.cel import CompileError, EvaluationError
from backend.meta.types import Obj
from backend.resources.admissionregistration.expressions import compile_condition
from backend.resources.resource import Resource


def hold(webhook: Obj, attributes: Attributes, matched: Resource) -> bool:
    """Whether all of them are true. One that is false decides, whatever became of the others; if some failed, the
    webhook's failure policy does: 403, or the webhook is not asked."""
    own = attributes.resource
    variables = {
        "object": convert(attributes.obj, own, matched),
        "oldObject": convert(attributes.old, own, matched),
        "namespaceObject": None,
        "request": make_request(attributes, matched),
    }
    failures = []
    for condition in webhook["matchConditions"]:
        expression = condition["expression"].strip()
        try:
            if compile_condition(expression).evaluate(variables) is not True:
                return False
        except (CompileError, EvaluationError) as error:
            failures.append(f"expression '{expression}' resulted in error: {error}")
    if failures and webhook["failurePolicy"] == "Fail":
        why = failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]"
        raise errors.forbidden(own.qualified, attributes.name, why)
    return not failures
