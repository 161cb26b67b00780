"""`minikctl auth reconcile`. Source: k8s.io/kubectl/pkg/cmd/auth/reconcile.go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.auth.reconciliation import Reconciled, Wish, reconcile
from minikctl.commands.create import creating
from minikctl.commands.create.policy_rules import RBAC_GROUP
from minikctl.describe.policy_rules import go_list
from minikctl.output.printers import Printer, make_printer, output_flags

_KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def run(call: Invocation) -> int:
    flags = call.flags
    if not flags["filename"]:
        raise Failure("must specify one of -f and -k")
    if call.args:
        raise Failure("no arguments are allowed")
    strategy = creating.dry_run(call)
    if strategy == "server":
        raise Failure("--dry-run=server for command reconcile is not supported yet")
    printer = make_printer(flags, operation="reconciled", dry_run=strategy, typed=True)
    query = Query(filenames=flags["filename"], recursive=flags["recursive"], latest=False, local=True)
    errors: list[Exception] = []
    for info in stream(call.factory, query, errors):
        try:
            _reconcile(call, info, printer, confirm=strategy == "none")
        except (StatusError, Failure) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _reconcile(call: Invocation, info: Info, printer: Printer, *, confirm: bool) -> None:
    """What is of another kind is passed over."""
    group, _, version = str(info.object.get("apiVersion", "")).partition("/")
    kind = info.object.get("kind")
    if group != RBAC_GROUP or kind not in _KINDS:
        return
    if version != "v1":
        raise Failure(f"only {RBAC_GROUP}/v1 is supported: not *{version}.{kind}")
    flags = call.flags
    wish = Wish(info.object, flags["remove-extra-permissions"], flags["remove-extra-subjects"], confirm)
    _report(call, reconcile(call.factory.client, info.namespace, wish), printer)


def _report(call: Invocation, done: Reconciled, printer: Printer) -> None:
    printer.print(_in_struct_order(done.obj), call.streams.out)
    if done.operation == "none":
        return
    opted_out = ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)"
    lines = [f"reconciliation required {done.operation}{opted_out if done.protected else ''}"]
    flags = call.flags
    for title, shown, items in (
        ("missing subjects added", True, [_subject(each) for each in done.missing_subjects]),
        (
            "extra subjects removed",
            flags["remove-extra-subjects"],
            [_subject(each) for each in done.extra_subjects],
        ),
        ("missing rules added", True, [_rule(each) for each in done.missing_rules]),
        ("extra rules removed", flags["remove-extra-permissions"], [_rule(each) for each in done.extra_rules]),
    ):
        if shown and items:
            lines += [f"{title}:", *(f"\t{item}" for item in items)]
    call.streams.out.flush()
    call.streams.err.write("".join(f"\t{line}\n" for line in lines))


_RULE_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
_SUBJECT_FIELDS = ("kind", "apiGroup", "name", "namespace")


def _in_struct_order(obj: dict[str, Any]) -> dict[str, Any]:
    """With its keys as -o json shows those of kubectl's structs."""
    ordered = creating.in_struct_order(obj)
    for field, order in (("rules", _RULE_FIELDS), ("subjects", _SUBJECT_FIELDS)):
        if ordered.get(field):
            ordered[field] = [{name: item[name] for name in order if name in item} for item in ordered.pop(field)]
    if "roleRef" in ordered:
        reference = ordered.pop("roleRef")
        ordered["roleRef"] = {name: reference[name] for name in ("apiGroup", "kind", "name") if name in reference}
    return ordered


def _subject(subject: dict[str, str]) -> str:
    """As Go's %+v prints the struct."""
    fields = (("Kind", "kind"), ("APIGroup", "apiGroup"), ("Name", "name"), ("Namespace", "namespace"))
    return _struct((shown, subject.get(name, "")) for shown, name in fields)


def _struct(fields: Iterable[tuple[str, str]]) -> str:
    return f"{{{' '.join(f'{name}:{value}' for name, value in fields)}}}"


def _rule(rule: dict[str, Any]) -> str:
    fields = (
        ("Verbs", "verbs"), ("APIGroups", "apiGroups"), ("Resources", "resources"),
        ("ResourceNames", "resourceNames"), ("NonResourceURLs", "nonResourceURLs"),
    )  # fmt: skip
    return _struct((shown, go_list(rule.get(name))) for shown, name in fields)


COMMAND = Command(
    use="reconcile -f FILENAME",
    short="Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    long="Make roles and bindings allow what files say, and more if they already do.\n\n"
    "What is missing is created, its namespace included. Roles get the rules that they lack, and lose the others with"
    " --remove-extra-permissions; bindings get the subjects that they lack, and lose the others with"
    " --remove-extra-subjects. Rules are compared by what they allow, which 'apply' does not do.",
    examples="""
  # Roles and bindings from a file
  minikctl auth reconcile -f my-rbac-rules.yaml""",
    run=run,
    flags=(
        creating.DRY_RUN_FLAG,
        *output_flags(),
        shared_flags.filename("identifying the resource to reconcile."),
        shared_flags.RECURSIVE,
        Flag("remove-extra-permissions", "bool", False, "If true, removes extra permissions added to roles"),
        Flag("remove-extra-subjects", "bool", False, "If true, removes extra subjects added to rolebindings"),
    ),
)
