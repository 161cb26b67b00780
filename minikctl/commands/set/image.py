"""`minikctl set image`. Source: k8s.io/kubectl/pkg/cmd/set/set_image.go."""

from __future__ import annotations

from collections.abc import Sequence

from minikctl.client.builder import Info
from minikctl.client.errors import Failure, aggregate
from minikctl.command import Command, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.create.creating import dry_run
from minikctl.commands.pairs import resources_and_pairs
from minikctl.commands.set import setting


def run(call: Invocation) -> int:
    dry_run(call)
    resources, words = resources_and_pairs(call.args, "image")
    images = _images(words)
    infos = setting.find(call, resources)
    _validate(call, resources, images)
    errors: list[Exception] = []

    def change(info: Info) -> None:
        spec = template_changes.pod_spec(info)
        containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
        for name, image in images.items():
            named = [one for one in containers if name in ("*", one["name"])]
            for container in named:
                container["image"] = image
            if not named:
                errors.append(Failure(f'error: unable to find container named "{name}"'))

    failed = "failed to patch image update to pod template: "
    return setting.change_all(call, infos, change, done="image updated", failed=failed, errors=errors)


def _images(words: Sequence[str]) -> dict[str, str]:
    bad = [word for word in words if "=" not in word or word.startswith("=")]
    if bad:
        raise Failure(f"invalid image format: {', '.join(bad)}")
    return dict(word.split("=", 1) for word in words)


def _validate(call: Invocation, resources: Sequence[str], images: dict[str, str]) -> None:
    flags = call.flags
    faults = []
    if flags["all"] and flags["selector"]:
        faults.append("cannot set --all and --selector at the same time")
    if not resources and not flags["filename"]:
        faults.append("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if not images:
        faults.append("at least one image update is required")
    elif len(images) > 1 and "*" in images:
        faults.append(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs"
        )
    if flags["local"] and dry_run(call) == "server":
        faults.append("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")
    failure = aggregate(Failure(fault) for fault in faults)
    if failure is not None:
        raise failure


COMMAND = Command(
    use="image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
    short="Update the image of a pod template",
    long="Update the images of containers, in pods or pod templates.\n\n"
    "Resources may be pods, replication controllers, deployments, daemon sets, stateful sets, cron jobs and replica"
    " sets.",
    examples="""
  # Two containers of a deployment
  minikctl set image deployment/nginx busybox=busybox nginx=nginx:1.9.1

  # The container nginx of all deployments and replication controllers
  minikctl set image deployments,rc nginx=nginx:1.9.1 --all

  # All containers of a daemon set
  minikctl set image daemonset abc *=nginx:1.9.1

  # Show what a file would be with another image, without asking the server
  minikctl set image -f path/to/file.yaml nginx=nginx:1.9.1 --local -o yaml""",
    run=run,
    flags=(*setting.set_flags("image"), setting.FIELD_MANAGER_FLAG, shared_flags.SELECTOR),
)
