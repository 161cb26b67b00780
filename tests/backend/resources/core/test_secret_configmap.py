"""Secrets and config maps: what is refused, in kube-apiserver's words, and what a write makes of them."""

import base64

import pytest

from backend.resources.core.configmap import CONFIG_MAP
from backend.resources.core.payload import MAX_BYTES, decoded_size
from backend.resources.core.secret import SECRET

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def secret(kind="", **fields):
    made = {"metadata": {"name": "s"}, "type": kind, **fields}
    SECRET.default(made)
    return made


def faults(obj, resource=SECRET):
    return [str(cause) for cause in resource.validate(obj)]


def config_map(**fields):
    return {"metadata": {"name": "m"}, **fields}


def test_a_secret_is_opaque_unless_it_says_otherwise():
    assert secret()["type"] == "Opaque"
    assert secret("kubernetes.io/tls")["type"] == "kubernetes.io/tls"


def test_string_data_goes_into_data_and_wins():
    made = secret(data={"a": encoded("old"), "b": encoded("kept")}, stringData={"a": "new", "c": "ünï"})
    assert made["data"] == {"a": encoded("new"), "b": encoded("kept"), "c": encoded("ünï")}
    assert "stringData" not in made


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "abcd"])
def test_decoded_size(text):
    assert decoded_size(encoded(text)) == len(text)


def test_sizes_are_limited_to_a_mebibyte_in_all():
    half = encoded("x" * (MAX_BYTES // 2))
    assert faults(secret(data={"a": half, "b": half})) == []
    assert faults(secret(data={"a": half, "b": half, "c": encoded("x")})) == [
        "data: Too long: may not be more than 1048576 bytes"
    ]
    text = "x" * (MAX_BYTES // 2)
    assert faults(config_map(data={"a": text}, binaryData={"b": half}), CONFIG_MAP) == []
    assert faults(config_map(data={"a": text + "x"}, binaryData={"b": half}), CONFIG_MAP) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]


def test_sizes_count_bytes_and_not_characters():
    assert faults(config_map(data={"a": "ü" * (MAX_BYTES // 2 + 1)}), CONFIG_MAP) != []


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("a b", KEY_RULE),
        ("..", "must not be '..'"),
        (".", "must not be '.'"),
        ("..a", "must not start with '..'"),
        ("x" * 254, "must be no more than 253 characters"),
    ],
)
def test_keys(key, fault):
    assert faults(secret(data={key: ""})) == [f'data[{key}]: Invalid value: "{key}": {fault}']
    assert faults(config_map(data={key: ""}), CONFIG_MAP) == [f'data[{key}]: Invalid value: "{key}": {fault}']
    assert faults(config_map(binaryData={key: ""}), CONFIG_MAP) == [
        f'binaryData[{key}]: Invalid value: "{key}": {fault}'
    ]


def test_a_key_is_in_one_of_the_two_maps():
    assert faults(config_map(data={"a": ""}, binaryData={"a": ""}), CONFIG_MAP) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData'
    ]


REDACTED = 'Invalid value: "<secret contents redacted>"'
DOCKER = "kubernetes.io/dockerconfigjson"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (secret(DOCKER), ["data[.dockerconfigjson]: Required value"]),
        (secret(DOCKER, data={".dockerconfigjson": encoded('{"auths":{}}')}), []),
        (
            secret(DOCKER, data={".dockerconfigjson": encoded("x")}),
            [f"data[.dockerconfigjson]: {REDACTED}: invalid character 'x' looking for beginning of value"],
        ),
        (
            secret(DOCKER, data={".dockerconfigjson": encoded("")}),
            [f"data[.dockerconfigjson]: {REDACTED}: unexpected end of JSON input"],
        ),
        (
            secret(DOCKER, data={".dockerconfigjson": encoded("[]")}),
            [
                f"data[.dockerconfigjson]: {REDACTED}: "
                "json: cannot unmarshal array into Go value of type map[string]interface {}"
            ],
        ),
        (secret("kubernetes.io/dockercfg"), ["data[.dockercfg]: Required value"]),
        (
            secret("kubernetes.io/basic-auth"),
            ["data[username]: Required value", "data[password]: Required value"],
        ),
        (secret("kubernetes.io/basic-auth", data={"password": ""}), []),
        (secret("kubernetes.io/ssh-auth", data={"ssh-privatekey": ""}), ["data[ssh-privatekey]: Required value"]),
        (secret("kubernetes.io/ssh-auth", data={"ssh-privatekey": encoded("k")}), []),
        (secret("kubernetes.io/tls"), ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        (secret("kubernetes.io/tls", data={"tls.crt": "", "tls.key": ""}), []),
        (
            secret("kubernetes.io/service-account-token"),
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        (secret("example.com/mine", data={"x": ""}), []),
    ],
)
def test_types_prescribe_keys(made, expected):
    assert faults(made) == expected


def test_the_type_of_a_secret_stays():
    found = SECRET.validate_update(secret("kubernetes.io/tls", data={"tls.crt": "", "tls.key": ""}), secret())
    assert [str(cause) for cause in found] == ['type: Invalid value: "kubernetes.io/tls": field is immutable']


IMMUTABLE = "Forbidden: field is immutable when `immutable` is set"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"immutable": True, "data": {"a": ""}}, []),
        ({"immutable": True, "data": {"a": "eA=="}}, [f"data: {IMMUTABLE}"]),
        ({"immutable": True}, [f"data: {IMMUTABLE}"]),
        ({"immutable": False, "data": {"a": ""}}, [f"immutable: {IMMUTABLE}"]),
        ({"data": {"a": ""}}, [f"immutable: {IMMUTABLE}"]),
    ],
)
def test_what_is_immutable_stays(new, expected):
    old = {"immutable": True, "data": {"a": ""}}
    assert [str(c) for c in SECRET.validate_update(secret(**new), secret(**old))] == expected
    assert [str(c) for c in CONFIG_MAP.validate_update(config_map(**new), config_map(**old))] == expected


def test_what_is_not_immutable_may_become_so():
    assert SECRET.validate_update(secret(immutable=True, data={"b": ""}), secret(data={"a": ""})) == []


def test_binary_data_of_an_immutable_config_map_stays():
    old = config_map(immutable=True, binaryData={"a": ""})
    found = CONFIG_MAP.validate_update(config_map(immutable=True), old)
    assert [str(cause) for cause in found] == [f"binaryData: {IMMUTABLE}"]


def test_tables():
    stamped = {"name": "s", "creationTimestamp": "2023-11-14T22:13:00Z"}
    assert SECRET.row(secret(metadata=stamped, data={"a": "", "b": ""}), 1_700_000_000.0) == [
        "s",
        "Opaque",
        2,
        "20s",
    ]
    both = config_map(metadata=stamped, data={"a": ""}, binaryData={"b": ""})
    assert CONFIG_MAP.row(both, 1_700_000_000.0) == ["s", 2, "20s"]


def test_defaulting_a_secret_twice_changes_nothing_more():
    made = secret(stringData={"a": "b"})
    again = dict(made)
    SECRET.default(again)
    assert again == made
