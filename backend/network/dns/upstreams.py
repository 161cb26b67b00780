"""Who is asked for names that are not the cluster's.

As users of Kubernetes set it: the ConfigMap kube-system/kube-dns with `stubDomains` ({"acme.local": ["1.2.3.4"]}) and
`upstreamNameservers` (["1.2.3.4", "1.2.3.5:5353"]), both JSON; without the latter, those that this machine asks.
Source: kubernetes.io "Customizing DNS Service", k8s.io/dns pkg/dns/config.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from backend.machinery.resolv_conf import HostResolver
from backend.meta.addresses import parse_ip
from backend.meta.types import Obj

T = TypeVar("T")

PORT = 53
MAX_UPSTREAMS = 3
_DOMAIN = re.compile(r"([a-z0-9_]([-a-z0-9_]*[a-z0-9_])?\.)*[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?")


class Upstream(NamedTuple):
    address: str
    port: int = PORT


class ConfigError(Exception):
    """What a user wrote is not usable: why, in one sentence."""


@dataclass(frozen=True, slots=True)
class DnsConfig:
    stub_domains: Mapping[tuple[str, ...], tuple[Upstream, ...]] = field(default_factory=dict)
    """By the labels of the domain."""
    upstreams: tuple[Upstream, ...] = ()

    @classmethod
    def of(cls, config_map: Obj | None) -> DnsConfig:
        """Raises ConfigError."""
        data = (config_map or {}).get("data") or {}
        stubs: dict[str, object] = _json(data, "stubDomains", dict)
        domains: dict[tuple[str, ...], tuple[Upstream, ...]] = {}
        for domain, authorities in stubs.items():
            name = domain.lower().rstrip(".")
            if not _DOMAIN.fullmatch(name):
                raise ConfigError(f"stubDomains: invalid domain {json.dumps(domain)}")
            domains[tuple(name.split("."))] = _upstreams(authorities, f"stubDomains[{domain}]")
        servers: list[object] = _json(data, "upstreamNameservers", list)
        upstreams = _upstreams(servers, "upstreamNameservers")
        if len(upstreams) > MAX_UPSTREAMS:
            raise ConfigError(f"upstreamNameservers: at most {MAX_UPSTREAMS} may be given")
        return cls(domains, upstreams)


class Upstreams:
    """`own` are addresses that are this server's: whoever asks them would come back to us."""

    def __init__(self, host: HostResolver, own: Collection[Upstream] = ()) -> None:
        self._host = host
        self.own = own
        self.config = DnsConfig()

    def of(self, name: tuple[str, ...]) -> tuple[Upstream, ...]:
        """In the order in which they are asked; the stub domain that has most of the name's labels decides."""
        for start in range(len(name)):
            found = self.config.stub_domains.get(name[start:])
            if found:
                return found
        servers = self.config.upstreams or tuple(map(Upstream, self._host.read().nameservers))
        return tuple(server for server in servers if server not in self.own)


def _json(data: Mapping[str, str], key: str, shape: type[T]) -> T:
    text = data.get(key)
    if not text:
        return shape()
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None
    if not isinstance(value, shape):
        raise ConfigError(f"{key}: a JSON {'object' if shape is dict else 'array'} is needed")
    return value


def _upstreams(servers: object, where: str) -> tuple[Upstream, ...]:
    if not isinstance(servers, list):
        raise ConfigError(f"{where}: a JSON array of addresses is needed")
    return tuple(_upstream(server, where) for server in servers)


def _upstream(text: object, where: str) -> Upstream:
    """ADDRESS, IPV4:PORT or [IPV6]:PORT."""
    if isinstance(text, str):
        if parse_ip(text) is not None:
            return Upstream(text)
        host, _, port = text.rpartition(":")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if parse_ip(host) is not None and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return Upstream(host, int(port))
    raise ConfigError(f"{where}: {json.dumps(text)} is no address of a name server")
