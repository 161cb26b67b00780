"""Durable creates and reads through TLS, beside a raw ASGI echo under the same server: the floor."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.report import Row, median
from tests.support.cli import Cluster

SECONDS = 2
TURNS = 5
"""Short ones, floor and backend one after the other: what else the machine does then hits both."""
HERE = Path(__file__).parent


def load_rows(cluster: Cluster) -> list[Row]:
    endpoint, token = _endpoint(cluster), (cluster.folder / "admin.token").read_text().strip()
    cluster.run("create", "namespace", "bench")
    rows = []
    with echo_floor(cluster) as floor:

        def creates(clients: int) -> Row:
            def turn(number: int) -> tuple[float, float]:
                args = (clients, token, f"b{clients}-{number}", "secret")
                return _wrk("post.lua", floor, *args), _wrk("post.lua", endpoint, *args)

            work = f"durable Secret creates, TLS, {clients} client{'s' * (clients > 1)}"
            return _row(work, turn, 30 if clients > 1 else None)

        def get(_number: int) -> tuple[float, float]:
            return (
                _wrk("get.lua", floor, 16, token, "/"),
                _wrk("get.lua", endpoint, 16, token, "/api/v1/namespaces/bench/secrets/b16-0-0-50"),
            )

        rows += [creates(clients) for clients in (1, 16, 64)]
        rows.append(_row("GET of a Secret, TLS, 16 clients", get, 50))
    return rows


def _row(work: str, turn: Callable[[int], tuple[float, float]], aim: float | None) -> Row:
    """`turn` gives the floor's and the backend's requests in a second. The aim, in percent, is for the median of
    their ratios."""
    turns = [turn(number) for number in range(TURNS)]
    shares = [ours / floor * 100 for floor, ours in turns]
    share = median(shares)
    rate, floor = median([ours for _, ours in turns]), median([floor for floor, _ in turns])
    return Row(
        work,
        f"{rate:.0f}/s ({share:.0f} % of the floor, {min(shares):.0f} at worst)",
        f"echo {floor:.0f}/s",
        f">= {aim:.0f} % of the floor" if aim is not None else "",
        share >= aim if aim is not None else None,
    )


def _endpoint(cluster: Cluster) -> str:
    endpoint: str = cluster.run("cluster", "status", "-o", "json").json["endpoint"]
    return endpoint


def _wrk(script: str, endpoint: str, clients: int, token: str, *args: str) -> float:
    done = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "-s", str(HERE / script), endpoint, "--", *args],
        env={**os.environ, "TOKEN": token}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"RESULT rps=(\d+) .* errors=(\d+)", done.stdout)
    if found is None or int(found[2]):
        raise RuntimeError(f"wrk {script} against {endpoint} failed:\n{done.stdout}{done.stderr}")
    return float(found[1])


@contextmanager
def echo_floor(cluster: Cluster, address: str = "127.0.0.1", *, tls: bool = True) -> Iterator[str]:
    """The echo application under uvicorn, with the cluster's own certificate: its URL."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    pki = cluster.folder / "pki"
    certificate = ["--ssl-certfile", str(pki / "server.crt"), "--ssl-keyfile", str(pki / "server.key")]
    server = subprocess.Popen(
        [
            sys.executable, "-m", "uvicorn", "tests.bench.echo_floor:app", "--host", address, "--port", str(port),
            "--log-level", "error", "--no-access-log", "--loop", "uvloop", "--http", "httptools",
            *(certificate if tls else []),
        ],
        cwd=HERE.parents[1],
    )  # fmt: skip
    try:
        for _ in range(100):
            try:
                socket.create_connection((address, port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"{'https' if tls else 'http'}://{address}:{port}"
    finally:
        server.terminate()
        server.wait()
