"""`minikctl create clusterrole`. Source: k8s.io/kubectl/pkg/cmd/create/create_clusterrole.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands.create import creating, policy_rules
from minikctl.commands.create.policy_rules import RBAC_GROUP, Asked
from minikctl.flags import go_quote

CLUSTER_ROLES = ResourceMapping(RBAC_GROUP, "v1", "clusterroles", "ClusterRole", False, "clusterrole")

_URL_VERBS = frozenset(("*", "get", "post", "put", "delete", "patch", "head", "options"))


def run(call: Invocation) -> int:
    selected = _labels(call)
    urls = [*dict.fromkeys(call.flags["non-resource-url"])]
    name = creating.single_name(call)
    creating.check_flags(call)
    meta = creating.metadata(call, name, namespaced=False)
    wanted = policy_rules.asked(call)
    role: dict[str, Any] = {"kind": "ClusterRole", "apiVersion": f"{RBAC_GROUP}/v1", "metadata": meta}
    if selected:
        if urls or any(wanted):
            raise Failure(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames"
            )
        labels = {key: selected[key] for key in sorted(selected)}
        role |= {"rules": None, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": labels}]}}
    else:
        _check(call, wanted, urls)
        role["rules"] = policy_rules.rules(call, wanted, urls)
    return creating.create(call, CLUSTER_ROLES, role, _failure)


def _labels(call: Invocation) -> dict[str, str]:
    """The pairs of --aggregation-rule. Source: MapStringString of k8s.io/component-base/cli/flag."""
    found: dict[str, str] = {}
    for given in call.flags["aggregation-rule"]:
        for pair in filter(None, given.split(",")):
            key, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(
                    f'error: invalid argument {go_quote(given)} for "--aggregation-rule" flag: malformed pair, expect'
                    " string=string\nSee 'minikctl create clusterrole --help' for usage."
                )
            found[key.strip()] = value.strip()
    return found


def _check(call: Invocation, wanted: Asked, urls: list[str]) -> None:
    if not wanted.verbs:
        raise Failure("at least one verb must be specified")
    if not wanted.targets and not urls:
        raise Failure("one of resource or nonResourceURL must be specified")
    if wanted.targets:
        policy_rules.warn_of_verbs(call, wanted.verbs)
        policy_rules.check_targets(call, wanted)
    if urls:
        for verb in wanted.verbs:
            if verb not in _URL_VERBS:
                raise Failure(f"invalid verb: '{verb}' for nonResourceURL")
    for url in urls:
        if url == "*":
            continue
        if not url.startswith("/"):
            raise Failure("nonResourceURL should start with /")
        if "*" in url[:-1]:
            raise Failure("nonResourceURL only supports wildcard matches when '*' is at the end")


def _failure(error: StatusError) -> Exception:
    return error


COMMAND = Command(
    use="clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename]"
    " [--dry-run=server|client|none]",
    short="Create a cluster role",
    long="Create a cluster role.",
    examples="""
  # Whoever has the role may read pods
  minikctl create clusterrole pod-reader --verb=get,list,watch --resource=pods

  # Two names only
  minikctl create clusterrole pod-reader --verb=get --resource=pods --resource-name=one-pod --resource-name=another-pod

  # A subresource
  minikctl create clusterrole foo --verb=get,list,watch --resource=pods,pods/status

  # Paths that are no resources
  minikctl create clusterrole foo --verb=get --non-resource-url=/logs/*

  # The rules of all cluster roles with a label
  minikctl create clusterrole monitoring --aggregation-rule="rbac.example.com/aggregate-to-monitoring=true"
""".rstrip(),
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        *policy_rules.RULE_FLAGS,
        Flag("aggregation-rule", "stringArray", [], "An aggregation label selector for combining ClusterRoles."),
        Flag("non-resource-url", "stringSlice", [], "A partial url that user should have access to."),
    ),
)
