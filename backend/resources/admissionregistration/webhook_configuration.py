"""admissionregistration.k8s.io/v1 webhook configurations: who else is asked before something is stored.

Sources: pkg/registry/admissionregistration/{mutating,validating}webhookconfiguration/strategy.go, and defaults.go of
pkg/apis/admissionregistration/v1.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

GROUP = "admissionregistration.k8s.io"
_COLUMNS = (
    NAME_COLUMN,
    Column(
        "Webhooks",
        "integer",
        description="Webhooks indicates the number of webhooks registered in this configuration",
    ),
    AGE_COLUMN,
)


def default_rules(rules: list[Obj] | None) -> None:
    for rule in rules or ():
        if rule.get("scope") is None:
            rule["scope"] = "*"


def _default_webhook(webhook: Obj) -> None:
    for name, value in (("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"), ("timeoutSeconds", 10)):
        if webhook.get(name) is None:
            webhook[name] = value
    for name in ("namespaceSelector", "objectSelector"):
        if webhook.get(name) is None:
            webhook[name] = {}
    default_rules(webhook.get("rules"))
    client = webhook.setdefault("clientConfig", {})
    service = client.get("service")
    if service is not None and service.get("port") is None:
        service["port"] = 443


def _default_validating(configuration: Obj) -> None:
    for webhook in configuration.get("webhooks") or ():
        _default_webhook(webhook)


def _default_mutating(configuration: Obj) -> None:
    for webhook in configuration.get("webhooks") or ():
        _default_webhook(webhook)
        if webhook.get("reinvocationPolicy") is None:
            webhook["reinvocationPolicy"] = "Never"


def _webhooks(configuration: Obj) -> Any:
    return configuration.get("webhooks")


def _row(configuration: Obj, now: float) -> list[Any]:
    count = len(configuration.get("webhooks") or ())
    return [configuration["metadata"]["name"], count, cells.age(configuration, now)]


VALIDATING_WEBHOOK_CONFIGURATION = Resource(
    group=GROUP,
    version="v1",
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    singular="validatingwebhookconfiguration",
    namespaced=False,
    schema="io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
    categories=("api-extensions",),
    columns=_COLUMNS,
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default_validating,
    validate=later("admissionregistration.webhook_rules:validate_validating"),
    validate_update=later("admissionregistration.webhook_rules:validate_validating_update"),
    generation=True,
    counted=_webhooks,
)

MUTATING_WEBHOOK_CONFIGURATION = Resource(
    group=GROUP,
    version="v1",
    kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations",
    singular="mutatingwebhookconfiguration",
    namespaced=False,
    schema="io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
    categories=("api-extensions",),
    columns=_COLUMNS,
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default_mutating,
    validate=later("admissionregistration.webhook_rules:validate_mutating"),
    validate_update=later("admissionregistration.webhook_rules:validate_mutating_update"),
    generation=True,
    counted=_webhooks,
)
