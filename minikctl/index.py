"""Which module has which command: read to run one command without importing the others."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from minikctl.command import Command


class Group(NamedTuple):
    """A word that only has commands under it (`create secret`). `helps`: alone it is a way to get help, no misuse."""

    short: str
    long: str = ""
    helps: bool = False


COMMANDS: dict[str, str | Group] = {
    "annotate": "minikctl.commands.annotate",
    "api-resources": "minikctl.commands.api_resources",
    "api-versions": "minikctl.commands.api_versions",
    "apply": "minikctl.commands.apply.from_file",
    "apply edit-last-applied": "minikctl.commands.apply.edit_last_applied",
    "apply set-last-applied": "minikctl.commands.apply.set_last_applied",
    "apply view-last-applied": "minikctl.commands.apply.view_last_applied",
    "attach": "minikctl.commands.attach",
    "autoscale": "minikctl.commands.autoscale",
    "auth": Group("Inspect authorization"),
    "auth can-i": "minikctl.commands.auth.can_i",
    "auth reconcile": "minikctl.commands.auth.reconcile",
    "auth whoami": "minikctl.commands.auth.whoami",
    "certificate": Group("Modify certificate resources", "Modify certificate resources.", helps=True),
    "certificate approve": "minikctl.commands.certificate.approve",
    "certificate deny": "minikctl.commands.certificate.deny",
    "cluster": Group("Start, stop and look after the local cluster"),
    "cluster delete": "minikctl.commands.cluster.delete",
    "cluster kubeconfig": "minikctl.commands.cluster.kubeconfig",
    "cluster list": "minikctl.commands.cluster.list",
    "cluster logs": "minikctl.commands.cluster.logs",
    "cluster rotate-key": "minikctl.commands.cluster.rotate_key",
    "cluster start": "minikctl.commands.cluster.start",
    "cluster status": "minikctl.commands.cluster.status",
    "cluster stop": "minikctl.commands.cluster.stop",
    "cluster-info": "minikctl.commands.cluster_info",
    "completion": "minikctl.commands.completion",
    "config": Group(
        "Modify kubeconfig files",
        'Modify kubeconfig files with commands such as "minikctl config set current-context my-context".\n\n'
        "The file is the one that --kubeconfig names, else those of $MINIKCTL_KUBECONFIG (a list, as $PATH is), else"
        " the local cluster's own. Of several files the one that has an entry is changed; what is new goes to the first"
        " that exists.",
    ),
    "config current-context": "minikctl.commands.config.current_context",
    "config delete-cluster": "minikctl.commands.config.delete_cluster",
    "config delete-context": "minikctl.commands.config.delete_context",
    "config delete-user": "minikctl.commands.config.delete_user",
    "config get-clusters": "minikctl.commands.config.get_clusters",
    "config get-contexts": "minikctl.commands.config.get_contexts",
    "config get-users": "minikctl.commands.config.get_users",
    "config rename-context": "minikctl.commands.config.rename_context",
    "config set": "minikctl.commands.config.set",
    "config set-cluster": "minikctl.commands.config.set_cluster",
    "config set-context": "minikctl.commands.config.set_context",
    "config set-credentials": "minikctl.commands.config.set_credentials",
    "config unset": "minikctl.commands.config.unset",
    "config use-context": "minikctl.commands.config.use_context",
    "config view": "minikctl.commands.config.view",
    "cordon": "minikctl.commands.cordon",
    "create": "minikctl.commands.create.from_file",
    "create clusterrole": "minikctl.commands.create.clusterrole",
    "create clusterrolebinding": "minikctl.commands.create.clusterrolebinding",
    "create configmap": "minikctl.commands.create.configmap",
    "create cronjob": "minikctl.commands.create.cronjob",
    "create deployment": "minikctl.commands.create.deployment",
    "create ingress": "minikctl.commands.create.ingress",
    "create job": "minikctl.commands.create.job",
    "create namespace": "minikctl.commands.create.namespace",
    "create poddisruptionbudget": "minikctl.commands.create.poddisruptionbudget",
    "create priorityclass": "minikctl.commands.create.priorityclass",
    "create quota": "minikctl.commands.create.quota",
    "create role": "minikctl.commands.create.role",
    "create rolebinding": "minikctl.commands.create.rolebinding",
    "create secret": Group(
        "Create a secret using a specified subcommand",
        "Create a secret of a given type: for a container registry (docker-registry), for anything (generic), or for"
        " a certificate and its key (tls).",
    ),
    "create secret docker-registry": "minikctl.commands.create.secret_docker_registry",
    "create secret generic": "minikctl.commands.create.secret_generic",
    "create secret tls": "minikctl.commands.create.secret_tls",
    "create service": Group(
        "Create a service using a specified subcommand",
        "Create a service of a given type, for the pods with the label app=NAME.",
    ),
    "create service clusterip": "minikctl.commands.create.service_clusterip",
    "create service externalname": "minikctl.commands.create.service_externalname",
    "create service loadbalancer": "minikctl.commands.create.service_loadbalancer",
    "create service nodeport": "minikctl.commands.create.service_nodeport",
    "create serviceaccount": "minikctl.commands.create.serviceaccount",
    "create token": "minikctl.commands.create.token",
    "cp": "minikctl.commands.cp",
    "delete": "minikctl.commands.delete",
    "describe": "minikctl.commands.describe",
    "diff": "minikctl.commands.diff",
    "drain": "minikctl.commands.drain",
    "edit": "minikctl.commands.edit",
    "events": "minikctl.commands.events",
    "exec": "minikctl.commands.exec",
    "explain": "minikctl.commands.explain",
    "expose": "minikctl.commands.expose",
    "get": "minikctl.commands.get",
    "label": "minikctl.commands.label",
    "logs": "minikctl.commands.logs",
    "options": "minikctl.commands.options",
    "patch": "minikctl.commands.patch",
    "port-forward": "minikctl.commands.port_forward",
    "proxy": "minikctl.commands.proxy",
    "replace": "minikctl.commands.replace",
    "rollout": Group(
        "Manage the rollout of a resource",
        "Manage the rollout of deployments, daemon sets and stateful sets.",
    ),
    "rollout history": "minikctl.commands.rollout.history",
    "rollout pause": "minikctl.commands.rollout.pause",
    "rollout restart": "minikctl.commands.rollout.restart",
    "rollout resume": "minikctl.commands.rollout.resume",
    "rollout status": "minikctl.commands.rollout.status",
    "rollout undo": "minikctl.commands.rollout.undo",
    "run": "minikctl.commands.run",
    "scale": "minikctl.commands.scale",
    "service": "minikctl.commands.service",
    "set": Group("Set specific features on objects", "Change what is often changed of resources."),
    "set env": "minikctl.commands.set.env",
    "set image": "minikctl.commands.set.image",
    "set resources": "minikctl.commands.set.resources",
    "set selector": "minikctl.commands.set.selector",
    "set serviceaccount": "minikctl.commands.set.serviceaccount",
    "set subject": "minikctl.commands.set.subject",
    "top": Group(
        "Display resource (CPU/memory) usage",
        "Display resource (CPU/memory) usage: what nodes and pods use now, as the metrics API measures it.",
    ),
    "top node": "minikctl.commands.top.node",
    "top pod": "minikctl.commands.top.pod",
    "taint": "minikctl.commands.taint",
    "uncordon": "minikctl.commands.uncordon",
    "version": "minikctl.commands.version",
    "wait": "minikctl.commands.wait",
}
"""Path -> the module whose COMMAND it is, or a Group."""

ALIASES = {
    "cluster ls": "cluster list",
    "config use": "config use-context",
    "create cj": "create cronjob",
    "create cm": "create configmap",
    "create deploy": "create deployment",
    "create ing": "create ingress",
    "create pc": "create priorityclass",
    "create pdb": "create poddisruptionbudget",
    "create resourcequota": "create quota",
    "create svc": "create service",
    "create ns": "create namespace",
    "create sa": "create serviceaccount",
    "log": "logs",
    "top no": "top node",
    "top nodes": "top node",
    "top po": "top pod",
    "top pods": "top pod",
    "set sa": "set serviceaccount",
}

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Basic Commands (Beginner):", ("create", "expose", "run", "set")),
    ("Basic Commands (Intermediate):", ("explain", "get", "edit", "delete")),
    ("Deploy Commands:", ("rollout", "scale", "autoscale")),
    (
        "Cluster Management Commands:",
        ("certificate", "cluster", "cluster-info", "top", "cordon", "uncordon", "drain", "taint"),
    ),
    (
        "Troubleshooting and Debugging Commands:",
        ("describe", "logs", "attach", "exec", "port-forward", "proxy", "service", "cp", "auth", "events"),
    ),
    ("Advanced Commands:", ("diff", "apply", "patch", "replace", "wait")),
    ("Settings Commands:", ("label", "annotate", "completion")),
    ("Other Commands:", ("api-resources", "api-versions", "config", "version")),
)
"""The root help's groups of commands, in kubectl's order."""

HIDDEN = frozenset({"options"})


def load(path: str) -> Command:
    """The command at `path`, its module imported. KeyError for an unknown path; a Group is none."""
    place = COMMANDS[path]
    assert isinstance(place, str)
    command: Command = import_module(place).COMMAND
    return command


def children(path: str) -> list[str]:
    """The words that may follow `path` ("" for the root), sorted; without aliases and hidden commands."""
    prefix = f"{path} " if path else ""
    words = (name[len(prefix) :] for name in COMMANDS if name.startswith(prefix) and name != path)
    return [word for word in words if " " not in word and (path or word not in HIDDEN)]


def resolve(words: list[str]) -> tuple[str, int]:
    """(the longest path that `words` begin with, how many of them it took)."""
    path, taken = "", 0
    for word in words:
        longer = f"{path} {word}" if path else word
        longer = ALIASES.get(longer, longer)
        if longer not in COMMANDS:
            break
        path, taken = longer, taken + 1
    return path, taken
