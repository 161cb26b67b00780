"""`minikctl config unset`. Source: k8s.io/kubectl/pkg/cmd/config/unset.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.files import Files
from minikctl.commands.config.properties import parse_property


def run(call: Invocation) -> int:
    check_count(call, "unset", 1)
    text = call.args[0]
    section, name, field = parse_property(text)
    files = Files(call, call.flags["cluster"])
    if section == "current-context":
        files.current = ""
    elif section == "preferences":
        files.set_preference(field, None)
    elif not name:
        files.clear(section)
    elif not field:
        files.remove(section, name)
    else:
        known = files.entries(section)
        if name not in known:
            raise Failure(f"current map key `{name}` is invalid")
        files.put(section, name, {key: value for key, value in known[name].items() if key != field})
    files.save()
    call.streams.out.write(f'Property "{text}" unset.\n')
    return 0


COMMAND = Command(
    use="unset PROPERTY_NAME",
    short="Unset an individual value in a kubeconfig file",
    long="Unset an individual value in a kubeconfig file. PROPERTY_NAME says the way to it, with dots between.",
    examples="""
  # Have no current context
  minikctl config unset current-context

  # The namespace of the context foo
  minikctl config unset contexts.foo.namespace""",
    run=run,
)
