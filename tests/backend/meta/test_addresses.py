"""IP addresses and CIDRs, strictly for what is new and leniently for what was there."""

import pytest

from backend.meta import addresses

BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
BAD_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10.0.0.1", ""),
        ("2001:db8::1", ""),
        ("2001:DB8:0:0::1", ""),
        ("", BAD_IP),
        ("10.0.0", BAD_IP),
        ("10.0.0.256", BAD_IP),
        ("fe80::1%eth0", BAD_IP),
        (" 10.0.0.1", BAD_IP),
        ("10.0.0.01", "must not have leading 0s"),
        ("010.000.000.001", "must not have leading 0s"),
        ("::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"),
    ],
)
def test_faults_of_a_new_address(text: str, fault: str) -> None:
    assert addresses.ip_fault(text) == fault
    assert not addresses.ip_causes("x", text, accepted=[text])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10.0.0.0/8", ""),
        ("2001:db8::/64", ""),
        ("0.0.0.0/0", ""),
        ("10.0.0.0", BAD_CIDR),
        ("10.0.0.0/33", BAD_CIDR),
        ("10.0.0.0/-1", BAD_CIDR),
        ("10.0.0.0/8/8", BAD_CIDR),
        ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
        ("010.0.0.0/8", "must not have leading 0s in IP or prefix length"),
        ("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"),
        ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
    ],
)
def test_faults_of_a_new_cidr(text: str, fault: str) -> None:
    found = addresses.cidr_causes("x", text)
    assert [cause.message.partition('": ')[2] for cause in found] == [fault] * bool(fault)


def test_older_text_is_read_as_it_was_meant() -> None:
    assert str(addresses.parse_ip("010.0.0.09")) == "10.0.0.9"
    assert addresses.family("::ffff:10.0.0.1") == "IPv4"
    found = addresses.parse_cidr("::ffff:10.0.0.1/104")
    assert found is not None
    assert [str(each) for each in found] == ["10.0.0.1", "10.0.0.0/8"]


def test_names_of_addresses_are_canonical() -> None:
    assert addresses.canonical_ip_faults("2001:db8::1") == []
    assert addresses.canonical_ip_faults("2001:DB8::1") == ['must be in canonical form ("2001:db8::1")']
    (cause,) = addresses.canonical_cidr_causes("spec.cidrs[0]", "2001:db8:0::/64")
    assert cause.message == ('Invalid value: "2001:db8:0::/64": must be in canonical form ("2001:db8::/64")')


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10.0.0.1", ""),
        ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
        ("127.9.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("224.0.0.9", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("224.0.1.1", ""),
    ],
)
def test_addresses_that_nothing_can_be_sent_to(text: str, fault: str) -> None:
    found = addresses.special_ip_causes("x", text)
    assert [cause.message.partition('": ')[2] for cause in found] == [fault] * bool(fault)


def test_warnings() -> None:
    assert addresses.ip_warnings("x", "10.0.0.1") == []
    assert addresses.ip_warnings("x", "10.0.0.01") == [
        'x: non-standard IP address "10.0.0.01" will be considered invalid in a future Kubernetes release: use'
        ' "10.0.0.1"'
    ]
    assert addresses.ip_warnings("x", "2001:DB8::1") == [
        'x: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'
    ]
    assert addresses.cidr_warnings("x", "10.0.0.1/8") == [
        'x: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'
    ]
    assert addresses.cidr_warnings("x", "2001:DB8::/64") == [
        'x: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")'
    ]
