"""pflag's grammar."""

from __future__ import annotations

import pytest

from minikctl.command import Flag
from minikctl.flags import FlagError, HelpWanted, go_quote, parse, parse_duration, parse_int, positional_words

FLAGS = (
    Flag("output", "string", "", "", short="o"),
    Flag("stdin", "bool", False, "", short="i"),
    Flag("tty", "bool", False, "", short="t"),
    Flag("watch", "bool", True, ""),
    Flag("tail", "int64", -1, ""),
    Flag("since", "duration", 0.0, ""),
    Flag("dry-run", "string", "none", "", no_opt="unchanged"),
    Flag("label-columns", "stringSlice", [], "", short="L"),
    Flag("from-literal", "stringArray", [], ""),
    Flag("pair", "stringToString", {}, ""),
)


@pytest.mark.parametrize(
    ("argv", "name", "value"),
    [
        (["--output=json"], "output", "json"),
        (["--output", "json"], "output", "json"),
        (["-o", "json"], "output", "json"),
        (["-ojson"], "output", "json"),
        (["-o=json"], "output", "json"),
        (["-o="], "output", "="),
        (["--output="], "output", ""),
        (["-itojson"], "output", "json"),
        (["--watch=false"], "watch", False),
        (["--dry-run"], "dry-run", "unchanged"),
        (["--dry-run=client"], "dry-run", "client"),
        (["-L", "a,b", "-Lc"], "label-columns", ["a", "b", "c"]),
        (["-L", '"a,b",c'], "label-columns", ["a,b", "c"]),
        (["--from-literal", "a,b", "--from-literal=c"], "from-literal", ["a,b", "c"]),
        (["--tail", "0x10"], "tail", 16),
        (["--since=1h1m1.5s"], "since", 3661.5),
        (["--pair", "a=1,b=2", "--pair=c=3"], "pair", {"a": "1", "b": "2", "c": "3"}),
    ],
)
def test_values(argv: list[str], name: str, value: object) -> None:
    parsed = parse(argv, FLAGS)
    assert parsed.values[name] == value
    assert name in parsed.changed


def test_flags_stand_anywhere_before_the_double_dash() -> None:
    parsed = parse(["pod", "-i", "web", "-", "--", "ls", "-t", "--foo"], FLAGS)
    assert parsed.args == ["pod", "web", "-", "ls", "-t", "--foo"]
    assert parsed.dashdash == 3
    assert parsed.changed == {"stdin"}


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-ix"], "unknown shorthand flag: 'x' in -x"),
        (["--output"], "flag needs an argument: --output"),
        (["-o"], "flag needs an argument: 'o' in -o"),
        (["-io"], "flag needs an argument: 'o' in -o"),
        (["---x"], "bad flag syntax: ---x"),
        (["--=x"], "bad flag syntax: --=x"),
        (
            ["--tail", "x"],
            'invalid argument "x" for "--tail" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            ["-i=maybe"],
            'invalid argument "maybe" for "-i, --stdin" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (["--since=5"], 'invalid argument "5" for "--since" flag: time: missing unit in duration "5"'),
        (["--pair=a"], 'invalid argument "a" for "--pair" flag: a must be formatted as key=value'),
    ],
)
def test_errors(argv: list[str], text: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(argv, FLAGS)
    assert str(caught.value) == text


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["-ih"], ["--output", "x", "-h"]])
def test_help_wins(argv: list[str]) -> None:
    with pytest.raises(HelpWanted):
        parse(argv, FLAGS)


def test_help_after_the_double_dash_is_an_argument() -> None:
    assert parse(["--", "-h"], FLAGS).args == ["-h"]


@pytest.mark.parametrize(("text", "number"), [("010", 8), ("0b11", 3), ("1_000", 1000), ("-5", -5), ("+5", 5)])
def test_integers_as_go_reads_them(text: str, number: int) -> None:
    assert parse_int(text) == number


@pytest.mark.parametrize("text", ["", "1x", "--5", "9223372036854775808", "1.0", " 1"])
def test_no_integers(text: str) -> None:
    with pytest.raises(ValueError, match=r"^strconv\.ParseInt: parsing "):
        parse_int(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("1.5h", 5400), ("-2m", -120), ("1m30s", 90), ("300ms", 0.3)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


def test_words_before_the_command_is_known() -> None:
    assert [word for _, word in positional_words(["-o", "x", "get", "--foo", "y", "-i", "pods"], FLAGS)] == [
        "get",
        "pods",
    ]


def test_go_quote() -> None:
    assert go_quote('a"b\\\n\x01é😀') == r'"a\"b\\\n\x01é😀"'
