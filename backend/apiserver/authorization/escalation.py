"""Nobody gives away what they do not have: roles and bindings may hold only what their author may do.

Whoever may `escalate` a role, or `bind` one, may give more. Sources: pkg/registry/rbac/escalation_check.go,
pkg/registry/rbac/*/policybased/storage.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.apiserver.admission.attributes import Attributes as Admission
from backend.apiserver.admission.attributes import Operation
from backend.apiserver.authorization.attributes import MASTERS, Attributes
from backend.apiserver.authorization.rbac import RbacAuthorizer
from backend.meta import errors
from backend.meta.causes import go_quote
from backend.meta.policy_rules import ALL, compacted, lacking
from backend.meta.types import Obj, User
from backend.resources.rbac.roles import CLUSTER_ROLE, GROUP, ROLE
from backend.resources.resource import Resource

_EVERYTHING = (
    {"verbs": [ALL], "apiGroups": [ALL], "resources": [ALL]},
    {"verbs": [ALL], "nonResourceURLs": [ALL]},
)
_OWNED_BY_COLLECTOR = ("ownerReferences", "finalizers", "managedFields")
_FIELDS = (
    ("apiGroups", "APIGroups"), ("resources", "Resources"), ("nonResourceURLs", "NonResourceURLs"),
    ("resourceNames", "ResourceNames"), ("verbs", "Verbs"),
)  # fmt: skip


class EscalationCheck:
    """An admission plugin, the last: it looks at what the others left, before the object is validated."""

    def handles(self, operation: Operation, resource: Resource, _subresource: str) -> bool:
        return resource.group == GROUP and operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: Admission) -> None:
        user = attributes.call.request.user
        if MASTERS in user.groups or _is_collection_of_garbage(attributes):
            return
        if attributes.resource.plural in (ROLE.plural, CLUSTER_ROLE.plural):
            _check_role(user, attributes)
        else:
            _check_binding(user, attributes)


def _check_role(user: User, attributes: Admission) -> None:
    resource, request, role = attributes.resource, attributes.call.request, attributes.new
    rbac = attributes.call.server.authorizer.rbac
    wanted = Attributes(user, "escalate", GROUP, resource.plural, "", request.namespace, request.name)
    if rbac.authorize(wanted).allowed:
        return
    name = role["metadata"].get("name", "")
    missing = _missing(rbac, user, request.namespace, role.get("rules") or ())
    if missing:
        raise errors.forbidden(resource.qualified, name, missing)
    aggregates = role.get("aggregationRule") or (attributes.old or {}).get("aggregationRule")
    if aggregates and _missing(rbac, user, "", _EVERYTHING):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise errors.forbidden(resource.qualified, name, why)


def _check_binding(user: User, attributes: Admission) -> None:
    binding, namespace = attributes.new, attributes.call.request.namespace
    rbac = attributes.call.server.authorizer.rbac
    reference = binding.get("roleRef") or {}
    plural = {ROLE.kind: ROLE.plural, CLUSTER_ROLE.kind: CLUSTER_ROLE.plural}.get(reference.get("kind", ""))
    name = reference.get("name")
    if plural is None or not name:
        return  # validation says so
    if rbac.authorize(Attributes(user, "bind", GROUP, plural, "", namespace, name)).allowed:
        return
    missing = _missing(rbac, user, namespace, rbac.policy.rules_of(reference, namespace))
    if missing:
        raise errors.forbidden(attributes.resource.qualified, binding["metadata"].get("name", ""), missing)


def _missing(rbac: RbacAuthorizer, user: User, namespace: str, wanted: Iterable[Obj]) -> str:
    """Which of the wanted rules `user` does not have, as a refusal says it; "" if there are none."""
    grants, faults = rbac.rules(user, namespace)
    held = [grant.rule.source for grant in grants]
    missing = lacking(held, wanted)
    if not missing:
        return ""
    described = "\n".join(sorted({_described(rule) for rule in compacted(missing)}))
    who = f"user {go_quote(user.name)} (groups={_quoted(user.groups)})"
    text = f"{who} is attempting to grant RBAC permissions not currently held:\n{described}"
    return f"{text}; resolution errors: [{' '.join(faults)}]" if faults else text


def _is_collection_of_garbage(attributes: Admission) -> bool:
    """Whether an update changes only what the garbage collector changes, who need not have the role's rules."""
    if attributes.old is None:
        return False
    return _essentials(attributes.new) == _essentials(attributes.old)


def _essentials(obj: Obj) -> Obj:
    meta = {name: value for name, value in obj["metadata"].items() if name not in _OWNED_BY_COLLECTOR}
    return {**obj, "metadata": meta}


def _described(rule: Obj) -> str:
    return f"{{{', '.join(f'{shown}:{_quoted(rule[field])}' for field, shown in _FIELDS if rule.get(field))}}}"


def _quoted(texts: Sequence[str]) -> str:
    """A list of strings as Go's %q prints it."""
    return f"[{' '.join(map(go_quote, texts))}]"
