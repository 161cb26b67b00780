"""`minikctl create deployment`. Source: k8s.io/kubectl/pkg/cmd/create/create_deployment.go."""

from __future__ import annotations

import random

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import containers, creating
from minikctl.output.workload_shapes import DEPLOYMENT

DEPLOYMENTS = ResourceMapping("apps", "v1", "deployments", "Deployment", True, "deployment")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5


def run(call: Invocation) -> int:
    containers.require(call, "image")
    name = creating.single_name(call)
    creating.check_flags(call)
    images, words = call.flags["image"], containers.command(call)
    if len(images) > 1 and words:
        raise Failure("cannot specify multiple --image options and command")
    labels = {"app": name}
    made = [
        containers.container(_container_name(image), image, words, call.flags["port"] if index == 0 else -1)
        for index, image in enumerate(images)
    ]
    deployment = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {**creating.metadata(call, name, required=False), "labels": labels},
        "spec": {
            "replicas": call.flags["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": made}},
            "strategy": {},
        },
        "status": {},
    }
    return creating.create(call, DEPLOYMENTS, deployment, _failure, shape=DEPLOYMENT)


def _container_name(image: str) -> str:
    """The last part of the image's name; where it cannot be a container's, what comes close, and is unique."""
    name = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    if "_" not in name and "." not in name:
        return name
    suffix = "".join(random.choices(_ALPHABET, k=_SUFFIX))
    return f"{name.replace('_', '-').replace('.', '-')}-{suffix}"


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create deployment: {error}")


COMMAND = Command(
    use="deployment NAME --image=image -- [COMMAND] [args...]",
    short="Create a deployment with the specified name",
    long="Create a deployment with the specified name.",
    examples="""
  # A deployment that runs busybox
  minikctl create deployment my-dep --image=busybox

  # With a command
  minikctl create deployment my-dep --image=busybox -- date

  # With three replicas
  minikctl create deployment my-dep --image=nginx --replicas=3

  # With a port
  minikctl create deployment my-dep --image=busybox --port=5701

  # With several containers
  minikctl create deployment my-dep --image=busybox:latest --image=ubuntu:latest --image=nginx""",
    run=run,
    aliases=("deploy",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "image", "stringSlice", [],
            "Image names to run. A deployment can have multiple images set for multi-container pod.",
        ),
        Flag("port", "int", -1, "The containerPort that this deployment exposes."),
        Flag("replicas", "int", 1, "Number of replicas to create. Default is 1.", short="r"),
    ),
)  # fmt: skip
