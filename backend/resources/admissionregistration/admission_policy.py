"""admissionregistration.k8s.io/v1 policies and their bindings: what may be stored, said in CEL.

Sources: pkg/registry/admissionregistration/{validating,mutating}admissionpolicy{,binding}/strategy.go, and defaults.go
of pkg/apis/admissionregistration/v1.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import format_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.admissionregistration.webhook_configuration import GROUP, default_rules
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.admissionregistration.v1"
_PARAM_KIND = Column(
    "ParamKind", description="ParamKind specifies the kind of resources used to parameterize this policy"
)
_BINDING_COLUMNS = (
    NAME_COLUMN,
    Column(
        "PolicyName", description="PolicyName indicates the policy definition which the policy binding binded to"
    ),
    Column("ParamRef", description="ParamRef indicates the param resource which sets the configration param"),
    AGE_COLUMN,
)


def _default_match(resources: Obj | None) -> None:
    if resources is None:
        return
    if resources.get("matchPolicy") is None:
        resources["matchPolicy"] = "Equivalent"
    for name in ("namespaceSelector", "objectSelector"):
        if resources.get(name) is None:
            resources[name] = {}
    default_rules(resources.get("resourceRules"))
    default_rules(resources.get("excludeResourceRules"))


def _default_policy(policy: Obj) -> None:
    spec = policy.setdefault("spec", {})
    if spec.get("failurePolicy") is None:
        spec["failurePolicy"] = "Fail"
    _default_match(spec.get("matchConstraints"))


def _default_validating_policy(policy: Obj) -> None:
    _default_policy(policy)
    policy.setdefault("status", {})


def _default_binding(binding: Obj) -> None:
    _default_match(binding.setdefault("spec", {}).get("matchResources"))


def _drop_status(policy: Obj) -> None:
    policy["status"] = {}


def _param_kind(policy: Obj) -> str:
    kind = policy["spec"].get("paramKind")
    return cells.UNSET if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"


def _validating_row(policy: Obj, now: float) -> list[Any]:
    count = len(policy["spec"].get("validations") or ())
    return [policy["metadata"]["name"], count, _param_kind(policy), cells.age(policy, now)]


def _mutating_row(policy: Obj, now: float) -> list[Any]:
    count = len(policy["spec"].get("mutations") or ())
    return [policy["metadata"]["name"], count, _param_kind(policy), cells.age(policy, now)]


def _binding_row(binding: Obj, now: float) -> list[Any]:
    spec = binding["spec"]
    reference = spec.get("paramRef") or {}
    shown = cells.UNSET
    if reference.get("name"):
        shown = f"{reference.get('namespace') or '*'}/{reference['name']}"
    elif reference.get("selector") is not None:
        shown = format_selector(reference["selector"])
    return [binding["metadata"]["name"], spec.get("policyName", ""), shown, cells.age(binding, now)]


VALIDATING_ADMISSION_POLICY = Resource(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    singular="validatingadmissionpolicy",
    namespaced=False,
    schema=f"{_SCHEMA}.ValidatingAdmissionPolicy",
    categories=("api-extensions",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column(
            "Validations",
            "integer",
            description="Validations indicates the number of validation rules defined in this configuration",
        ),
        _PARAM_KIND,
        AGE_COLUMN,
    ),
    row=_validating_row,
    validate_name=names.dns1123_subdomain,
    default=_default_validating_policy,
    prepare_create=_drop_status,
    validate=later("admissionregistration.policy_rules:validate_validating"),
    validate_update=later("admissionregistration.policy_rules:validate_validating_update"),
    validate_status_update=later("admissionregistration.policy_rules:validate_status_update"),
    generation=True,
)

VALIDATING_ADMISSION_POLICY_BINDING = Resource(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    singular="validatingadmissionpolicybinding",
    namespaced=False,
    schema=f"{_SCHEMA}.ValidatingAdmissionPolicyBinding",
    categories=("api-extensions",),
    columns=_BINDING_COLUMNS,
    row=_binding_row,
    validate_name=names.dns1123_subdomain,
    default=_default_binding,
    validate=later("admissionregistration.policy_rules:validate_validating_binding"),
    validate_update=later("admissionregistration.policy_rules:validate_validating_binding_update"),
    generation=True,
)

MUTATING_ADMISSION_POLICY = Resource(
    group=GROUP,
    version="v1",
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    singular="mutatingadmissionpolicy",
    namespaced=False,
    schema=f"{_SCHEMA}.MutatingAdmissionPolicy",
    categories=("api-extensions",),
    columns=(
        NAME_COLUMN,
        Column(
            "Mutations",
            "integer",
            description="Mutation indicates the number of mutations rules defined in this configuration",
        ),
        _PARAM_KIND,
        AGE_COLUMN,
    ),
    row=_mutating_row,
    validate_name=names.dns1123_subdomain,
    default=_default_policy,
    validate=later("admissionregistration.policy_rules:validate_mutating"),
    validate_update=later("admissionregistration.policy_rules:validate_mutating_update"),
    generation=True,
)

MUTATING_ADMISSION_POLICY_BINDING = Resource(
    group=GROUP,
    version="v1",
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    singular="mutatingadmissionpolicybinding",
    namespaced=False,
    schema=f"{_SCHEMA}.MutatingAdmissionPolicyBinding",
    categories=("api-extensions",),
    columns=_BINDING_COLUMNS,
    row=_binding_row,
    validate_name=names.dns1123_subdomain,
    default=_default_binding,
    validate=later("admissionregistration.policy_rules:validate_mutating_binding"),
    validate_update=later("admissionregistration.policy_rules:validate_mutating_binding_update"),
    generation=True,
)
