"""`minikctl create job`. Source: k8s.io/kubectl/pkg/cmd/create/create_job.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Query, collect
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import containers, creating
from minikctl.output.workload_shapes import JOB

JOBS = ResourceMapping("batch", "v1", "jobs", "Job", True, "job")
_INSTANTIATE = "cronjob.kubernetes.io/instantiate"


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    image, source, words = call.flags["image"], call.flags["from"], containers.command(call)
    if bool(image) == bool(source):
        raise Failure("either --image or --from must be specified")
    if source and words:
        raise Failure("cannot specify --from and command")
    meta = creating.metadata(call, name, required=False)
    if source:
        job = _of_cron_job(_find(call, source), meta)
    else:
        job = {"metadata": meta, "spec": containers.job_spec(name, image, words, "Never")}
    made = {"kind": "Job", "apiVersion": "batch/v1", **job, "status": {}}
    return creating.create(call, JOBS, made, _failure, shape=JOB)


def _find(call: Invocation, source: str) -> dict[str, Any]:
    found = collect(call.factory, Query(args=[source], allow_empty_selector=False)).check()
    if len(found) != 1:
        raise Failure("from must be an existing cronjob")
    mapping = found[0].mapping
    if (mapping.group, mapping.kind) != ("batch", "CronJob"):
        raise Failure(f"unknown object type *{mapping.version}.{mapping.kind}")
    return found[0].object


def _of_cron_job(cron_job: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    template = cron_job["spec"]["jobTemplate"]
    given, owner = template.get("metadata") or {}, cron_job["metadata"]
    if given.get("labels"):
        meta["labels"] = given["labels"]
    meta["annotations"] = {_INSTANTIATE: "manual", **(given.get("annotations") or {})}
    meta["ownerReferences"] = [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": owner["name"],
            "uid": owner["uid"],
            "controller": True,
        }
    ]
    return {"metadata": meta, "spec": template["spec"]}


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create job: {error}")


COMMAND = Command(
    use="job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
    short="Create a job with the specified name",
    long="Create a job with the specified name.",
    examples="""
  # A job
  minikctl create job my-job --image=busybox

  # With a command
  minikctl create job my-job --image=busybox -- date

  # As the cron job a-cronjob would make one now
  minikctl create job test-job --from=cronjob/a-cronjob""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "from", "string", "",
            "The name of the resource to create a Job from (only CronJob is supported).",
        ),
        Flag("image", "string", "", "Image name to run."),
    ),
)  # fmt: skip
