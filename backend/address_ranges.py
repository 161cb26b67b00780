"""Addresses that no other cluster of this machine uses: where services get theirs from, and those of load balancers.

A cluster keeps its ranges for life: the file `address-ranges` in its folder has them. Which clusters have which is told
by symbolic links to their folders, named by range, in a folder of this user's that outlives a reboot. A link is made
under a lock, and one to a folder that is gone counts for nothing, so that nobody has to clean up after a crash. What
others use (other users' clusters too) is known by this machine's routes.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import ipaddress
import logging
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from backend.apiserver.pki import write_private
from backend.config import SERVICE_CIDR, Config
from backend.meta.addresses import Network

ROUTES = Path("/proc/net/route")
SERVICE_RANGES = tuple(f"10.{number}.0.0/16" for number in range(96, 112))
LOAD_BALANCER_RANGES = tuple(f"198.18.{number}.0/24" for number in range(256))
"""Of 198.18.0.0/15, which RFC 2544 keeps free on real networks."""
LOAD_BALANCER_RANGES_IPV6 = tuple(f"fdc6:12:{number:x}::/112" for number in range(1, 257))
"""Of a /32 of unique local addresses (RFC 4193)."""

_log = logging.getLogger(__name__)


def settle(config: Config, folder: Path | None = None) -> Config:
    """The settings with the ranges that this cluster has, or has from now on. Call it as the cluster's only process.

    What pods cannot reach (`--runtime fake` and `none`) may be the same in several clusters. `folder` has the links.
    Raises OSError for the cluster's own folder; without the links, routes alone tell what is taken.
    """
    remembered, load_balancers = _remembered(config)
    services = config.service_cidr or remembered
    if config.runtime != "docker":
        settled = replace(config, service_cidr=services or SERVICE_RANGES[0], load_balancer_cidr=load_balancers)
    else:
        with _claims(folder or _claims_folder()) as claims:
            services = claims.take("service", config.home, services, SERVICE_RANGES)
            settled = replace(
                config, service_cidr=services,
                load_balancer_cidr=claims.take_pool(config.home, services, load_balancers),
            )  # fmt: skip
    _forget_routes(config, settled)
    _remember(settled)
    return settled


def _forget_routes(config: Config, settled: Config) -> None:
    """Those that a last run left to ranges that the cluster gives up, because others are asked for."""
    given_up = set(recall(config).pod_network_cidrs) - set(settled.pod_network_cidrs)
    if given_up:
        from backend.network.removal import remove_routes

        remove_routes(sorted(given_up))


def recall(config: Config) -> Config:
    """The settings of a cluster that does not run, which takes nothing; "" for what it never had."""
    services, load_balancers = _remembered(config)
    return replace(config, service_cidr=services, load_balancer_cidr=load_balancers)


def _remembered(config: Config) -> tuple[str, str]:
    """(services', load balancers'); "" for what there is none of yet."""
    try:
        lines = config.address_ranges_path.read_text().splitlines()
    except FileNotFoundError:
        # A cluster that was made before they were kept had this one.
        return (SERVICE_CIDR if (config.home / "state.db").exists() else ""), ""
    services, load_balancers = (*lines, "", "")[:2]
    return services, load_balancers


def _remember(config: Config) -> None:
    path = config.address_ranges_path
    text = f"{config.service_cidr}\n{config.load_balancer_cidr}\n"
    if not path.exists() or path.read_text() != text:
        write_private(path, text.encode())


class _Claims:
    """`folder` is None where links cannot be kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(self, kind: str, home: Path, wanted: str, candidates: Sequence[str]) -> str:
        """`wanted` or, where that is "", the first free one, which is from now on that of `home`."""
        others = self._others(kind, home)
        chosen = wanted or _first_free(candidates, others)
        for cidr, other in others.items():
            if any(_overlap(cidr, each) for each in chosen.split(",")):
                _log.warning("%s is also in the range of %s: pods reach only one of the two there", chosen, other)
        self._link(kind, home, chosen)
        return chosen

    def take_pool(self, home: Path, services: str, wanted: str) -> str:
        """Ranges for load balancers: one of each IP family of `services`; of those of `wanted` that."""
        taken = []
        for kind, candidates in (
            ("load-balancer", LOAD_BALANCER_RANGES),
            ("load-balancer-ipv6", LOAD_BALANCER_RANGES_IPV6),
        ):
            v6 = ":" in candidates[0]
            if any((":" in cidr) == v6 for cidr in services.split(",")):
                had = next((cidr for cidr in wanted.split(",") if cidr and (":" in cidr) == v6), "")
                taken.append(self.take(kind, home, had, candidates))
        return ",".join(taken)

    def _others(self, kind: str, home: Path) -> dict[str, Path]:
        """Range -> home of another cluster."""
        found = {}
        for link in self._folder.glob(f"{kind}=*") if self._folder is not None else ():
            target = Path(os.readlink(link))
            if target != home and target.is_dir():
                found[_range_of(link)] = target
            else:
                link.unlink()
        return found

    def _link(self, kind: str, home: Path, cidrs: str) -> None:
        if self._folder is None:
            return
        for cidr in cidrs.split(","):
            link = self._folder / f"{kind}={cidr.replace('/', '_')}"
            with contextlib.suppress(FileExistsError):  # as it may for a range that was given to two clusters
                link.symlink_to(home)


def _range_of(link: Path) -> str:
    return link.name.partition("=")[2].replace("_", "/")


def _first_free(candidates: Sequence[str], others: dict[str, Path]) -> str:
    """Where nothing is free, the one that disturbs least: what a cluster has that does not run, or what is part of a
    larger range, yet not the part where that cluster's own services are.

    Where all of them are routed elsewhere (a VPN to 10.0.0.0/8), that does not count: the longer prefix wins.
    """
    taken = [*_routed(), *others]
    for cidr in candidates:
        if not any(_overlap(cidr, each) for each in taken):
            return cidr
    return _least_disturbing(candidates, others)


def _least_disturbing(candidates: Sequence[str], others: dict[str, Path]) -> str:
    routed = [*_routed()]
    unrouted = [cidr for cidr in candidates if not any(_overlap(cidr, route) for route in routed)] or candidates

    def disturbed(cidr: str) -> tuple[int, int, int]:
        shared = [other for other in others if _overlap(cidr, other)]
        running = [other for other in shared if _runs(others[other])]
        return sum(_network(other)[0] in _network(cidr) for other in running), len(running), len(shared)

    return min(unrouted, key=disturbed)  # the first of equals


@functools.cache
def _network(cidr: str) -> Network:
    return ipaddress.ip_network(cidr, strict=False)


def _runs(home: Path) -> bool:
    try:
        descriptor = os.open(home / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _routed() -> Iterator[str]:
    """The networks that this machine has routes to, without the default one."""
    try:
        lines = ROUTES.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        destination, mask = (socket.inet_ntoa(struct.pack("=L", int(fields[index], 16))) for index in (1, 7))
        if mask != "0.0.0.0":
            yield f"{destination}/{mask}"


def _overlap(one: str, other: str) -> bool:
    first, second = _network(one), _network(other)
    return first.version == second.version and first.overlaps(second)


def _claims_folder() -> Path:
    """Kept over a reboot, and the same whatever the home is."""
    return Path("/var/tmp") / f"minikctl-{os.geteuid()}"


@contextlib.contextmanager
def _claims(folder: Path) -> Iterator[_Claims]:
    """One process at a time."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        _log.warning("other clusters' address ranges are known by routes only: %s", error)
        yield _Claims(None)
        return
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            _log.warning("other clusters' address ranges are known by routes only: %s is not ours", folder)
            yield _Claims(None)
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield _Claims(folder)
    finally:
        os.close(descriptor)
