"""What one backend is told: the folder of its cluster, and how it listens.

The folder (0700, files 0600) holds `state.db`, `keyring.json`, `pki/`, `admin.token`, `port` (so that kubeconfigs
stay valid over a restart), `address-ranges`, `lock`, and while the backend is ready `backend.json` and `backend.sock`.
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.meta.cluster_id import cluster_id

SERVICE_CIDR = "10.96.0.0/12"
"""kube-apiserver's default is as large; see backend.address_ranges for what a cluster gets."""
RUNTIME_FILE = "runtime"
RUNTIMES = ("docker", "fake", "none")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """One cluster's settings. `port` 0 takes the remembered port, or a free one."""

    home: Path
    port: int = 0
    address: str = "127.0.0.1"
    node_name: str = "minikctl"
    runtime: str = "docker"
    log_level: str = "info"
    cluster: str = ""
    """The cluster's name, which shows in process lists and logs."""
    ready_fd: int | None = None
    """A pipe that gets one line: `ready` once the backend is, or `error: ` and why it cannot start."""
    watch_loop: bool = False
    """Log a stack whenever the event loop was held for more than 10 ms."""
    service_cidr: str = ""
    """What services get their addresses from; with a second CIDR behind a comma, of the other IP family, also both.
    "" until backend.address_ranges has settled it."""
    max_requests_inflight: int = 400
    max_mutating_requests_inflight: int = 200
    request_timeout: float = 60.0
    """Seconds; see http.limits.Limits."""
    autoscaler_sync_period: float = 15.0
    """Seconds between two looks at what a HorizontalPodAutoscaler measures."""
    purge: bool = False
    """Serve nothing: remove what the stopped cluster has outside its folder."""
    uncontained: str = ""
    """Why the backend of a user without root is not in a container, which could do what root can."""
    ingress_http_port: int | None = None
    ingress_https_port: int | None = None
    """Where Ingresses are served on this machine; 0 is any, None that of the last run, or 80 and 443."""
    load_balancer_cidr: str = ""
    """What services of type LoadBalancer get their addresses from: one CIDR of each IP family that services have; ""
    where pods cannot be reached."""

    @property
    def cluster_id(self) -> str:
        """Tells this cluster's containers from those of others on the same engine: the name may be the same in
        another folder, and the folder is what a cluster is."""
        return cluster_id(self.cluster, self.home)

    @property
    def service_cidrs(self) -> list[str]:
        return self.service_cidr.split(",") if self.service_cidr else []

    @property
    def load_balancer_cidrs(self) -> list[str]:
        return self.load_balancer_cidr.split(",") if self.load_balancer_cidr else []

    @property
    def pod_network_cidrs(self) -> list[str]:
        """All addresses that only the pods' network has."""
        return [*self.service_cidrs, *self.load_balancer_cidrs]

    @property
    def state_url(self) -> str:
        return f"sqlite:///{self.home / 'state.db'}"

    @property
    def runtime_path(self) -> Path:
        return self.home / RUNTIME_FILE

    @property
    def keyring_path(self) -> Path:
        return self.home / "keyring.json"

    @property
    def pki_dir(self) -> Path:
        return self.home / "pki"

    @property
    def kubelet_dir(self) -> Path:
        return self.home / "kubelet"

    @property
    def pods_dir(self) -> Path:
        """Where the kubelet has the pods' volumes."""
        return self.kubelet_dir / "pods"

    @property
    def socket_path(self) -> Path:
        return self.home / "backend.sock"

    @property
    def info_path(self) -> Path:
        return self.home / "backend.json"

    @property
    def token_path(self) -> Path:
        return self.home / "admin.token"

    @property
    def port_path(self) -> Path:
        return self.home / "port"

    @property
    def address_ranges_path(self) -> Path:
        return self.home / "address-ranges"

    @property
    def ingress_ports_path(self) -> Path:
        return self.home / "ingress-ports"

    @property
    def lock_path(self) -> Path:
        return self.home / "lock"


def _service_cidrs(text: str) -> str:
    """Raises ArgumentTypeError unless it is one network, or one of each IP family, with room for services."""
    try:
        networks = [ipaddress.ip_network(cidr) for cidr in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if len({network.version for network in networks}) != len(networks):
        raise argparse.ArgumentTypeError("more than one network of an IP family")
    if any(network.num_addresses < 8 for network in networks):
        raise argparse.ArgumentTypeError("a network with less than 8 addresses")
    return text


def _last_runtime(home: Path) -> str:
    try:
        runtime = (home / RUNTIME_FILE).read_text().strip()
    except OSError:
        return RUNTIMES[0]
    return runtime if runtime in RUNTIMES else RUNTIMES[0]


def parse(arguments: Sequence[str]) -> Config:
    """The settings on the command line. Exits with argparse's message and code 2 when they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m backend", description="The control plane of one cluster.")
    parser.add_argument("--home", type=Path, required=True, help="folder of the cluster's state, keys and sockets")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes the last one, or a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--node-name", default=socket.gethostname().lower(), help="name of this machine's Node")
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default="",
        help="what runs pods: fake only pretends, none is no kubelet at all; else that of the last run, or docker",
    )  # fmt: skip
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")
    parser.add_argument("--cluster", default="", help="name of the cluster, for logs and process lists")
    parser.add_argument("--ready-fd", type=int, help="file descriptor on which a line says that we are ready")
    parser.add_argument("--watch-loop", action="store_true", help="log what holds the event loop over 10 ms")
    parser.add_argument(
        "--service-cluster-ip-range", dest="service_cidr", type=_service_cidrs,
        metavar="CIDR[,CIDR]",
        help="what services get their addresses from, one CIDR of each IP family; else those of the last run, or the "
        "first 10.96-111.0.0/16 that no other cluster of this machine has",
    )  # fmt: skip
    _add_limits(parser)
    parser.add_argument(
        "--horizontal-pod-autoscaler-sync-period", type=float, default=15.0, metavar="SECONDS",
        help="time between two looks at what a HorizontalPodAutoscaler measures",
    )  # fmt: skip
    parser.add_argument(
        "--purge", action="store_true", help="remove the stopped cluster's containers and mounts, and end"
    )
    parser.add_argument(
        "--uncontained", default="", metavar="WHY", help="why this backend, without root, runs in no container"
    )
    for scheme, port in (("http", 80), ("https", 443)):
        parser.add_argument(
            f"--ingress-{scheme}-port", type=int, metavar="PORT",
            help=f"where Ingresses are served by {scheme.upper()}, 0 for any; else that of the last run, or {port}",
        )  # fmt: skip
    options = parser.parse_args(arguments)
    return Config(
        options.home.absolute(), options.port, options.address, options.node_name,
        options.runtime or _last_runtime(options.home),
        options.log_level, options.cluster, options.ready_fd, options.watch_loop, options.service_cidr or "",
        options.max_requests_inflight, options.max_mutating_requests_inflight, options.request_timeout,
        options.horizontal_pod_autoscaler_sync_period, options.purge, options.uncontained,
        options.ingress_http_port, options.ingress_https_port,
    )  # fmt: skip


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """kube-apiserver's flags of the same names, and its defaults."""
    parser.add_argument(
        "--max-requests-inflight", type=int, default=400, metavar="N",
        help="gets and lists that are worked on at once, before others are told to come again",
    )  # fmt: skip
    parser.add_argument(
        "--max-mutating-requests-inflight", type=int, default=200, metavar="N",
        help="the same for requests that change something",
    )  # fmt: skip
    parser.add_argument(
        "--request-timeout", type=float, default=60.0, metavar="SECONDS",
        help="how long a request's body may take to come, and a client may read nothing of its answer",
    )  # fmt: skip
