"""What trust bundles may be called and hold, and how pods may ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.apiserver import pki
from backend.meta.types import Obj
from backend.resources.certificates import bundle_rules
from backend.resources.certificates.bundle_projection import validate_bundle_projection


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.ensure(tmp_path_factory.mktemp("pki"))


def bundle(text: str, name: str = "x", **spec: str) -> Obj:
    return {"metadata": {"name": name}, "spec": {"trustBundle": text, **spec}}


def faults(obj: Obj) -> list[str]:
    return [str(cause) for cause in bundle_rules.validate(obj)]


def anchor(path: Path) -> str:
    return path.read_text()


def test_a_ca_is_an_anchor(keys: pki.Pki) -> None:
    assert faults(bundle(f"some text\n{anchor(keys.ca_cert)}")) == []
    assert faults(bundle(anchor(keys.ca_cert), "a.b:c:x", signerName="a.b/c")) == []


def test_what_is_no_anchor(keys: pki.Pki) -> None:
    omitted = 'spec.trustBundle: Invalid value: "<value omitted>": '
    assert faults(bundle("")) == [f"{omitted}at least one trust anchor must be provided"]
    assert faults(bundle(anchor(keys.server_cert))) == [f"{omitted}entry 0 does not have the CA bit set"]
    assert faults(bundle(anchor(keys.ca_key))) == [f"{omitted}entry 0 has bad block type: PRIVATE KEY"]
    twice = anchor(keys.ca_cert) * 2
    assert faults(bundle(twice)) == [f"{omitted}duplicate trust anchor (indices [0 1])"]
    broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert faults(bundle(broken)) == [f"{omitted}entry 0 does not parse as X.509"]
    headers = anchor(keys.ca_cert).replace("-----\n", "-----\nA: b\n\n", 1)
    assert faults(bundle(headers)) == [f"{omitted}entry 0 has PEM block headers"]


def test_a_name_tells_the_signer(keys: pki.Pki) -> None:
    text = anchor(keys.ca_cert)
    assert faults(bundle(text, "a:b")) == [
        'metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name'
    ]
    assert faults(bundle(text, "x", signerName="a.b/c")) == [
        'metadata.name: Invalid value: "x": ClusterTrustBundle for signerName a.b/c must be named with prefix a.b:c:'
    ]


def test_a_bundle_keeps_its_signer(keys: pki.Pki) -> None:
    old = bundle(anchor(keys.ca_cert), "a.b:c:x", signerName="a.b/c")
    new = bundle("not looked at again", "a.b:c:x", signerName="a.b/c")
    assert bundle_rules.validate_update(new, new) == []
    (cause,) = bundle_rules.validate_update({**old, "spec": {**old["spec"], "signerName": ""}}, old)[1:]
    assert str(cause) == 'spec.signerName: Invalid value: "": field is immutable'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"name": "x"}, []),
        ({"name": "a.b:c:x"}, []),
        ({"signerName": "a.b/c", "labelSelector": {}}, []),
        ({}, ["p: Required value: either name or signerName must be specified"]),
        ({"name": "x", "labelSelector": {}},
         ["p.labelSelector: Invalid value: {}: labelSelector must be unset if name is specified"]),
        ({"name": "x", "signerName": "a.b/c"},
         ['p: Invalid value: {"name":"x","signerName":"a.b/c"}: only one of name and signerName may be used']),
        ({"signerName": "c"},
         ['p.signerName: Invalid value: "c": must be a fully qualified domain and path of the form '
          "'example.com/signer-name'"]),
    ],
)  # fmt: skip
def test_pods_ask_by_name_or_by_signer(source: Obj, expected: list[str]) -> None:
    assert [str(cause) for cause in validate_bundle_projection(source, "p")] == expected
