"""`minikctl config set`. Source: k8s.io/kubectl/pkg/cmd/config/set.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.fields import FIELDS
from minikctl.commands.config.files import Files
from minikctl.commands.config.properties import parse_property, parse_value


def run(call: Invocation) -> int:
    check_count(call, "set", 2)
    text, given = call.args
    section, name, field = parse_property(text)
    files = Files(call, call.flags["cluster"])
    if section == "current-context":
        files.current = given
    elif section == "preferences":
        files.set_preference(field, parse_value("bool", given, raw_bytes=False))
    elif not field:
        raise Failure(f"can't set a map to a value: {section}")
    else:
        value = parse_value(FIELDS[section][field], given, raw_bytes=call.flags["set-raw-bytes"])
        files.put(section, name, {**files.entries(section).get(name, {}), field: value})
    files.save()
    call.streams.out.write(f'Property "{text}" set.\n')
    return 0


COMMAND = Command(
    use="set PROPERTY_NAME PROPERTY_VALUE",
    short="Set an individual value in a kubeconfig file",
    long="Set an individual value in a kubeconfig file.\n\n"
    "PROPERTY_NAME says the way to it, with dots between. What is binary is given in base64, unless --set-raw-bytes is"
    " given too.",
    examples="""
  # The server of the cluster my-cluster
  minikctl config set clusters.my-cluster.server https://1.2.3.4

  # The cluster of the context my-context
  minikctl config set contexts.my-context.cluster my-cluster

  # A key, as it is
  minikctl config set users.cluster-admin.client-key-data key_data_here --set-raw-bytes=true""",
    run=run,
    flags=(
        Flag(
            "set-raw-bytes", "bool", False,
            "When writing a []byte PROPERTY_VALUE, write the given string directly without base64 decoding.",
        ),
    ),
)  # fmt: skip
