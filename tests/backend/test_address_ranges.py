"""Clusters of one machine get ranges of their own, whoever was killed when, and keep them."""

from __future__ import annotations

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backend import address_ranges
from backend.address_ranges import LOAD_BALANCER_RANGES, SERVICE_RANGES, recall, settle
from backend.config import Config

HEADER = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
DEFAULT_ROUTE = "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n"


@pytest.fixture(autouse=True)
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's, of which there is the default one at first."""
    path = tmp_path / "route"
    path.write_text(HEADER + DEFAULT_ROUTE)
    monkeypatch.setattr(address_ranges, "ROUTES", path)
    return path


@pytest.fixture
def links(tmp_path: Path) -> Path:
    return tmp_path / "links"


def cluster(tmp_path: Path, name: str, **settings: str) -> Config:
    home = tmp_path / name
    home.mkdir(exist_ok=True)
    return Config(home, **settings)  # type: ignore[arg-type]


def test_the_first_cluster_has_the_addresses_that_everybody_expects(tmp_path: Path, links: Path) -> None:
    settled = settle(cluster(tmp_path, "a"), links)
    assert (settled.service_cidrs, settled.load_balancer_cidr) == (["10.96.0.0/16"], "198.18.0.0/24")


def test_clusters_that_come_together_have_ranges_of_their_own_and_keep_them(tmp_path: Path, links: Path) -> None:
    configs = [cluster(tmp_path, f"c{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as executor:
        settled = [*executor.map(lambda config: settle(config, links), configs)]
    assert {each.service_cidr for each in settled} == {*SERVICE_RANGES}
    assert {each.load_balancer_cidr for each in settled} == {*LOAD_BALANCER_RANGES[:16]}
    assert [settle(config, links) for config in reversed(configs)] == settled[::-1]
    assert [recall(config) for config in configs] == settled


def test_a_deleted_cluster_gives_its_range_up(tmp_path: Path, links: Path) -> None:
    first = settle(cluster(tmp_path, "first"), links)
    (first.home / "address-ranges").unlink()
    first.home.rmdir()
    assert settle(cluster(tmp_path, "second"), links).service_cidr == first.service_cidr


def test_what_the_machine_has_routes_to_is_taken(tmp_path: Path, links: Path, routes: Path) -> None:
    routes.write_text(HEADER + DEFAULT_ROUTE + "docker0 0000600A 00000000 0001 0 0 0 0000FFFF 0 0 0\n")
    config = cluster(tmp_path, "a")
    assert settle(config, links).service_cidr == "10.97.0.0/16"
    routes.write_text(HEADER + "docker0 0000610A 00000000 0001 0 0 0 0000FFFF 0 0 0\n")  # its own
    assert settle(config, links).service_cidr == "10.97.0.0/16"


def test_a_route_to_all_candidates_leaves_them_to_choose_from(tmp_path: Path, links: Path, routes: Path) -> None:
    routes.write_text(HEADER + "tun0 0000000A 00000000 0001 0 0 0 000000FF 0 0 0\n")
    chosen = [settle(cluster(tmp_path, name), links).service_cidr for name in "ab"]
    assert chosen == ["10.96.0.0/16", "10.97.0.0/16"]


def test_where_all_are_taken_a_cluster_that_does_not_run_shares_its_own(tmp_path: Path, links: Path) -> None:
    locks = []
    for number in range(16):
        config = settle(cluster(tmp_path, f"c{number}"), links)
        descriptor = os.open(config.lock_path, os.O_CREAT | os.O_RDWR)
        if config.service_cidr != "10.99.0.0/16":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        locks.append(descriptor)
    try:
        assert settle(cluster(tmp_path, "late"), links).service_cidr == "10.99.0.0/16"
    finally:
        for descriptor in locks:
            os.close(descriptor)


def test_a_part_of_a_larger_range_is_not_the_part_with_that_cluster_s_own_services(
    tmp_path: Path, links: Path
) -> None:
    large = settle(cluster(tmp_path, "large", service_cidr="10.96.0.0/12"), links)
    with large.lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = [settle(cluster(tmp_path, name), links).service_cidr for name in "ab"]
    assert chosen == ["10.97.0.0/16", "10.98.0.0/16"]


def test_what_was_asked_for_is_taken_and_told_where_it_overlaps(
    tmp_path: Path, links: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = cluster(tmp_path, "a", service_cidr="10.96.0.0/14,fd00::/112")
    assert settle(asked, links).service_cidrs == ["10.96.0.0/14", "fd00::/112"]
    assert settle(replace(asked, service_cidr=""), links).service_cidrs == ["10.96.0.0/14", "fd00::/112"]
    assert settle(cluster(tmp_path, "b"), links).service_cidr == "10.100.0.0/16"
    assert not caplog.records
    settle(cluster(tmp_path, "c", service_cidr="10.98.0.0/16"), links)
    assert f"10.98.0.0/16 is also in the range of {tmp_path / 'a'}" in caplog.text


def test_load_balancers_have_addresses_of_the_families_that_services_have(tmp_path: Path, links: Path) -> None:
    both = settle(cluster(tmp_path, "both", service_cidr="10.50.0.0/16,fd00::/112"), links)
    assert both.load_balancer_cidrs == ["198.18.0.0/24", "fdc6:12:1::/112"]
    assert settle(replace(both, service_cidr="", load_balancer_cidr=""), links) == both
    six = settle(cluster(tmp_path, "six", service_cidr="fd01::/112"), links)
    assert six.load_balancer_cidrs == ["fdc6:12:2::/112"]
    assert recall(both).pod_network_cidrs == [*both.service_cidrs, *both.load_balancer_cidrs]
    four = settle(replace(both, service_cidr="10.50.0.0/16", load_balancer_cidr=""), links)
    assert four.load_balancer_cidrs == ["198.18.0.0/24"]


def test_a_cluster_of_before_keeps_its_large_range(tmp_path: Path, links: Path) -> None:
    config = cluster(tmp_path, "old")
    (config.home / "state.db").touch()
    assert settle(config, links).service_cidr == "10.96.0.0/12"


def test_clusters_whose_pods_are_not_reached_take_nothing(tmp_path: Path, links: Path) -> None:
    for runtime in ("fake", "none"):
        settled = settle(cluster(tmp_path, runtime, runtime=runtime), links)
        assert (settled.service_cidr, settled.load_balancer_cidr) == ("10.96.0.0/16", "")
    assert settle(cluster(tmp_path, "real"), links).service_cidr == "10.96.0.0/16"


def test_without_a_place_for_links_there_are_still_the_routes(
    tmp_path: Path, links: Path, routes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    links.write_text("a file is in the way")
    routes.write_text(HEADER + "docker0 0000600A 00000000 0001 0 0 0 0000FFFF 0 0 0\n")
    assert settle(cluster(tmp_path, "a"), links).service_cidr == "10.97.0.0/16"
    assert "known by routes only" in caplog.text
