"""The cluster's own table of kernel rules, as data, and its way into the kernel by `nft`.

One table of family inet and name `minikctl-<cluster id>`. Whoever has rules owns a *section* of it, names what is in it
(a prefix of its own keeps names apart), and says what it should hold; the table takes care of the difference:

- the first apply of a run waits until all sections have content, and then replaces the whole table in one transaction:
  what an earlier run left is never missed for a moment, and nothing of it stays;
- a later one is the smallest transaction between what was applied and what is wanted. The kernel takes all of it or
  nothing, and a packet sees the rules before it or after it;
- a transaction that fails (somebody flushed the ruleset, say) is followed by one that replaces the whole table;
- what rules put into sets is kept by all of this.

Nothing outside of the table is read or touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

_FAMILY = "inet"
_PREFIX = "minikctl-"
_DYNAMIC = "flags dynamic,timeout"
_TIMEOUT = 60.0
"""Seconds that nft may take: a whole table with tens of thousands of elements takes less than two."""


_PATIENCE = 30.0
"""Seconds after which the log tells what is waited for."""


class NftError(Exception):
    """nft refused a transaction: its message, and nothing was changed."""


class NftUnavailable(NftError):
    """This machine has no nft, or does not let us use it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`rules` as `nft add rule` takes them after the chain's name. `hook` makes it a base chain, such as
    `type filter hook forward priority -10`; its policy is accept."""

    rules: tuple[str, ...]
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Set:
    """`type` such as `ipv4_addr . inet_service`, `options` such as `flags interval`. Without `elements` and with
    `flags dynamic,timeout` and `timeout 60s` among the options, rules fill it: what they put there survives as long as
    the table is wanted to have a set of this name, which must tell of its type and timeout, too."""

    type: str
    elements: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Map:
    """`type` such as `ipv4_addr : verdict`; `elements` by their keys."""

    type: str
    elements: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a section of the table holds, by name."""

    chains: Mapping[str, Chain] = field(default_factory=dict)
    sets: Mapping[str, Set] = field(default_factory=dict)
    maps: Mapping[str, Map] = field(default_factory=dict)


class Section:
    """One contributor's part of the table."""

    def __init__(self, table: Table, name: str) -> None:
        self._table = table
        self._name = name

    async def put(self, content: Content) -> None:
        """Returns once the kernel has it (or something newer of this section). Raises NftError; the section's content
        is wanted all the same, and goes along with the next apply of anybody. Cancelled, it may have been applied."""
        await self._table.put(self._name, content)


class Table:
    """All sections. Register them before the first `put` of any: that waits for the content of all."""

    def __init__(self, cluster_id: str) -> None:
        self.name = table_name(cluster_id)
        self._sections: set[str] = set()
        self._wanted: dict[str, Content] = {}
        self._complete = asyncio.Event()
        self._applied: Content | None = None
        # One thread: transactions are made one after the other, each with all that is wanted when it begins.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nft")

    def section(self, name: str) -> Section:
        self._sections.add(name)
        return Section(self, name)

    async def put(self, section: str, content: Content) -> None:
        self._wanted[section] = content
        if self._sections <= self._wanted.keys():
            self._complete.set()
        while not self._complete.is_set():
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._complete.wait()
                break
            log.warning(
                "no rules yet: those of %s are waited for", ", ".join(self._sections - self._wanted.keys())
            )
        await asyncio.get_running_loop().run_in_executor(self._thread, self._apply)

    def _apply(self) -> None:
        wanted = _joined(list(self._wanted.values()))
        applied, self._applied = self._applied, None
        commands = changes(self.name, applied, wanted) if applied is not None else None
        if commands is None:
            self._replace(wanted)
        elif commands:
            try:
                run_nft(commands)
            except NftUnavailable:
                raise
            except NftError:
                self._replace(wanted)
        self._applied = wanted

    def _replace(self, wanted: Content) -> None:
        filled = [name for name, entry in wanted.sets.items() if _DYNAMIC in entry.options]
        run_nft([*replacement(self.name, wanted), *(_refill(self.name, filled) if filled else ())])


def table_name(cluster_id: str) -> str:
    return _PREFIX + cluster_id


def remove_table(cluster_id: str) -> None:
    """Of what is not there, no error. Blocks. Raises NftError or NftUnavailable."""
    run_nft(_removal(table_name(cluster_id)))


def chains_of_all_tables() -> dict[str, list[str]]:
    """The names of the chains of all clusters' tables on this machine, by table. Blocks. Raises NftError or
    NftUnavailable."""
    found: dict[str, list[str]] = {}
    table: list[str] = []
    for words in map(str.split, _nft(["list", "chains", _FAMILY]).splitlines()):
        if words[:2] == ["table", _FAMILY]:
            table = []
            if words[2].startswith(_PREFIX):
                found[words[2]] = table
        elif words[:1] == ["chain"]:
            table.append(words[1])
    return found


def run_nft(commands: Iterable[str]) -> None:
    """One transaction. Blocks. Raises NftError or NftUnavailable."""
    _nft(["-f", "-"], "\n".join([*commands, ""]))


def _nft(arguments: Sequence[str], commands: str = "") -> str:
    try:
        done = subprocess.run(
            ["nft", *arguments], input=commands, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise NftUnavailable("nft is not installed (package nftables)") from None
    except OSError as error:
        raise NftUnavailable(f"nft cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise NftError(f"nft did not end within {_TIMEOUT:.0f} s") from None
    if done.returncode == 0:
        return done.stdout
    message = done.stderr.strip()[:2000]
    if "Operation not permitted" in message:
        raise NftUnavailable("nft is not permitted to change the kernel's rules: it needs root (CAP_NET_ADMIN)")
    raise NftError(message)


def replacement(table: str, wanted: Content) -> list[str]:
    """The transaction that makes the whole table new."""
    return [*_removal(table), f"add table {_FAMILY} {table}", *(changes(table, Content(), wanted) or ())]


def changes(table: str, old: Content, new: Content) -> list[str] | None:
    """The smallest transaction from old to new, none of whose commands refers to what is not there yet, or deletes
    what is still referred to. None where something cannot be changed in place, but only made anew with the table."""
    if _changed_declarations(old, new):
        return None
    target = f"{_FAMILY} {table}"
    return [
        *_declarations(target, old, new),
        *_removed_elements(target, old, new),
        *_rules(target, old, new),
        *_added_elements(target, old, new),
        *_removed_chains(target, old, new),
        *(f"delete set {target} {name}" for name in old.sets if name not in new.sets),
        *(f"delete map {target} {name}" for name in old.maps if name not in new.maps),
    ]


def _refill(table: str, sets: Iterable[str]) -> Iterator[str]:
    """What rules have put into these sets of the table as it is, for as long as it still has to stay there."""
    try:
        listed = json.loads(_nft(["-j", "list", "sets", "table", _FAMILY, table]))["nftables"]
    except NftUnavailable:
        raise
    except NftError:
        return  # There is no such table yet.
    found = {entry["set"]["name"]: entry["set"].get("elem", ()) for entry in listed if "set" in entry}
    for name in sets:
        elements = (each["elem"] for each in found.get(name, ()) if isinstance(each, dict) and "elem" in each)
        kept = (f"{each['val']} expires {each['expires']}s" for each in elements if each.get("expires"))
        yield from _elements("add", f"{_FAMILY} {table}", name, kept)


def _removal(table: str) -> list[str]:
    """The `add` makes the `delete` succeed where there was no table."""
    return [f"add table {_FAMILY} {table}", f"delete table {_FAMILY} {table}"]


def _joined(contents: Iterable[Content]) -> Content:
    """Raises NftError when two sections use one name: that is a mistake of ours."""
    chains: dict[str, Chain] = {}
    sets: dict[str, Set] = {}
    maps: dict[str, Map] = {}
    count = 0
    for content in contents:
        chains.update(content.chains)
        sets.update(content.sets)
        maps.update(content.maps)
        count += len(content.chains) + len(content.sets) + len(content.maps)
    if count != len(chains) + len(sets) + len(maps) or sets.keys() & maps.keys():
        raise NftError("two sections of the table have something of the same name")
    return Content(chains, sets, maps)


def _changed_declarations(old: Content, new: Content) -> bool:
    pairs: list[tuple[Mapping[str, Set | Map], Mapping[str, Set | Map]]] = [
        (old.sets, new.sets), (old.maps, new.maps),
    ]  # fmt: skip
    return any(
        name in before and (before[name].type, before[name].options) != (entry.type, entry.options)
        for before, after in pairs
        for name, entry in after.items()
    ) or any(name in old.chains and old.chains[name].hook != chain.hook for name, chain in new.chains.items())


def _declarations(target: str, old: Content, new: Content) -> Iterator[str]:
    for kind, before, after in (("set", old.sets, new.sets), ("map", old.maps, new.maps)):
        for name, entry in after.items():
            if name not in before:
                options = "".join(f" {option} ;" for option in entry.options)
                yield f"add {kind} {target} {name} {{ type {entry.type} ;{options} }}"
    for name, chain in new.chains.items():
        if name not in old.chains:
            hook = f" {{ {chain.hook} ; policy accept ; }}" if chain.hook else ""
            yield f"add chain {target} {name}{hook}"


def _removed_elements(target: str, old: Content, new: Content) -> Iterator[str]:
    """Also those whose value changes: `add element` does not replace one."""
    for name, before in old.sets.items():
        if name in new.sets and new.sets[name].elements is not before.elements:
            yield from _elements("delete", target, name, before.elements - new.sets[name].elements)
    for name, then in old.maps.items():
        if name not in new.maps:
            continue
        now = new.maps[name].elements
        gone = [key for key, value in then.elements.items() if now.get(key) != value]
        yield from _elements("delete", target, name, (f"{key} : {then.elements[key]}" for key in gone))


def _added_elements(target: str, old: Content, new: Content) -> Iterator[str]:
    for name, after in new.sets.items():
        before = old.sets[name].elements if name in old.sets else frozenset()
        yield from _elements("add", target, name, after.elements - before)
    for name, now in new.maps.items():
        then = old.maps[name].elements if name in old.maps else {}
        come = (f"{key} : {value}" for key, value in now.elements.items() if then.get(key) != value)
        yield from _elements("add", target, name, come)


def _elements(verb: str, target: str, name: str, elements: Iterable[str]) -> Iterator[str]:
    text = ", ".join(elements)
    if text:
        yield f"{verb} element {target} {name} {{ {text} }}"


def _rules(target: str, old: Content, new: Content) -> Iterator[str]:
    for name, chain in new.chains.items():
        before = old.chains.get(name)
        if before is chain or (before is not None and before.rules == chain.rules):
            continue
        if before is not None and before.rules:
            yield f"flush chain {target} {name}"
        for rule in chain.rules:
            yield f"add rule {target} {name} {rule}"


def _removed_chains(target: str, old: Content, new: Content) -> Iterator[str]:
    """All are emptied first: they may refer to each other."""
    gone = [name for name in old.chains if name not in new.chains]
    for name in gone:
        yield f"flush chain {target} {name}"
    for name in gone:
        yield f"delete chain {target} {name}"
