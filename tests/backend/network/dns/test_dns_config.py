"""The ConfigMap kube-dns, as users of Kubernetes write it."""

from __future__ import annotations

import pytest

from backend.network.dns.upstreams import ConfigError, DnsConfig, Upstream


def config(**data: str) -> DnsConfig:
    return DnsConfig.of({"data": data})


def test_the_example_of_the_documentation() -> None:
    found = config(stubDomains='{"acme.local": ["1.2.3.4"]}', upstreamNameservers='["8.8.8.8", "8.8.4.4"]')
    assert found.stub_domains == {("acme", "local"): (Upstream("1.2.3.4"),)}
    assert found.upstreams == (Upstream("8.8.8.8"), Upstream("8.8.4.4"))
    assert DnsConfig.of(None) == DnsConfig() == config()


def test_ports() -> None:
    found = config(upstreamNameservers='["10.0.0.1:5353", "[fd00::1]:5353", "fd00::1"]')
    assert found.upstreams == (Upstream("10.0.0.1", 5353), Upstream("fd00::1", 5353), Upstream("fd00::1"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"stubDomains": "{"}, "stubDomains: Expecting property name"),
        ({"stubDomains": "[]"}, "stubDomains: a JSON object is needed"),
        ({"stubDomains": '{"a_b..c": ["1.2.3.4"]}'}, "stubDomains: invalid domain"),
        ({"stubDomains": '{"": ["1.2.3.4"]}'}, "stubDomains: invalid domain"),
        ({"stubDomains": '{"a": "1.2.3.4"}'}, r"stubDomains\[a\]: a JSON array of addresses is needed"),
        ({"stubDomains": '{"a": ["ns.example"]}'}, "is no address of a name server"),
        ({"upstreamNameservers": "{}"}, "upstreamNameservers: a JSON array is needed"),
        ({"upstreamNameservers": "[7]"}, "upstreamNameservers: 7 is no address"),
        ({"upstreamNameservers": '["1.2.3.4:99999"]'}, "is no address of a name server"),
        ({"upstreamNameservers": '["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]'}, "at most 3 may be given"),
    ],
)
def test_what_cannot_be_used_is_said(data: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        config(**data)
