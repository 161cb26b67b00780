"""Certificates, tokens and acting as others through both programs: the same output, errors and exit codes."""

from __future__ import annotations

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from tests.parity.compare import chunks
from tests.parity.conftest import KUBECTL, MINIKCTL, Both, Outcome, _call, _environment
from tests.support.csr import SERVING_USAGES, csr, pkcs10

pytestmark = pytest.mark.kubectl

_UNLIKE = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+|\d\d:\d\d:\d\d \+0000")
"""Tokens, and times of objects that each program has of its own."""
_NAMES = ("jane", "node", "two", "three", "four", "five", "six")
OTHERS = "example.com/signer"


@pytest.fixture(scope="module")
def requests(both: Both, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Requests for each program, and a folder with a file that names one. Their signer is nobody: nothing issues."""
    folder = tmp_path_factory.mktemp("requests")
    full = pkcs10("jane", ["devs", "ops"], [x509.DNSName("a.b"), x509.RFC822Name("j@a.b"), x509.DNSName("c.d")])
    node = pkcs10("system:node:n", ["system:nodes"])
    objects = []
    for who in "km":
        objects += [csr(full, name=f"{name}-{who}", signer=OTHERS) for name in _NAMES if name != "node"]
        made = csr(node, name=f"node-{who}", signer=OTHERS, usages=SERVING_USAGES, expirationSeconds=7200)
        made["metadata"]["labels"] = {"a": "b"}
        objects.append(made)
        file = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", **objects[4]}
        file["metadata"] = {"name": f"four-{who}"}
        (folder / f"four-{who}.yaml").write_text(json.dumps(file))
    for made in objects:
        made |= {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    assert both("apply", "-f", "-", stdin=listed.encode())[0].code == 0
    both("create", "secret", "generic", "bound-secret")
    return folder


@pytest.mark.parametrize("lines", chunks("certificate_commands.txt"), ids=lambda lines: lines[0][:40])
def test_certificates_and_tokens(parity_home: Path, requests: Path, lines: list[str]) -> None:
    env = _environment(parity_home)

    def run(program: list[str], who: str, line: str) -> Outcome:
        args = tuple(shlex.split(line.replace("@", who)))
        code, out, err = _call(program, args, b"", requests, env)
        out, err = (_UNLIKE.sub("UNLIKE", re.sub(rf"-{who}\b", "-@", text)) for text in (out, err))
        return Outcome(code, out, err)

    def both_of(line: str) -> str:
        waiting = thread.submit(run, [KUBECTL], "k", line)
        minikctl, kubectl = run(MINIKCTL, "m", line), waiting.result()
        return "" if kubectl == minikctl else f"{line}\n  kubectl:  {kubectl}\n  minikctl: {minikctl}\n"

    # One after the other: each line stands on those before it.
    with ThreadPoolExecutor(1) as thread:
        different = "".join(map(both_of, lines))
    assert not different, different


@pytest.mark.parametrize("words", [(), ("bogus",)])
def test_the_word_alone_is_a_way_to_get_help(both: Both, words: tuple[str, ...]) -> None:
    kubectl, minikctl = both("certificate", *words)
    assert (minikctl.code, minikctl.err) == (kubectl.code, kubectl.err)
    assert "Available Commands:\n  approve" in minikctl.out
