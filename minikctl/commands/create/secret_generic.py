"""`minikctl create secret generic`: a secret from files, folders, literals or env files."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating, sources
from minikctl.commands.create.secret import HASH_FLAG, Keys, send


def run(call: Invocation) -> int:
    flags = call.flags
    name = creating.single_name(call)
    sources.check_combination(flags["from-env-file"], flags["from-file"], flags["from-literal"])
    keys = Keys()
    sources.add_literals(flags["from-literal"], keys.add)
    sources.add_files(flags["from-file"], keys.add)
    sources.add_env_files(flags["from-env-file"], "secret", keys.add)
    _add_certificates(flags["ssl-cert"], keys)
    return send(call, name, flags["type"], keys.data)


def _add_certificates(given: list[str], keys: Keys) -> None:
    """--ssl-cert: as --from-file with a key, for a file that must hold a PEM certificate."""
    for source in given:
        if "=" not in source:
            raise Failure(f"invalid --ssl-cert {source}, expected key=file")
        key, path = sources.parse_file_source(source)
        path = sources.expand_home(path)
        content = sources.read_file(path)
        fault = _certificate_fault(content)
        if fault:
            raise Failure(f"--ssl-cert {path} is not a PEM certificate: {fault}")
        keys.add(key, content)


def _certificate_fault(content: bytes) -> str:
    """Why this is not one or more PEM certificates, or ""."""
    from cryptography import x509

    if b"-----BEGIN CERTIFICATE-----" not in content:
        return "there is no CERTIFICATE block in it"
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError as error:
        return str(error).splitlines()[0]
    return ""


COMMAND = Command(
    use="generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]"
    " [--dry-run=server|client|none]",
    short="Create a secret from a local file, directory, or literal value",
    long="Create a secret from files, folders or literal values.\n\n"
    "A file's key is its name, unless the key is given before it. A folder gives a key for each regular file in it"
    " whose name can be a key; links, folders and the like in it are passed over.",
    examples="""
  # A key for each file of the folder bar
  minikctl create secret generic my-secret --from-file=path/to/bar

  # Keys of your own choice instead of the files' names
  minikctl create secret generic my-secret --from-file=private=~/.ssh/id_rsa --from-file=public=~/.ssh/id_rsa.pub

  # Values from the command line
  minikctl create secret generic my-secret --from-literal=key1=supersecret --from-literal=key2=topsecret

  # A file, and a certificate that is checked to be one
  minikctl create secret generic my-secret --from-file=tls.key --ssl-cert=ssl-cert=tls.crt

  # From env files
  minikctl create secret generic my-secret --from-env-file=path/to/foo.env --from-env-file=path/to/bar.env""",
    run=run,
    flags=(
        HASH_FLAG,
        *creating.CREATE_FLAGS,
        *sources.source_flags("secret"),
        Flag("ssl-cert", "stringSlice", [],
             "Specify a key and a file that must hold a PEM certificate (i.e. mykey=server.crt)"),
        Flag("type", "string", "", "The type of secret to create"),
    ),
)  # fmt: skip
