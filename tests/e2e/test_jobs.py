"""Jobs and CronJobs on a real engine, by the real kubectl and by minikctl."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.cli import Cluster

pytestmark = [pytest.mark.docker, pytest.mark.kubectl]

KILLS = 4
INDEX = "batch.kubernetes.io/job-completion-index"
INDEXED = """
apiVersion: batch/v1
kind: Job
metadata: {name: ten}
spec:
  completions: 10
  parallelism: 4
  completionMode: Indexed
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
      - {name: c, image: "busybox:1.36", command: [sh, -c, 'echo "I am $JOB_COMPLETION_INDEX"; sleep 0.5']}
"""


def test_a_cron_job_is_run_by_hand_and_waited_for_with_kubectl(cluster: Cluster, namespace: str) -> None:
    here = f"--namespace={namespace}"
    made = cluster.kubectl(
        "create", "cronjob", "hello", here, "--image=busybox:1.36", "--schedule=0 0 1 1 *", "--", "echo", "hello"
    )
    assert made == "cronjob.batch/hello created\n", repr(made)
    assert cluster.kubectl("create", "job", "now", here, "--from=cronjob/hello") == "job.batch/now created\n"
    waited = cluster.kubectl("wait", "--for=condition=complete", "job/now", here, "--timeout=60s")
    assert waited == "job.batch/now condition met\n", repr(waited)
    assert cluster.kubectl("logs", "job/now", here) == "hello\n"
    cluster.same("describe", "job", "now", here, "--show-events=false")  # their ages go on
    cluster.same("describe", "cronjob", "hello", here, "--show-events=false")
    cluster.same("get", "cronjobs,jobs", here, "-o", "custom-columns=N:.metadata.name,S:.status.succeeded")
    job = cluster.run("get", "job", "now", here, "-o", "json").json
    assert job["metadata"]["annotations"] == {"cronjob.kubernetes.io/instantiate": "manual"}
    assert job["metadata"]["ownerReferences"][0]["name"] == "hello"
    cluster.kubectl("delete", "cronjob", "hello", here, "--wait=false")
    gone = cluster.kubectl("wait", "--for=delete", "job/now", here, "--timeout=30s")
    assert gone.exit_code == 0, repr(gone)


def test_kill_9_at_any_moment_of_an_indexed_job(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster("jobs")
    cluster.run("cluster", "start")
    cluster.run("apply", "-f", "-", stdin=INDEXED)
    choose = random.Random(11)
    for _ in range(KILLS):
        time.sleep(choose.uniform(0.05, 1.0))
        cluster.kill()
        cluster.run("get", "job", "ten")
    cluster.run("wait", "--for=condition=complete", "job/ten", "--timeout=80s")
    status = cluster.run("get", "job", "ten", "-o", "json").json["status"]
    assert (status["completedIndexes"], status["succeeded"], status.get("failed")) == ("0-9", 10, None)
    pods = cluster.run("get", "pods", "-l", "job-name=ten", "-o", "json").json["items"]
    assert Counter(pod["metadata"]["labels"][INDEX] for pod in pods) == Counter(map(str, range(10)))
    assert {pod["status"]["phase"] for pod in pods} == {"Succeeded"}
    assert not any(pod["metadata"].get("finalizers") for pod in pods)
    logs = cluster.run("logs", "-l", "job-name=ten", "--max-log-requests=10")
    assert sorted(logs.splitlines()) == sorted(f"I am {index}" for index in range(10))
