"""Reaching a server by URL: TLS, tokens, client certificates, credential plugins, proxies."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from minikctl.client import tls
from minikctl.client.connect import Connection, Target
from minikctl.client.errors import Failure
from minikctl.client.transport import Dialer, TcpDialer, UnixDialer

DEFAULT_SERVER = "http://localhost:8080"
"""Where kubectl looks when nothing is configured."""


def connect_remote(target: Target, flags: Mapping[str, Any], headers: dict[str, str]) -> Connection:
    """The connection that `target` and the flags describe; flags win over the file."""
    cluster, user = target.cluster, target.user
    server = flags.get("server") or cluster.get("server") or DEFAULT_SERVER
    if "://" not in server:
        secure = cluster.get("certificate-authority-data") or cluster.get("certificate-authority")
        server = ("https://" if secure else "http://") + server
    url = urlsplit(server)
    if url.scheme == "unix":
        return Connection(UnixDialer(url.path), server, headers)
    if url.scheme not in ("http", "https"):
        raise Failure(f'unsupported protocol scheme "{url.scheme}"')
    credentials = _credentials(flags, user)
    if credentials.get("token"):
        headers["Authorization"] = f"Bearer {credentials['token']}"
    elif credentials.get("username"):
        pair = f"{credentials['username']}:{credentials.get('password', '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    address = url.hostname or "localhost"
    port = url.port or (443 if url.scheme == "https" else 80)
    dialer: Dialer
    if url.scheme == "https":
        name = flags.get("tls-server-name") or cluster.get("tls-server-name") or address
        dialer = TcpDialer(address, port, _context(flags, cluster, credentials), name)
    else:
        dialer = TcpDialer(address, port, None, address)
    return Connection(dialer, server, headers, url.path.rstrip("/"))


def _context(flags: Mapping[str, Any], cluster: Mapping[str, Any], credentials: Mapping[str, Any]) -> Any:
    insecure = flags.get("insecure-skip-tls-verify") or bool(cluster.get("insecure-skip-tls-verify"))
    ca_file = flags.get("certificate-authority") or ""
    return tls.context(
        ca_file=ca_file or cluster.get("certificate-authority") or "",
        ca_data=None if ca_file else _decoded(cluster, "certificate-authority-data"),
        cert_file=credentials.get("client-certificate") or "",
        cert_data=_decoded(credentials, "client-certificate-data"),
        key_file=credentials.get("client-key") or "",
        key_data=_decoded(credentials, "client-key-data"),
        insecure=insecure,
    )


def _decoded(section: Mapping[str, Any], key: str) -> bytes | None:
    text = section.get(key)
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Failure(f"{key}: illegal base64 data") from None


def _credentials(flags: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """The user's entry with flags over it, token files read and a credential plugin's answer merged in."""
    merged = dict(user)
    for flag in ("token", "username", "password"):
        if flags.get(flag):
            merged[flag] = flags[flag]
    for flag in ("client-certificate", "client-key"):
        if flags.get(flag):
            merged[flag] = flags[flag]
            merged.pop(f"{flag}-data", None)
    if not flags.get("token") and merged.get("tokenFile"):
        try:
            with open(merged["tokenFile"], encoding="utf-8") as file:
                merged["token"] = file.read().strip()
        except OSError as error:
            path = merged["tokenFile"]
            raise Failure(f"open {path}: {(error.strerror or '').lower()}") from None
    if merged.get("exec") and not merged.get("token"):
        merged.update(_run_plugin(merged["exec"]))
    return merged


def _run_plugin(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Run a client.authentication.k8s.io credential plugin; its ExecCredential status as kubeconfig fields."""
    command = plugin.get("command", "")
    request = {
        "kind": "ExecCredential",
        "apiVersion": plugin.get("apiVersion", "client.authentication.k8s.io/v1"),
        "spec": {"interactive": sys.stdin.isatty()},
    }
    env = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(request)}
    env.update({item["name"]: item["value"] for item in plugin.get("env") or []})
    try:
        done = subprocess.run([command, *(plugin.get("args") or [])], env=env, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise Failure(
            f"getting credentials: exec: executable {command} not found\n\n{plugin.get('installHint', '')}".rstrip()
        ) from None
    except OSError as error:
        raise Failure(f"getting credentials: exec: {(error.strerror or '').lower()}") from None
    if done.returncode:
        raise Failure(f"getting credentials: exec: executable {command} failed with exit code {done.returncode}")
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError):
        raise Failure("getting credentials: decoding stdout: not an ExecCredential with a status") from None
    answer: dict[str, Any] = {}
    if status.get("token"):
        answer["token"] = status["token"]
    for key, field in (
        ("client-certificate-data", "clientCertificateData"),
        ("client-key-data", "clientKeyData"),
    ):
        if status.get(field):
            answer[key] = base64.b64encode(status[field].encode()).decode()
    return answer
