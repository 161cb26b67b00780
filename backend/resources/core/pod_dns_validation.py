"""Rules of name resolution in a pod. Source: validatePodDNSConfig, validateDNSPolicy, ValidateHostAliases."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_CHARACTERS = 2048


def validate_dns(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    policy = spec.get("dnsPolicy", "")
    if policy not in _POLICIES:
        found.append(causes.not_supported(f"{path}.dnsPolicy", policy, _POLICIES))
    config: Obj | None = spec.get("dnsConfig")
    here = f"{path}.dnsConfig"
    if policy == "None":
        if config is None:
            found.append(causes.required(here, "must provide `dnsConfig` when `dnsPolicy` is None"))
        elif not config.get("nameservers"):
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            found.append(causes.required(f"{here}.nameservers", detail))
    return found + _validate_config(config or {}, here)


def _validate_config(config: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > _MAX_NAMESERVERS:
        detail = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        found.append(causes.invalid_value(f"{path}.nameservers", servers, detail))
    for index, server in enumerate(servers):
        found += validate_ip(server, f"{path}.nameservers[{index}]")
    if len(searches) > _MAX_SEARCHES:
        found.append(
            causes.invalid_value(
                f"{path}.searches", searches, f"must not have more than {_MAX_SEARCHES} search paths"
            )
        )
    if len(" ".join(searches)) > _MAX_SEARCH_CHARACTERS:
        detail = (
            f"must not have more than {_MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        )
        found.append(causes.invalid_value(f"{path}.searches", searches, detail))
    for index, search in enumerate(searches):
        if search == ".":
            continue
        # An underscore is fine in a search path, though not in a DNS-1123 subdomain.
        faults = names.dns1123_subdomain(search.removesuffix(".").replace("_", "-"))
        found += causes.each_invalid(f"{path}.searches[{index}]", search, faults)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            found.append(causes.required(f"{path}.options[{index}]", "must not be empty"))
    return found


def validate_ip(text: str, path: str) -> list[Cause]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [causes.invalid_value(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


def validate_host_aliases(aliases: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, alias in enumerate(aliases):
        found += validate_ip(alias.get("ip", ""), f"{path}[{index}].ip")
        for name in alias.get("hostnames") or ():
            found += causes.each_invalid(f"{path}[{index}].hostnames", name, names.dns1123_subdomain(name))
    return found
