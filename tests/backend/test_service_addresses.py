"""kill -9 while services come, change and go: what was given stays given, and nothing is given twice."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path

from tests.backend.test_backend_process import ask, backend

ROUNDS = 3
WRITERS = 3
RANGE = ("--service-cluster-ip-range", "10.50.0.0/24")
SERVICES = "/api/v1/namespaces/default/services"
KINDS = ("ClusterIP", "NodePort", "LoadBalancer")


class Churn(threading.Thread):
    """Makes, changes and deletes services until the backend is gone; keeps what was acknowledged of each."""

    def __init__(self, home: Path, prefix: str) -> None:
        super().__init__()
        self.home, self.prefix = home, prefix
        self.choose = random.Random(prefix)
        self.given: dict[str, dict[str, object]] = {}
        self.stopping = False

    def run(self) -> None:
        number = 0
        while not self.stopping:
            number += 1
            try:
                self._step(f"{self.prefix}-{number}")
            except (OSError, http.client.HTTPException):
                return  # The backend was killed: what was under way was not acknowledged.

    def _step(self, name: str) -> None:
        if len(self.given) > 15:
            gone = self.choose.choice(sorted(self.given))
            # Whether the deletion happens is not known if it is not acknowledged.
            del self.given[gone]
            ask(self.home, "DELETE", f"{SERVICES}/{gone}")
        spec = {"type": self.choose.choice(KINDS), "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}
        code, body = ask(self.home, "POST", SERVICES, {"metadata": {"name": name}, "spec": spec})
        assert code == 201, body
        made = json.loads(body)
        self.given[name] = made["spec"]
        if self.choose.random() < 0.5:
            made["spec"]["type"] = self.choose.choice(KINDS)
            del self.given[name]
            code, body = ask(self.home, "PUT", f"{SERVICES}/{name}", made)
            assert code == 200, body
            self.given[name] = json.loads(body)["spec"]


def check(home: Path, acknowledged: dict[str, dict[str, object]]) -> None:
    listed = json.loads(ask(home, "GET", SERVICES)[1])["items"]
    specs = {item["metadata"]["name"]: item["spec"] for item in listed}
    for name, spec in acknowledged.items():
        assert specs[name] == spec
    addresses = [spec["clusterIP"] for spec in specs.values()]
    assert len(addresses) == len(set(addresses))
    ports = [port["nodePort"] for spec in specs.values() for port in spec["ports"] if "nodePort" in port]
    assert len(ports) == len(set(ports))
    assert all(("nodePort" in spec["ports"][0]) == (spec["type"] != "ClusterIP") for spec in specs.values())


def test_addresses_survive_kill_9_and_are_given_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    acknowledged: dict[str, dict[str, object]] = {}
    choose = random.Random(5)
    for round_ in range(ROUNDS):
        with backend(home, *RANGE) as process:
            check(home, acknowledged)
            churns = [Churn(home, f"r{round_}-{number}") for number in range(WRITERS)]
            for churn in churns:
                churn.start()
            time.sleep(choose.uniform(0.3, 0.8))
            process.kill()
            for churn in churns:
                churn.stopping = True
                churn.join(30)
                acknowledged.update(churn.given)
    with backend(home, *RANGE):
        check(home, acknowledged)
        code, body = ask(home, "GET", f"{SERVICES}/kubernetes")
        assert json.loads(body)["spec"]["clusterIP"] == "10.50.0.1", (code, body)
    assert len(acknowledged) > ROUNDS * WRITERS
