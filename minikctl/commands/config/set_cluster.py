"""`minikctl config set-cluster`. Source: k8s.io/kubectl/pkg/cmd/config/set_cluster.go."""

from __future__ import annotations

import os
from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.config import embedding
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    check_count(call, "set-cluster", 1)
    flags = call.flags
    authority = flags["certificate-authority"]
    if authority and flags["insecure-skip-tls-verify"]:
        raise Failure("you cannot specify a certificate authority and insecure mode at the same time")
    if flags["embed-certs"]:
        if not authority:
            raise Failure("you must specify a --certificate-authority to embed")
        embedding.check_file("certificate-authority", authority)
    files = Files(call, flags["cluster"])
    name = call.args[0]
    files.put("clusters", name, _changed(call, files.entries("clusters").get(name, {})))
    files.save()
    call.streams.out.write(f'Cluster "{name}" set.\n')
    return 0


def _changed(call: Invocation, existing: dict[str, Any]) -> dict[str, Any]:
    flags, given = call.flags, call.changed
    cluster = dict(existing)
    for key in ("server", "tls-server-name", "proxy-url"):
        if key in given:
            cluster[key] = flags[key]
    if "insecure-skip-tls-verify" in given:
        cluster["insecure-skip-tls-verify"] = flags["insecure-skip-tls-verify"]
        if flags["insecure-skip-tls-verify"]:
            cluster.pop("certificate-authority", None)
            cluster.pop("certificate-authority-data", None)
    if "certificate-authority" in given:
        path = flags["certificate-authority"]
        if flags["embed-certs"]:
            cluster["certificate-authority-data"] = embedding.encoded(path)
            cluster.pop("certificate-authority", None)
        else:
            cluster["certificate-authority"] = os.path.abspath(path) if path else ""
            if path:
                cluster.pop("certificate-authority-data", None)
        if path:
            cluster.pop("insecure-skip-tls-verify", None)
    return {key: value for key, value in cluster.items() if value not in ("", False) or key == "server"}


COMMAND = Command(
    use="set-cluster NAME [--server=server] [--certificate-authority=path/to/certificate/authority]"
    " [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]",
    short="Set a cluster entry in kubeconfig",
    long="Set a cluster entry in kubeconfig: --server, --certificate-authority, --insecure-skip-tls-verify and"
    " --tls-server-name are its own. What is not given stays as it is.",
    examples="""
  # The address of the cluster e2e, and nothing else of it
  minikctl config set-cluster e2e --server=https://1.2.3.4

  # Put the authority's certificate into the file
  minikctl config set-cluster e2e --embed-certs --certificate-authority=ca.crt

  # Do not check who answers
  minikctl config set-cluster e2e --insecure-skip-tls-verify=true""",
    run=run,
    flags=(
        Flag("embed-certs", "bool", False, "embed-certs for the cluster entry in kubeconfig"),
        Flag("proxy-url", "string", "", "proxy-url for the cluster entry in kubeconfig"),
    ),
)
