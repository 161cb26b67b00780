"""`minikctl config set-credentials`. Source: k8s.io/kubectl/pkg/cmd/config/set_credentials.go."""

from __future__ import annotations

import os
from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.config import embedding
from minikctl.commands.config.arguments import show_usage
from minikctl.commands.config.files import Files

_FILES = ("client-certificate", "client-key")
_MODES = ("IfAvailable", "Never", "Always")


def run(call: Invocation) -> int:
    if len(call.args) != 1:
        show_usage(call, "set-credentials")
        raise Failure(f"unexpected args: [{' '.join(call.args)}]")
    _validate(call)
    files = Files(call, call.flags["cluster"])
    name = call.args[0]
    user = _with_files(call, files.entries("users").get(name, {}))
    user = _with_provider(call, _with_secrets(call, user))
    files.put("users", name, _with_plugin(call, user))
    files.save()
    call.streams.out.write(f'User "{name}" set.\n')
    return 0


def _validate(call: Invocation) -> None:
    flags = call.flags
    methods = ["--token"] if flags["token"] else []
    methods += ["--username/--password"] if flags["username"] or flags["password"] else []
    if len(methods) > 1:
        text = ", ".join(methods)
        raise Failure(f"you cannot specify more than one authentication method at the same time: {text}")
    if flags["embed-certs"]:
        if not any(flags[name] for name in _FILES):
            raise Failure("you must specify a --client-certificate or --client-key to embed")
        for name in _FILES:
            if flags[name]:
                embedding.check_file(name, flags[name])
    if flags["exec-interactive-mode"] not in ("", *_MODES):
        raise Failure("invalid interactive mode type, can be only IfAvailable, Never, Always")


def _with_files(call: Invocation, user: dict[str, Any]) -> dict[str, Any]:
    changed = dict(user)
    for name in _FILES:
        path = call.flags[name]
        if name in call.changed:
            changed.pop(name, None)
            if path and call.flags["embed-certs"]:
                changed[f"{name}-data"] = embedding.encoded(path)
            elif path:
                changed[name] = os.path.abspath(path)
                changed.pop(f"{name}-data", None)
    return changed


def _with_secrets(call: Invocation, user: dict[str, Any]) -> dict[str, Any]:
    """A token takes a password's place, and the other way round."""
    flags = call.flags
    given: dict[str, Any] = {
        name: flags[name] for name in ("token", "username", "password") if name in call.changed
    }
    changed = {**user, **given}
    if given.get("token"):
        changed.update(username="", password="")
    elif given.get("username") or given.get("password"):
        changed["token"] = ""
    return {name: value for name, value in changed.items() if value != ""}


def _with_provider(call: Invocation, user: dict[str, Any]) -> dict[str, Any]:
    provider = dict(user.get("auth-provider") or {})
    if "auth-provider" in call.changed:
        if not call.flags["auth-provider"]:
            return {name: value for name, value in user.items() if name != "auth-provider"}
        if provider.get("name") != call.flags["auth-provider"]:
            provider = {}
        provider["name"] = call.flags["auth-provider"]
    values, removed = _pairs(call, "auth-provider-arg")
    if not provider:
        return user
    config = {**(provider.get("config") or {}), **values}
    return {
        **user,
        "auth-provider": {**provider, "config": {name: config[name] for name in config if name not in removed}},
    }


def _with_plugin(call: Invocation, user: dict[str, Any]) -> dict[str, Any]:
    """Nothing of a plugin is set unless there is one, or --exec-command makes one."""
    flags = call.flags
    plugin = dict(user.get("exec") or {})
    if flags["exec-command"]:
        plugin["command"] = flags["exec-command"]
    values, removed = _pairs(call, "exec-env")
    if not plugin:
        return user
    for flag, name in (("exec-api-version", "apiVersion"), ("exec-interactive-mode", "interactiveMode")):
        if flags[flag]:
            plugin[name] = flags[flag]
    if flags["exec-arg"]:
        plugin["args"] = flags["exec-arg"]
    if "exec-provide-cluster-info" in call.changed:
        plugin["provideClusterInfo"] = flags["exec-provide-cluster-info"]
    env = {one["name"]: one["value"] for one in plugin.get("env") or []}
    env = {name: value for name, value in {**env, **values}.items() if name not in removed}
    plugin["env"] = [{"name": name, "value": value} for name, value in env.items()] or None
    return {**user, "exec": plugin}


def _pairs(call: Invocation, flag: str) -> tuple[dict[str, str], set[str]]:
    """(`key=value` pairs, the keys of `key-`)."""
    values: dict[str, str] = {}
    removed: set[str] = set()
    for text in call.flags[flag]:
        key, equals, value = text.partition("=")
        if equals:
            values[key] = value
        elif text.endswith("-"):
            removed.add(text[:-1])
        else:
            show_usage(call, "set-credentials")
            raise Failure(f"invalid {flag} format: {text}")
    return values, removed


COMMAND = Command(
    use="set-credentials NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile]"
    " [--token=bearer_token] [--username=basic_user] [--password=basic_password] [--auth-provider=provider_name]"
    " [--auth-provider-arg=key=value] [--exec-command=exec_command] [--exec-api-version=exec_api_version]"
    " [--exec-arg=arg] [--exec-env=key=value]",
    short="Set a user entry in kubeconfig",
    long="Set a user entry in kubeconfig: a client certificate (--client-certificate and --client-key), a bearer token"
    " (--token) or a password (--username and --password), which exclude each other. What is not given stays as it"
    " is.",
    examples="""
  # The key of the user cluster-admin, and nothing else of it
  minikctl config set-credentials cluster-admin --client-key=admin.key

  # Put a certificate into the file
  minikctl config set-credentials cluster-admin --client-certificate=admin.crt --embed-certs=true

  # Ask a program for credentials
  minikctl config set-credentials cluster-admin --exec-command=/path/to/the/executable \\
    --exec-api-version=client.authentication.k8s.io/v1 --exec-interactive-mode=Never

  # Take a variable from that program's environment
  minikctl config set-credentials cluster-admin --exec-env=var-to-remove-""",
    run=run,
    flags=(
        Flag("auth-provider", "string", "", "Auth provider for the user entry in kubeconfig"),
        Flag("auth-provider-arg", "stringSlice", [], "'key=value' arguments for the auth provider"),
        Flag("embed-certs", "bool", False, "Embed client cert/key for the user entry in kubeconfig"),
        Flag(
            "exec-api-version", "string", "",
            "API version of the exec credential plugin for the user entry in kubeconfig",
        ),
        Flag(
            "exec-arg", "stringSlice", [],
            "New arguments for the exec credential plugin command for the user entry in kubeconfig",
        ),
        Flag(
            "exec-command", "string", "",
            "Command for the exec credential plugin for the user entry in kubeconfig",
        ),
        Flag("exec-env", "stringArray", [], "'key=value' environment values for the exec credential plugin"),
        Flag(
            "exec-interactive-mode", "string", "",
            "InteractiveMode of the exec credentials plugin for the user entry in kubeconfig",
        ),
        Flag(
            "exec-provide-cluster-info", "bool", False,
            "ProvideClusterInfo of the exec credentials plugin for the user entry in kubeconfig",
        ),
    ),
)  # fmt: skip
