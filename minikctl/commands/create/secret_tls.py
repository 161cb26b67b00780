"""`minikctl create secret tls`: a secret from a certificate and its key.

Source: k8s.io/kubectl/pkg/cmd/create/create_secret_tls.go; the checks are those of Go's tls.X509KeyPair.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating, sources
from minikctl.commands.create.secret import HASH_FLAG, send

TYPE = "kubernetes.io/tls"
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)


def run(call: Invocation) -> int:
    flags = call.flags
    name = creating.single_name(call)
    creating.metadata(call, name)
    if not flags["key"] or not flags["cert"]:
        raise Failure("key and cert must be specified")
    certificate, key = _read(flags["cert"]), _read(flags["key"])
    check_pair(certificate, key)
    return send(call, name, TYPE, {"tls.crt": certificate, "tls.key": key})


def _read(path: str) -> bytes:
    try:
        return sources.read_file(sources.expand_home(path))
    except Failure as error:
        raise Failure(f"Cannot read file {path}, {error}") from None


def check_pair(certificate: bytes, key: bytes) -> None:
    """Raises Failure with Go's text unless `key` is the private key of the first certificate."""
    leaf, _ = _find_block(certificate, "CERTIFICATE", _certificate_fault)
    _, text = _find_block(key, "PRIVATE KEY", _key_fault)
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        public = x509.load_der_x509_certificate(leaf).public_key()
    except ValueError:
        raise Failure("x509: malformed certificate") from None
    try:
        private = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Failure("tls: failed to parse private key") from None
    own = private.public_key()
    if type(own) is not type(public):
        raise Failure("tls: private key type does not match public key type")
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if own.public_bytes(*form) != public.public_bytes(*form):
        raise Failure("tls: private key does not match public key")


def _find_block(content: bytes, kind: str, fault: Callable[[list[str]], str]) -> tuple[bytes, bytes]:
    """(DER, PEM) of the first block whose type ends in `kind`; blocks that are no base64 are passed over, as Go does.

    `fault` words the failure from the types of the blocks that there are.
    """
    types = []
    for match in _BLOCK.finditer(content):
        type_, text = match[1].decode(), match[2]
        body = text.rpartition(b"\n\n")[2]  # behind the headers of an encrypted key
        try:
            der = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            continue
        if type_.endswith(kind):
            return der, match[0]
        types.append(type_)
    raise Failure(f"tls: {fault(types)}")


def _certificate_fault(types: list[str]) -> str:
    if not types:
        return "failed to find any PEM data in certificate input"
    if len(types) == 1 and types[0].endswith("PRIVATE KEY"):
        return (
            "failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may"
            " have been switched"
        )
    return (
        'failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following'
        f" types: [{' '.join(types)}]"
    )


def _key_fault(types: list[str]) -> str:
    if not types:
        return "failed to find any PEM data in key input"
    if types == ["CERTIFICATE"]:
        return "found a certificate rather than a key in the PEM for the private key"
    return (
        'failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the'
        f" following types: [{' '.join(types)}]"
    )


COMMAND = Command(
    use="tls NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
    short="Create a TLS secret",
    long="Create a TLS secret from a certificate and its private key.\n\n"
    "Both must be in PEM form, and the key must be that of the certificate.",
    examples="""
  # From a certificate and its key
  minikctl create secret tls tls-secret --cert=path/to/tls.crt --key=path/to/tls.key""",
    run=run,
    flags=(
        HASH_FLAG,
        *creating.CREATE_FLAGS,
        Flag("cert", "string", "", "Path to PEM encoded public key certificate."),
        Flag("key", "string", "", "Path to private key associated with given certificate."),
    ),
)
