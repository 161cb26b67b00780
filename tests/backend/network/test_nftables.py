"""The cluster's table: transactions as text, and what the kernel makes of them."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator

import pytest

from backend.network import nftables
from backend.network.nftables import Chain, Content, Map, NftError, NftUnavailable, Set, Table, changes

IP = "ipv4_addr"


def content(rules: dict[str, tuple[str, ...]], elements: dict[str, str] | None = None, *sets: str) -> Content:
    """Chains, a verdict map `where`, and a set `who`."""
    return Content(
        {name: Chain(lines) for name, lines in rules.items()},
        {"who": Set(IP, frozenset(sets))},
        {"where": Map(f"{IP} : verdict", elements or {})},
    )


def test_nothing_changed_is_no_command() -> None:
    same = content({"a": ("accept",)}, {"10.0.0.1": "goto a"}, "10.0.0.2")
    assert changes("t", same, content({"a": ("accept",)}, {"10.0.0.1": "goto a"}, "10.0.0.2")) == []


def test_a_change_is_as_small_as_it_can_be() -> None:
    old = content({"a": ("accept",), "b": ("drop",)}, {"10.0.0.1": "goto a", "10.0.0.2": "goto b"}, "10.1.0.1")
    new = content({"a": ("counter",), "c": ("drop",)}, {"10.0.0.1": "goto a", "10.0.0.2": "goto c"}, "10.1.0.2")
    assert changes("t", old, new) == [
        "add chain inet t c",
        "delete element inet t who { 10.1.0.1 }",
        "delete element inet t where { 10.0.0.2 : goto b }",
        "flush chain inet t a",
        "add rule inet t a counter",
        "add rule inet t c drop",
        "add element inet t who { 10.1.0.2 }",
        "add element inet t where { 10.0.0.2 : goto c }",
        "flush chain inet t b",
        "delete chain inet t b",
    ]


def test_another_hook_or_type_needs_a_new_table() -> None:
    filters = "type filter hook input priority 0"
    assert changes("t", Content({"a": Chain(())}), Content({"a": Chain((), filters)})) is None
    assert changes("t", Content(sets={"s": Set(IP)}), Content(sets={"s": Set("ipv6_addr")})) is None
    assert changes("t", Content(maps={"m": Map("a : b")}), Content(maps={"m": Map("a : c")})) is None


def test_without_nft_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NftUnavailable, match="not installed"):
        nftables.run_nft(["add table inet t"])


@pytest.fixture
async def kernel_table() -> AsyncIterator[Table]:
    if os.geteuid() != 0:
        pytest.skip("changes kernel rules, which needs root")
    cluster = f"test-{os.getpid()}"
    yield Table(cluster)
    nftables.remove_table(cluster)


def listed(table: Table) -> str:
    done = subprocess.run(["nft", "list", "table", "inet", table.name], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


async def test_the_first_apply_waits_for_all_sections(kernel_table: Table) -> None:
    first, second = kernel_table.section("first"), kernel_table.section("second")
    waiting = asyncio.create_task(first.put(Content({"a": Chain(("accept",))})))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not listed(kernel_table)
    await second.put(Content({"b": Chain(("drop",))}))
    await waiting
    assert "chain a" in listed(kernel_table)
    assert "chain b" in listed(kernel_table)


async def test_the_first_apply_replaces_what_another_run_left(kernel_table: Table) -> None:
    nftables.run_nft([f"add table inet {kernel_table.name}", f"add chain inet {kernel_table.name} left"])
    await kernel_table.section("s").put(Content({"a": Chain(())}))
    assert "chain a" in listed(kernel_table)
    assert "left" not in listed(kernel_table)


async def test_every_step_is_taken_by_the_kernel(kernel_table: Table) -> None:
    """Chains that refer to each other, elements that move, and sets that go, one after the other."""
    section = kernel_table.section("s")
    steps = [
        content({"a": ("jump b",), "b": ("ip saddr @who drop",)}, {"10.0.0.1": "goto a"}, "10.1.0.1"),
        content({"a": ("accept",), "b": ("jump a",)}, {"10.0.0.1": "goto b", "10.0.0.2": "goto a"}, "10.1.0.2"),
        content({"c": ("ip daddr vmap @where",), "d": ("accept",)}, {"10.0.0.1": "goto d"}),
        Content({"c": Chain(("ip saddr 10.0.0.1 accept",))}),
    ]
    for step in steps:
        await section.put(step)
        text = listed(kernel_table)
        for name, chain in step.chains.items():
            assert f"chain {name} {{\n\t\t{chain.rules[0]}" in text
        assert text.count("chain ") == len(step.chains)
        for map_ in step.maps.values():
            assert all(f"{key} : {value}" in text for key, value in map_.elements.items())
    assert "set " not in text


async def test_what_rules_put_into_a_set_survives_changes(kernel_table: Table) -> None:
    section = kernel_table.section("s")
    sets = {"seen": Set(IP, options=("flags dynamic,timeout", "timeout 60s"))}
    await section.put(Content({"a": Chain(())}, sets))
    nftables.run_nft([f"add element inet {kernel_table.name} seen {{ 10.3.0.1 }}"])
    await section.put(Content({"a": Chain(("update @seen { ip saddr }",))}, sets))
    assert "10.3.0.1" in listed(kernel_table)
    assert "update @seen { ip saddr" in listed(kernel_table)


async def test_what_rules_put_into_a_set_survives_another_run(kernel_table: Table) -> None:
    sets = {"seen": Set(IP, options=("flags dynamic,timeout", "timeout 60s"))}
    await kernel_table.section("s").put(Content({"a": Chain(())}, sets))
    nftables.run_nft([f"add element inet {kernel_table.name} seen {{ 10.3.0.1 expires 40s, 10.3.0.2 }}"])
    another_run = Table(kernel_table.name.removeprefix("minikctl-"))
    await another_run.section("s").put(
        Content({"b": Chain(())}, {**sets, "new": Set(IP, options=sets["seen"].options)})
    )
    text = listed(kernel_table)
    assert "chain a" not in text
    assert re.search(r"10.3.0.1 expires [23]\ds", text)
    assert re.search(r"10.3.0.2 expires 5\ds", text)


async def test_a_table_that_somebody_removed_comes_back_whole(kernel_table: Table) -> None:
    section = kernel_table.section("s")
    await section.put(Content({"a": Chain(("accept",)), "b": Chain(())}))
    nftables.run_nft([f"delete table inet {kernel_table.name}"])
    await section.put(Content({"a": Chain(("accept",)), "b": Chain(("drop",))}))
    assert "accept" in listed(kernel_table)
    assert "drop" in listed(kernel_table)


async def test_a_refused_transaction_changes_nothing_and_the_next_works(kernel_table: Table) -> None:
    section = kernel_table.section("s")
    await section.put(Content({"a": Chain(("accept",))}))
    with pytest.raises(NftError, match="nonsense"):
        await section.put(Content({"a": Chain(("nonsense",))}))
    assert "accept" in listed(kernel_table)
    await section.put(Content({"a": Chain(("drop",))}))
    assert "drop" in listed(kernel_table)


async def test_two_sections_cannot_have_one_name(kernel_table: Table) -> None:
    first, second = kernel_table.section("first"), kernel_table.section("second")
    waiting = asyncio.create_task(first.put(Content({"a": Chain(())})))
    with pytest.raises(NftError, match="same name"):
        await second.put(Content({"a": Chain(())}))
    with pytest.raises(NftError, match="same name"):
        await waiting


async def test_removing_what_is_not_there_is_no_error(kernel_table: Table) -> None:
    await kernel_table.section("s").put(Content({"a": Chain(())}))
    nftables.remove_table(kernel_table.name.removeprefix("minikctl-"))
    assert not listed(kernel_table)
    nftables.remove_table(kernel_table.name.removeprefix("minikctl-"))
