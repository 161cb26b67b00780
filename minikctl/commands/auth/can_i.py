"""`minikctl auth can-i`. Source: k8s.io/kubectl/pkg/cmd/auth/cani.go."""

from __future__ import annotations

from typing import Any, NamedTuple

from minikctl.client.errors import Failure, NoResourceMatch
from minikctl.command import Command, Flag, Invocation
from minikctl.describe import policy_rules
from minikctl.output.tabwriter import TabWriter

_API = "/apis/authorization.k8s.io/v1"
_VERBS = frozenset(
    ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use", "bind", "impersonate",
     "*", "approve", "sign", "escalate", "attest")
)  # fmt: skip
_URL_VERBS = frozenset(("get", "put", "post", "head", "options", "delete", "patch", "*"))
_NOT_DISCOVERED = frozenset(("users", "groups"))


class _Resource(NamedTuple):
    """What is asked about. `namespaced` is None where the server does not know the resource."""

    resource: str
    group: str = ""
    namespaced: bool | None = None


def run(call: Invocation) -> int:
    return _list(call) if call.flags["list"] else _ask(call)


def _list(call: Invocation) -> int:
    flags = call.flags
    if call.args:
        raise Failure("list option must be specified with no arguments")
    if flags["quiet"] or flags["all-namespaces"] or flags["subresource"]:
        raise Failure("list option can't be specified with neither quiet, all-namespaces nor subresource options")
    status = _review(call, "SelfSubjectRulesReview", {"namespace": call.factory.namespace})
    if status.get("incomplete"):
        call.streams.err.write(f"Warning: the list may be incomplete: {status.get('evaluationError', '')}\n")
    writer = TabWriter(call.streams.out)
    if not flags["no-headers"]:
        writer.row(policy_rules.COLUMNS)
    rules = [*(status.get("resourceRules") or ()), *(status.get("nonResourceRules") or ())]
    for row in policy_rules.rows(rules):
        writer.row(row)
    writer.flush()
    return 0


def _ask(call: Invocation) -> int:
    if len(call.args) != 2:
        raise Failure(
            "you must specify two arguments: verb resource or verb resource/resourceName.\n"
            "See 'minikctl auth can-i -h' for help and examples."
        )
    verb, what = call.args
    spec = _url_spec(call, verb, what) if what.startswith("/") else _resource_spec(call, verb, what)
    if call.flags["no-headers"]:
        raise Failure("--no-headers cannot be set without --list specified")
    status = _review(call, "SelfSubjectAccessReview", spec)
    if not call.flags["quiet"]:
        reasons = (status.get("reason"), status.get("evaluationError"))
        why = "" if status["allowed"] else "".join(f" - {reason}" for reason in reasons if reason)
        call.streams.out.write(f"{'yes' if status['allowed'] else 'no'}{why}\n")
    return 0 if status["allowed"] else 1


def _url_spec(call: Invocation, verb: str, url: str) -> dict[str, Any]:
    if call.flags["subresource"]:
        raise Failure("--subresource can not be used with NonResourceURL")
    if verb not in _URL_VERBS:
        _warn(call, f"verb '{verb}' is not a known verb")
    return {"nonResourceAttributes": {"path": url, "verb": verb}}


def _resource_spec(call: Invocation, verb: str, what: str) -> dict[str, Any]:
    typed, _, name = what.partition("/")
    resource = _find(call, typed)
    everywhere = call.flags["all-namespaces"]
    if resource.resource and not everywhere:
        if resource.namespaced is False:
            where = f" in group '{resource.group}'" if resource.group else ""
            _warn(call, f"resource '{resource.resource}' is not namespace scoped{where}")
        if verb not in _VERBS:
            _warn(call, f"verb '{verb}' is not a known verb")
    attributes = {
        "namespace": "" if everywhere else call.factory.namespace, "verb": verb, "group": resource.group,
        "resource": resource.resource, "subresource": call.flags["subresource"], "name": name,
    }  # fmt: skip
    return {"resourceAttributes": {key: value for key, value in attributes.items() if value}}


def _find(call: Invocation, typed: str) -> _Resource:
    """What the server has no resource for is asked about as typed, with a warning."""
    if typed == "*":
        return _Resource("*", namespaced=True)
    try:
        mapping = call.factory.mapper.find(typed)
        return _Resource(mapping.resource, mapping.group, mapping.namespaced)
    except NoResourceMatch:
        resource, _, group = typed.lower().partition(".")
        if group or resource not in _NOT_DISCOVERED:
            where = f" in group '{group}'" if group else ""
            _warn(call, f"the server doesn't have a resource type '{resource}'{where}")
        return _Resource(typed)


def _review(call: Invocation, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    review = {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec}
    answer = call.factory.client.request("POST", f"{_API}/{kind.lower()}s", body=review)
    status: dict[str, Any] = answer["status"]
    return status


def _warn(call: Invocation, text: str) -> None:
    """kubectl ends these texts with a newline of their own."""
    call.streams.err.write(f"Warning: {text}\n\n")


COMMAND = Command(
    use="can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
    short="Check whether an action is allowed",
    long="Check whether an action is allowed.\n\n"
    "VERB is a verb of the API, such as get, list or delete. TYPE is a resource, which may be shortened or have its"
    " group behind it. NONRESOURCEURL begins with a slash. With --as it tells of somebody else.",
    examples="""
  # Pods in any namespace
  minikctl auth can-i create pods --all-namespaces

  # Deployments in this namespace
  minikctl auth can-i list deployments.apps

  # What a service account may do in another namespace
  minikctl auth can-i list pods --as=system:serviceaccount:dev:foo -n prod

  # Everything in this namespace
  minikctl auth can-i '*' '*'

  # One job
  minikctl auth can-i list jobs.batch/bar -n foo

  # Pods' logs
  minikctl auth can-i get pods --subresource=log

  # A URL
  minikctl auth can-i get /logs/

  # All that is allowed in a namespace
  minikctl auth can-i --list --namespace=foo""",
    run=run,
    flags=(
        Flag("all-namespaces", "bool", False, "If true, check the specified action in all namespaces.", short="A"),
        Flag("list", "bool", False, "If true, prints all allowed actions."),
        Flag("no-headers", "bool", False, "If true, prints allowed actions without headers"),
        Flag("quiet", "bool", False, "If true, suppress output and just return the exit code.", short="q"),
        Flag("subresource", "string", "", "SubResource such as pod/log or deployment/scale"),
    ),
)
