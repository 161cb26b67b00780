"""How a pod resolves names: what its resolv.conf says. Source: pkg/kubelet/network/dns/dns.go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.machinery.resolv_conf import HostResolver, ResolvConf
from backend.meta.types import Obj

MAX_NAMESERVERS, MAX_SEARCHES, MAX_SEARCH_CHARS, MAX_SEARCH = 3, 32, 2048, 253
NO_SEARCH = "."
_MISSING = (
    'pod: "{}". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy.'
    ' Falling back to "Default" policy.'
)
_EXCEEDED = "{} limits were exceeded, some {} have been omitted, the applied {} line is: {}"


@dataclass(frozen=True, slots=True)
class ClusterDns:
    """The cluster's own DNS. Without servers pods get the host's."""

    servers: tuple[str, ...] = ()
    domain: str = "cluster.local"
    host: HostResolver = field(default_factory=HostResolver)


@dataclass(frozen=True, slots=True)
class PodDns:
    """Nothing at all means as the engine does it by itself: as this machine does. `warnings` are (reason, message)."""

    servers: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)


def pod_dns(pod: Obj, cluster: ClusterDns) -> PodDns:
    meta, spec = pod["metadata"], pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    own = spec.get("dnsConfig") or {}
    found = PodDns()
    in_cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.get("hostNetwork"))
    if in_cluster and not cluster.servers:
        pod_name = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        found.warnings.append(("MissingClusterDNS", _MISSING.format(pod_name)))
    if policy == "None":
        base = ResolvConf()
    elif in_cluster and cluster.servers:
        searches = (f"{meta['namespace']}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain)
        host = [name for name in cluster.host.read().searches if name != NO_SEARCH]
        base = ResolvConf(cluster.servers, (*searches, *host), ("ndots:5",))
    elif own:
        base = cluster.host.read()
    else:
        return found
    found.servers.extend(_fitting_servers([*base.nameservers, *(own.get("nameservers") or ())], found.warnings))
    found.searches.extend(_fitting_searches([*base.searches, *(own.get("searches") or ())], found.warnings))
    found.options.extend(_merged(base.options, own.get("options") or ()))
    if not found.searches:
        found.searches.append(NO_SEARCH)  # Else the engine takes this machine's.
    return found


def _merged(options: Iterable[str], own: Iterable[Obj]) -> list[str]:
    by_name = {option.partition(":")[0]: option for option in options}
    by_name |= {
        option["name"]: f"{option['name']}:{option['value']}" if option.get("value") else option["name"]
        for option in own
    }
    return [*by_name.values()]


def _fitting_servers(servers: Iterable[str], warnings: list[tuple[str, str]]) -> list[str]:
    wanted = [*dict.fromkeys(servers)]
    fitting = wanted[:MAX_NAMESERVERS]
    if fitting != wanted:
        message = _EXCEEDED.format("Nameserver", "nameservers", "nameserver", " ".join(fitting))
        warnings.append(("DNSConfigForming", message))
    return fitting


def _fitting_searches(searches: Iterable[str], warnings: list[tuple[str, str]]) -> list[str]:
    wanted = [*dict.fromkeys(searches)]
    fitting = [name for name in wanted[:MAX_SEARCHES] if len(name) <= MAX_SEARCH]
    while len(" ".join(fitting)) > MAX_SEARCH_CHARS:
        fitting.pop()
    if fitting != wanted:
        message = _EXCEEDED.format("Search Line", "search paths", "search", " ".join(fitting))
        warnings.append(("DNSConfigForming", message))
    return fitting
