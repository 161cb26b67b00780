"""`minikctl set resources`. Source: k8s.io/kubectl/pkg/cmd/set/set_resources.go."""

from __future__ import annotations

from backend.meta import quantity
from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.set import setting

_KINDS = ("limits", "requests")


def run(call: Invocation) -> int:
    flags = call.flags
    infos = setting.find(call, call.args)
    setting.check_local(call)
    setting.check_all(call)
    if not any(flags[kind] for kind in _KINDS):
        raise Failure("you must specify an update to requests or limits (in the form of --requests/--limits)")
    amounts = {kind: _amounts(flags[kind]) for kind in _KINDS}
    errors: list[Exception] = []

    def change(info: Info) -> None:
        spec = template_changes.pod_spec(info)
        names = (spec.get("containers"), spec.get("initContainers"))
        chosen = [one for containers in names for one in setting.select(containers, flags["containers"])]
        if not chosen:
            errors.append(Failure(f"error: unable to find container named {flags['containers']}"))
        for container in chosen:
            resources = container.setdefault("resources", {})
            for kind, given in amounts.items():
                if given:
                    resources[kind] = {**(resources.get(kind) or {}), **given}

    failed = "failed to patch resources update to pod template "
    return setting.change_all(
        call, infos, change, done="resource requirements updated", failed=failed, errors=errors
    )


def _amounts(text: str) -> dict[str, str]:
    """`cpu=500m,memory=1Gi`, canonical. Source: populateResourceListV1."""
    found = {}
    for statement in text.split(",") if text else ():
        name, equals, amount = statement.partition("=")
        if not equals or "=" in amount:
            raise Failure(f"invalid argument syntax {statement}, expected <resource>=<value>")
        try:
            found[name] = quantity.canonical(amount)
        except ValueError as error:
            raise Failure(str(error)) from None
    return found


COMMAND = Command(
    use="resources (-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
    short="Update resource requests/limits on objects with pod templates",
    long="Update what the containers of pods request, and their limits.\n\n"
    "What is requested is there for the pod wherever it runs; limits are what it may use at most. Where only a limit is"
    " given, it is requested too.",
    examples="""
  # The CPU and memory that the container nginx of a deployment may use
  minikctl set resources deployment nginx -c=nginx --limits=cpu=200m,memory=512Mi

  # Requests and limits of all containers
  minikctl set resources deployment nginx --limits=cpu=200m,memory=512Mi --requests=cpu=100m,memory=256Mi

  # Take them away
  minikctl set resources deployment nginx --limits=cpu=0,memory=0 --requests=cpu=0,memory=0

  # Show what a file would be with limits, without asking the server
  minikctl set resources -f path/to/file.yaml --limits=cpu=200m,memory=512Mi --local -o yaml""",
    run=run,
    flags=(
        *setting.set_flags("resources"),
        setting.CONTAINERS_FLAG,
        setting.FIELD_MANAGER_FLAG,
        *(
            Flag(
                kind, "string", "",
                "The resource requirement requests for this container.  For example, 'cpu=100m,memory=256Mi'.  Note"
                " that server side components may assign requests depending on the server configuration, such as limit"
                " ranges.",
            )
            for kind in _KINDS
        ),
        shared_flags.SELECTOR,
    ),
)  # fmt: skip
