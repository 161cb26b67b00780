"""What names, keys and values may look like. Each rule gives kube-apiserver's texts; an empty list is "valid".

Source: k8s.io/apimachinery/pkg/util/validation and pkg/api/validate/content. Lengths are bytes of UTF-8. The rules
that moved to `content` say "bytes" where the older ones still say "characters".
"""

from __future__ import annotations

import re
from functools import lru_cache

_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_1123 = _LABEL_1123 + r"(\." + _LABEL_1123 + ")*"
_WILDCARD_1123 = r"\*\." + _SUBDOMAIN_1123
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_ENV_NAME = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_HTTP_HEADER = "[-A-Za-z0-9]+"
_PERCENT = "[0-9]+%"

_label_1123 = re.compile(_LABEL_1123).fullmatch
_subdomain_1123 = re.compile(_SUBDOMAIN_1123).fullmatch
_wildcard_1123 = re.compile(_WILDCARD_1123).fullmatch
_qualified = re.compile(_QUALIFIED).fullmatch
_label_value = re.compile(_LABEL_VALUE).fullmatch
_config_key = re.compile(_CONFIG_KEY).fullmatch

# Namespaces, keys and values of labels, keys of data: the same ones come again and again. Nothing long is remembered.
_REMEMBERED = 2048
_known_label_1123 = lru_cache(_REMEMBERED)(_label_1123)
_known_label_value = lru_cache(_REMEMBERED)(_label_value)
_known_config_key = lru_cache(_REMEMBERED)(_config_key)

_QUALIFIED_CHARS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character"
)


def _regex_error(text: str, pattern: str, *examples: str) -> str:
    quoted = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {quoted}regex used for validation is '{pattern}')"


def _too_long(value: str, limit: int, unit: str) -> list[str]:
    """UTF-8 is never shorter than the text, so that the encoding is paid for only near the limit."""
    if len(value) > limit or (not value.isascii() and len(value.encode("utf-8", "surrogatepass")) > limit):
        return [f"must be no more than {limit} {unit}"]
    return []


def mask_trailing_dash(name: str) -> str:
    """A generateName is a prefix: a dash at its end is valid, since something follows it."""
    return name[:-1] + "a" if len(name) > 1 and name.endswith("-") else name


def dns1123_label(name: str) -> list[str]:
    if len(name) <= 63 and _known_label_1123(name):
        return []
    errors = _too_long(name, 63, "bytes")
    if not _label_1123(name):
        if _subdomain_1123(name):
            errors.append("must not contain dots")
        else:
            text = (
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
                " start and end with an alphanumeric character"
            )
            errors.append(_regex_error(text, _LABEL_1123, "my-name", "123-abc"))
    return errors


def dns1035_label(name: str) -> list[str]:
    """The name of a Service before 1.34, of a resource in a group: a label that begins with a letter."""
    errors = _too_long(name, 63, "characters")
    if not re.fullmatch(_LABEL_1035, name):
        text = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
            " character, and end with an alphanumeric character"
        )
        errors.append(_regex_error(text, _LABEL_1035, "my-name", "abc-123"))
    return errors


def dns1123_subdomain(name: str) -> list[str]:
    if len(name) <= 253 and _subdomain_1123(name):
        return []
    errors = _too_long(name, 253, "bytes")
    if not _subdomain_1123(name):
        text = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and"
            " must start and end with an alphanumeric character"
        )
        errors.append(_regex_error(text, _SUBDOMAIN_1123, "example.com"))
    return errors


def wildcard_dns1123_subdomain(name: str) -> list[str]:
    """`*.example.com`. Source: IsWildcardDNS1123Subdomain."""
    errors = _too_long(name, 253, "characters")
    if not _wildcard_1123(name):
        text = (
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist"
            " of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
        )
        errors.append(_regex_error(text, _WILDCARD_1123, "*.example.com"))
    return errors


def qualified_name(value: str) -> list[str]:
    """A label or annotation key, a finalizer, a resource name: `[DNS subdomain/]name`."""
    return [*(_known_qualified_errors(value) if len(value) <= 253 + 1 + 63 else _qualified_errors(value))]


def _qualified_errors(value: str) -> list[str]:
    if len(value) <= 63 and _qualified(value):
        return []
    errors: list[str] = []
    parts = value.split("/")
    if len(parts) > 2:
        text = _regex_error(f"a valid label key {_QUALIFIED_CHARS}", _QUALIFIED, "MyName", "my.name", "123-abc")
        return [f"{text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if len(parts) == 2:
        if not parts[0]:
            errors.append("prefix part must be non-empty")
        else:
            errors.extend(f"prefix part {error}" for error in dns1123_subdomain(parts[0]))
    name = parts[-1]
    if not name:
        errors.append("name part must be non-empty")
    else:
        errors.extend(f"name part {error}" for error in _too_long(name, 63, "bytes"))
    if not _qualified(name):
        text = _regex_error(_QUALIFIED_CHARS, _QUALIFIED, "MyName", "my.name", "123-abc")
        errors.append(f"name part {text}")
    return errors


_known_qualified_errors = lru_cache(_REMEMBERED)(_qualified_errors)


def label_value(value: str) -> list[str]:
    if len(value) <= 63 and _known_label_value(value):
        return []
    errors = _too_long(value, 63, "bytes")
    if not _label_value(value):
        text = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and"
            " must start and end with an alphanumeric character"
        )
        errors.append(_regex_error(text, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return errors


def _dot_names(value: str) -> list[str]:
    if value in {".", ".."}:
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def config_map_key(key: str) -> list[str]:
    """A key of a ConfigMap's or a Secret's data."""
    if len(key) <= 253 and key[:1] != "." and _known_config_key(key):
        return []
    errors = _too_long(key, 253, "characters")
    if not _config_key(key):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        errors.append(_regex_error(text, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return errors + _dot_names(key)


def env_var_name(name: str) -> list[str]:
    """The rule of `kubectl create --from-env-file` and `kubectl set env`; a pod's is `relaxed_env_var_name`."""
    errors: list[str] = []
    if not re.fullmatch(_ENV_NAME, name):
        text = (
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.',"
            " and must not start with a digit"
        )
        errors.append(_regex_error(text, _ENV_NAME, "my.env-name", "MY_ENV.NAME", "MyEnvName1"))
    return errors + _dot_names(name)


def relaxed_env_var_name(name: str) -> list[str]:
    """What kube-apiserver accepts in a container's env since 1.34."""
    if not name:
        return ["environment variable name must be non-empty"]
    if any(not " " <= char <= "~" or char == "=" for char in name):
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    return []


def port_name(name: str) -> list[str]:
    """IANA service names: the name of a container's port."""
    errors = _too_long(name, 15, "characters")
    if not re.fullmatch("[-a-z0-9]+", name):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        errors.append("must contain at least one letter (a-z)")
    if "--" in name:
        errors.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def port_number(port: int) -> list[str]:
    return [] if 1 <= port <= 65535 else ["must be between 1 and 65535, inclusive"]


def http_header_name(name: str) -> list[str]:
    if re.fullmatch(_HTTP_HEADER, name):
        return []
    text = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [_regex_error(text, _HTTP_HEADER, "X-Header-Name")]


def percent(text: str) -> list[str]:
    """`50%`, where a number or a share of it may be given."""
    if re.fullmatch(_PERCENT, text):
        return []
    return [
        _regex_error(
            "a valid percent string must be a numeric string followed by an ending '%'", _PERCENT, "1%", "93%"
        )
    ]


def path_segment(name: str) -> list[str]:
    """The least that is asked of a name which has no rule of its own: that it fits into a URL's path."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in name]
