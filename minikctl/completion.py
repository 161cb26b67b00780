"""What may come next on the command line: `minikctl __complete WORDS...`, which the shells' scripts call.

The answer is a candidate a line, with its description after a tab, and a last line `:N` of cobra's directives:
4 says that file names are no candidates, 0 that they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from minikctl import index
from minikctl.client.errors import Aggregate, ConnectError, Failure, NoResourceMatch, StatusError
from minikctl.client.factory import Factory
from minikctl.command import Command, CommandError, Flag, Invocation, Streams
from minikctl.flags import FlagError, HelpWanted, Parsed, parse, positional_words
from minikctl.globals import GLOBAL_FLAGS, with_globals

FILES, NO_FILES = 0, 4
_FILE_FLAGS = ("filename", "kubeconfig", "certificate-authority", "client-certificate", "client-key", "from-file")
_BY_RESOURCE = ("get", "describe", "delete")
_BY_NAME = {"logs": "pods", "exec": "pods", "service": "services"}
"""What the first argument names."""


def complete(words: Sequence[str], streams: Streams) -> int:
    """Print what the last word (maybe empty) can become. Errors are silent: there is then nothing to offer."""
    try:
        candidates, directive = candidates_for(list(words), streams)
    except (Aggregate, ConnectError, Failure, NoResourceMatch, StatusError, CommandError, FlagError, HelpWanted):
        candidates, directive = [], NO_FILES
    streams.out.write("".join(f"{candidate}\n" for candidate in candidates) + f":{directive}\n")
    return 0


def candidates_for(words: list[str], streams: Streams) -> tuple[list[str], int]:
    """(candidates for the last of `words`, directive)."""
    *before, last = words or [""]
    named = [word for _, word in positional_words(before, GLOBAL_FLAGS)]
    path, taken = index.resolve(named)
    place = index.COMMANDS.get(path)
    command = index.load(path) if isinstance(place, str) else None
    flags = with_globals(command.flags if command else ())
    if before and (flag := _waiting(before[-1], flags)) is not None:
        return _values(flag, last, "", before[:-1], flags, streams)
    if last.startswith("--") and "=" in last:
        name, _, value = last.partition("=")
        given = next((flag for flag in flags if f"--{flag.name}" == name), None)
        return _values(given, value, f"{name}=", before, flags, streams) if given else ([], NO_FILES)
    if last.startswith("-"):
        return [f"--{flag.name}\t{flag.usage}" for flag in flags if f"--{flag.name}".startswith(last)], NO_FILES
    if taken == len(named) and (children := index.children(path)):
        return [child for child in children if child.startswith(last)], NO_FILES
    if command is None:
        return [], NO_FILES
    call = _call(before, named[:taken], flags, streams)
    if command.complete is not None:
        return command.complete(call, last), NO_FILES
    return _arguments(path, command, call, last)


def _waiting(word: str, flags: Sequence[Flag]) -> Flag | None:
    """The flag whose value must come next."""
    for flag in flags:
        if flag.type != "bool" and flag.no_opt is None and word in (f"--{flag.name}", f"-{flag.short}"):
            return flag
    return None


def _call(before: list[str], path: list[str], flags: Sequence[Flag], streams: Streams) -> Invocation:
    rest = list(before)
    for word in path:
        rest.remove(word)
    parsed: Parsed = parse(rest, flags)
    changed = frozenset(parsed.changed)
    quiet = Streams(streams.stdin, streams.out, streams.err)
    factory = Factory(parsed.values, changed, quiet)
    return Invocation(parsed.args, parsed.values, changed, parsed.dashdash, quiet, factory)


def _values(
    flag: Flag, last: str, prefix: str, before: list[str], flags: Sequence[Flag], streams: Streams
) -> tuple[list[str], int]:
    if flag.name in _FILE_FLAGS:
        return [], FILES
    path = index.resolve([word for _, word in positional_words(before, GLOBAL_FLAGS)])[0].split()
    values: list[str] = []
    if flag.name == "namespace":
        values = _names(_call(before, path, flags, streams).factory, "namespaces")
    elif flag.name == "output":
        from minikctl.output.printers import COLUMN_FORMATS, FORMATS

        values = sorted((*FORMATS, *COLUMN_FORMATS, "wide"))
    elif flag.name == "cluster":
        values = _profiles()
    elif flag.name == "dry-run":
        values = ["none", "client", "server"]
    return [f"{prefix}{value}" for value in values if value.startswith(last)], NO_FILES


def _profiles() -> list[str]:
    import os

    from minikctl.client.kubeconfig import home

    try:
        return sorted(os.listdir(os.path.join(home(), "clusters")))
    except OSError:
        return []


def _arguments(path: str, command: Command, call: Invocation, last: str) -> tuple[list[str], int]:
    verb = path.split()[0]
    if verb in _BY_RESOURCE:
        return _resources(call, last), NO_FILES
    if verb in _BY_NAME:
        if call.args:
            return [], NO_FILES
        return [name for name in _names(call.factory, _BY_NAME[verb]) if name.startswith(last)], NO_FILES
    if path == "completion":
        return [shell for shell in ("bash", "fish", "zsh") if shell.startswith(last) and not call.args], NO_FILES
    return [], NO_FILES


def _resources(call: Invocation, last: str) -> list[str]:
    factory = call.factory
    if call.args and "/" not in call.args[0]:
        taken = set(call.args[1:])
        return [name for name in _names(factory, call.args[0]) if name.startswith(last) and name not in taken]
    kind, slash, name = last.partition("/")
    if slash:
        return [f"{kind}/{found}" for found in _names(factory, kind) if found.startswith(name)]
    done, comma, part = last.rpartition(",")
    known = sorted({mapping.resource for mapping in factory.mapper.resources() if "list" in mapping.verbs})
    return [f"{done}{comma}{resource}" for resource in known if resource.startswith(part)]


def _names(factory: Factory, resource: str) -> list[str]:
    mapping = factory.mapper.find(resource)
    namespace = factory.namespace if mapping.namespaced else ""
    answer = factory.client.get(mapping.path(namespace), {"limit": "500"})
    return [item["metadata"]["name"] for item in answer.get("items") or []]
