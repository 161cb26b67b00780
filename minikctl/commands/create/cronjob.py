"""`minikctl create cronjob`. Source: k8s.io/kubectl/pkg/cmd/create/create_cronjob.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import containers, creating
from minikctl.output.workload_shapes import CRON_JOB

CRON_JOBS = ResourceMapping("batch", "v1", "cronjobs", "CronJob", True, "cronjob")


def run(call: Invocation) -> int:
    containers.require(call, "image", "schedule")
    name = creating.single_name(call)
    creating.check_flags(call)
    flags, words = call.flags, containers.command(call)
    job = containers.job_spec(name, flags["image"], words, flags["restart"] or "OnFailure")
    cron_job = {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": creating.metadata(call, name, required=False),
        "spec": {"schedule": flags["schedule"], "jobTemplate": {"metadata": {"name": name}, "spec": job}},
        "status": {},
    }
    return creating.create(call, CRON_JOBS, cron_job, _failure, shape=CRON_JOB)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create cronjob: {error}")


COMMAND = Command(
    use="cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
    short="Create a cron job with the specified name",
    long="Create a cron job with the specified name.",
    examples="""
  # A cron job
  minikctl create cronjob my-job --image=busybox --schedule="*/1 * * * *"

  # With a command
  minikctl create cronjob my-job --image=busybox --schedule="*/1 * * * *" -- date""",
    run=run,
    aliases=("cj",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag("image", "string", "", "Image name to run."),
        Flag("restart", "string", "", "job's restart policy. supported values: OnFailure, Never"),
        Flag("schedule", "string", "", "A schedule in the Cron format the job should be run with."),
    ),
)
