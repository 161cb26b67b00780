"""`minikctl set env`. Source: k8s.io/kubectl/pkg/cmd/set (set_env.go, env/env_parse.go)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.meta import names
from minikctl.client.builder import Info, collect
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.create.creating import dry_run
from minikctl.commands.set import env_values, setting
from minikctl.flags import go_quote
from minikctl.output.printers import make_printer

Obj = dict[str, Any]


class _Changes(NamedTuple):
    """The variables to set, each an EnvVar, and the names to remove."""

    set: list[Obj]
    remove: list[str]


def run(call: Invocation) -> int:
    flags = call.flags
    setting.check_all(call)
    resources, words = _split(call.args)
    make_printer(flags, dry_run=dry_run(call))
    setting.check_local(call)
    if not flags["filename"] and not resources:
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if flags["list"] and flags["output"]:
        raise Failure("--list and --output may not be specified together")
    if flags["keys"] and not flags["from"]:
        raise Failure("when specifying --keys, a configmap or secret must be provided with --from")
    changes = _parse(call, [*flags["env"], *words])
    if flags["from"]:
        changes.set.extend(_imported(call))
    if flags["prefix"]:
        changes = changes._replace(set=[{**one, "name": flags["prefix"] + one["name"]} for one in changes.set])
    infos = setting.find(call, () if flags["local"] else resources)
    if flags["list"]:
        for info in infos:
            try:
                template_changes.changed(info, lambda after: _change(call, after, changes))
            except Failure:
                continue  # As kubectl, which lists what it can and says no more.
        return 0
    return setting.change_all(
        call,
        infos,
        lambda after: _change(call, after, changes),
        done="env updated",
        failed="failed to patch env update to pod template: ",
    )


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """(resources, changes of variables)."""
    first = next((at for at, word in enumerate(args) if _is_change(word)), len(args))
    if not all(_is_change(word) for word in args[first:]):
        raise Failure(f"all resources must be specified before environment changes: {' '.join(args)}")
    return list(args[:first]), list(args[first:])


def _is_change(word: str) -> bool:
    return word.endswith("-") or word.find("=") > 0


def _parse(call: Invocation, words: Sequence[str]) -> _Changes:
    """KEY=VALUE, KEY-, and `-` for what stdin has."""
    changes = _Changes([], [])
    given = set()
    for word in words:
        name, equals, value = word.partition("=")
        if word == "-":
            changes.set.extend(_from_lines(call.streams.stdin.read()))
        elif equals:
            faults = names.env_var_name(name)
            if faults:
                raise Failure(f"{go_quote(name)} is not a valid key name: {';'.join(faults)}")
            given.add(name)
            changes.set.append(_variable(name, value))
        elif word.endswith("-"):
            changes.remove.append(word[:-1])
        else:
            raise Failure(f"unknown environment variable: {word}")
    if given.intersection(changes.remove):
        raise Failure("can not both modify and remove the same environment variable in the same command")
    return changes


def _from_lines(text: str) -> list[Obj]:
    lines = (line.partition("#")[0].partition("=") for line in text.splitlines())
    return [_variable(name, value) for name, equals, value in lines if equals]


def _variable(name: str, value: str) -> Obj:
    return {"name": name, "value": value} if value else {"name": name}


def _imported(call: Invocation) -> list[Obj]:
    """A variable for each key of what --from names."""
    flags, made = call.flags, []
    for info in collect(call.factory, setting.query(call, [flags["from"]])).check():
        reference = {"Secret": "secretKeyRef", "ConfigMap": "configMapKeyRef"}.get(info.mapping.kind)
        if reference is None or info.mapping.group:
            raise Failure("unsupported resource specified in --from")
        for key in sorted(info.object.get("data") or {}):
            if not flags["keys"] or key in flags["keys"]:
                name = re.sub("[^a-zA-Z0-9_]", "_", key).upper()
                if name != key:
                    call.streams.err.write(f"Warning: key {key} transferred to {name}\n")
                made.append({"name": name, "valueFrom": {reference: {"name": info.name, "key": key}}})
    return made


def _change(call: Invocation, info: Info, changes: _Changes) -> None:
    """Change the variables of the chosen containers, and list them if that is asked for."""
    flags, spec = call.flags, template_changes.pod_spec(info)
    pattern = flags["containers"]
    chosen = [
        *setting.select(spec.get("containers"), pattern),
        *setting.select(spec.get("initContainers"), pattern),
    ]
    if not chosen:
        call.streams.err.write(
            f"Warning: {info.mapping.kind}/{info.name} does not have any containers matching {go_quote(pattern)}\n"
        )
    resolved = True
    for container in chosen:
        present = container.get("env") or []
        if not flags["overwrite"]:
            _check_overwrites(present, changes.set)
        variables = _updated(present, changes)
        if variables:
            container["env"] = variables
        else:
            container.pop("env", None)
        if flags["list"]:
            resolved &= env_values.show(call, info, container)
    if not resolved:
        raise Failure("failed to retrieve valueFrom references")


def _check_overwrites(present: Sequence[Obj], given: Sequence[Obj]) -> None:
    old = {one["name"]: one.get("value", "") for one in reversed(present)}
    for one in given:
        name = one["name"]
        if name in old and old[name] != one.get("value", ""):
            raise Failure(f"'{name}' already has a value ({old[name]}), and --overwrite is false")


def _updated(present: Sequence[Obj], changes: _Changes) -> list[Obj]:
    """The variables after the changes: those that are there keep their places."""
    new = {one["name"]: one for one in reversed(changes.set)}
    kept = [one for one in present if one["name"] not in changes.remove]
    made = [new.pop(one["name"], one) for one in kept]
    added = dict.fromkeys(one["name"] for one in changes.set)
    return made + [new[name] for name in added if name in new and name not in changes.remove]


COMMAND = Command(
    use="env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
    short="Update environment variables on a pod template",
    long="Set, remove or list the environment variables of containers, in pods or pod templates.\n\n"
    "With --env - they are read from stdin, one KEY=VALUE a line. Resources may be pods, replication controllers,"
    " deployments, daemon sets, stateful sets, cron jobs and replica sets.",
    examples="""
  # Set a variable
  minikctl set env deployment/registry STORAGE_DIR=/local

  # List those of a deployment
  minikctl set env deployment/sample-build --list

  # List those of all pods
  minikctl set env pods --all --list

  # Show the deployment that it becomes
  minikctl set env deployment/sample-build STORAGE_DIR=/data -o yaml

  # In all containers of all replication controllers
  minikctl set env rc --all ENV=prod

  # From a secret
  minikctl set env --from=secret/mysecret deployment/myapp

  # From a config map, with a prefix
  minikctl set env --from=configmap/myconfigmap --prefix=MYSQL_ deployment/myapp

  # One key of a config map
  minikctl set env --keys=my-example-key --from=configmap/myconfigmap deployment/myapp

  # Remove a variable from the container c1 of all deployments
  minikctl set env deployments --all --containers="c1" ENV-

  # Remove it from what a file names
  minikctl set env -f deploy.json ENV-

  # Some of this shell's
  env | grep RAILS_ | minikctl set env -e - deployment/registry""",
    run=run,
    flags=(
        *(
            flag
            for flag in setting.set_flags("env", "Filename, directory, or URL to files the resource to update the env")
            if flag.name != "all"
        ),
        Flag("all", "bool", False, "If true, select all resources in the namespace of the specified resource types"),
        setting.CONTAINERS_FLAG._replace(
            usage="The names of containers in the selected pod templates to change - may use wildcards"
        ),
        Flag(
            "env", "stringArray", [], short="e", usage=
            "Specify a key-value pair for an environment variable to set into each container.",
        ),
        setting.FIELD_MANAGER_FLAG,
        Flag("from", "string", "", "The name of a resource from which to inject environment variables"),
        Flag("keys", "stringSlice", [], "Comma-separated list of keys to import from specified resource"),
        Flag(
            "list", "bool", False,
            "If true, display the environment and any changes in the standard format. this flag will removed when we"
            " have kubectl view env.",
        ),
        Flag(
            "overwrite", "bool", True,
            "If true, allow environment to be overwritten, otherwise reject updates that overwrite existing"
            " environment.",
        ),
        Flag("prefix", "string", "", "Prefix to append to variable names"),
        Flag("resolve", "bool", False, "If true, show secret or configmap references when listing variables"),
        shared_flags.SELECTOR,
    ),
)  # fmt: skip
