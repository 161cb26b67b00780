"""What webhook configurations and admission policies may say, in kube-apiserver's words."""

import copy

import pytest

from backend.resources.admissionregistration.admission_policy import (
    MUTATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
)
from backend.resources.admissionregistration.webhook_configuration import (
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
)

RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
WEBHOOK = {
    "name": "a.example.com", "clientConfig": {"url": "https://example.com/x"}, "rules": [RULE],
    "sideEffects": "None", "admissionReviewVersions": ["v1"],
}  # fmt: skip


def faults(kind, obj) -> list[str]:
    obj = {"metadata": {"name": "x"}, **copy.deepcopy(obj)}
    kind.default(obj)
    return [str(cause) for cause in kind.validate(obj)]


def of_webhook(**more) -> list[str]:
    return faults(VALIDATING_WEBHOOK_CONFIGURATION, {"webhooks": [{**WEBHOOK, **more}]})


def test_a_webhook_gets_kubernetes_defaults():
    obj = {"metadata": {"name": "x"}, "webhooks": [copy.deepcopy(WEBHOOK)]}
    obj["webhooks"][0]["clientConfig"] = {"service": {"name": "s", "namespace": "n"}}
    MUTATING_WEBHOOK_CONFIGURATION.default(obj)
    (webhook,) = obj["webhooks"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["matchPolicy"] == "Equivalent"
    assert webhook["timeoutSeconds"] == 10
    assert webhook["namespaceSelector"] == webhook["objectSelector"] == {}
    assert webhook["rules"][0]["scope"] == "*"
    assert webhook["reinvocationPolicy"] == "Never"
    assert webhook["clientConfig"]["service"]["port"] == 443
    assert not MUTATING_WEBHOOK_CONFIGURATION.validate(obj)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"name": ""}, "webhooks[0].name: Required value"),
        ({"name": "a.b"}, 'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments'
         " separated by dots"),
        ({"sideEffects": None},
         "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"),
        ({"sideEffects": "Some"},
         'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'),
        ({"timeoutSeconds": 31},
         "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"),
        ({"clientConfig": {}},
         "webhooks[0].clientConfig: Required value: exactly one of url or service is required"),
        ({"clientConfig": {"url": "http://example.com"}},
         "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired"
         " format: https://host[/path]"),
        ({"clientConfig": {"url": "https://u@example.com"}},
         'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL'),
        ({"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "x//y", "port": 443}}},
         'webhooks[0].clientConfig.service.path: Invalid value: "x//y": must start with a \'/\''),
        ({"admissionReviewVersions": []},
         "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1"),
        ({"admissionReviewVersions": ["v2"]},
         'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1'),
        ({"rules": [{**RULE, "operations": ["*", "CREATE"]}]},
         'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other'
         " operations"),
        ({"rules": [{**RULE, "operations": ["READ"]}]},
         'webhooks[0].rules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE",'
         ' "DELETE", "UPDATE"'),
        ({"rules": [{**RULE, "resources": ["pods/*", "pods/exec"]}]},
         'webhooks[0].rules[0].resources[1]: Invalid value: "pods/exec": if \'pods/*\' is present, must not specify'
         " pods/exec"),
        ({"matchConditions": [{"name": "a b", "expression": "true"}]}, "webhooks[0].matchConditions[0].name: Invalid"),
    ],
)  # fmt: skip
def test_faults_of_a_webhook(more, fault):
    assert of_webhook(**more)[0].startswith(fault)


def test_two_webhooks_have_two_names():
    found = faults(VALIDATING_WEBHOOK_CONFIGURATION, {"webhooks": [WEBHOOK, WEBHOOK]})
    assert found == ['webhooks[1].name: Duplicate value: "a.example.com"']


def policy(**spec):
    constraints = {"resourceRules": [RULE]}
    return {"spec": {"matchConstraints": constraints, "validations": [{"expression": "true"}], **spec}}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"matchConstraints": None}, "spec.matchConstraints: Required value"),
        ({"validations": []},
         "spec.validations: Required value: validations or auditAnnotations must contain at least one item"),
        ({"validations": [{"expression": "object.x"}]},
         'spec.validations[0].expression: Invalid value: "object.x": must evaluate to bool'),
        ({"validations": [{"expression": "params.x == 1"}]},
         'spec.validations[0].expression: Invalid value: "params.x == 1": compilation failed: ERROR'),
        ({"variables": [{"name": "for", "expression": "1"}]},
         'spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier'),
        ({"paramKind": {"apiVersion": "a/b/c", "kind": "X"}},
         'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'),
    ],
)  # fmt: skip
def test_faults_of_a_policy(spec, fault):
    assert faults(VALIDATING_ADMISSION_POLICY, policy(**spec))[0].startswith(fault)


def test_expressions_can_name_parameters_and_the_variables_before_them():
    variables = [
        {"name": "many", "expression": "object.spec.replicas > 3"},
        {"name": "bad", "expression": "variables.many && params.strict == true"},
    ]
    spec = policy(
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=variables,
        validations=[
            {"expression": "!variables.bad"},
            {"expression": "authorizer.group('').check('x').allowed()"},
        ],
    )
    assert faults(VALIDATING_ADMISSION_POLICY, spec) == []


def test_faults_of_a_mutating_policy():
    spec = policy(mutations=[{"patchType": "JSONPatch"}])
    assert faults(MUTATING_ADMISSION_POLICY, spec) == [
        "spec.reinvocationPolicy: Required value",
        "spec.mutations[0].jsonPatch: Required value: must be set when patchType is JSONPatch",
    ]


def test_faults_of_a_binding():
    spec = {"paramRef": {"name": "a", "selector": {}}, "validationActions": ["Deny", "Deny"]}
    assert faults(VALIDATING_ADMISSION_POLICY_BINDING, {"spec": spec}) == [
        "spec.policyName: Required value",
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.parameterNotFoundAction: Required value",
        'spec.validationActions[1]: Duplicate value: "Deny"',
    ]
