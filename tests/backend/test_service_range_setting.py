"""The range of service addresses on the backend's command line."""

import pytest

from backend.config import parse


def test_ranges() -> None:
    assert parse(["--home", "/x"]).service_cidrs == []
    both = parse(["--home", "/x", "--service-cluster-ip-range", "10.1.0.0/24,fd00::/112"])
    assert both.service_cidrs == ["10.1.0.0/24", "fd00::/112"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "'x' does not appear to be an IPv4 or IPv6 network"),
        ("10.1.0.1/24", "10.1.0.1/24 has host bits set"),
        ("10.1.0.0/24,10.2.0.0/24", "more than one network of an IP family"),
        ("10.1.0.0/30", "a network with less than 8 addresses"),
    ],
)
def test_what_is_no_range_is_refused(text: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--home", "/x", "--service-cluster-ip-range", text])
    assert capsys.readouterr().err.endswith(f"argument --service-cluster-ip-range: {why}\n")
