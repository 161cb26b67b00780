"""Cron jobs, and the schedules that they are run by."""

import re

import pytest

from backend.meta.cron import parse_schedule
from backend.resources.batch.cronjob import CRON_JOB
from tests.support.workloads import faults, template, update_faults, workload


def cron_job(name="w", *, job=None, **spec):
    job_spec = {"template": template(restartPolicy="Never"), **(job or {})}
    given = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": job_spec}, **spec}
    return workload(CRON_JOB, name, **{"selector": None, "template": None, **given})


def test_a_minimal_cron_job_is_what_kube_apiserver_stores():
    made = cron_job()
    assert faults(CRON_JOB, made) == []
    assert {name: value for name, value in made["spec"].items() if name != "jobTemplate"} == {
        "schedule": "*/5 * * * *", "concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }  # fmt: skip
    # The defaults of a job are set when there is one.
    assert set(made["spec"]["jobTemplate"]["spec"]) == {"template"}
    assert made["spec"]["jobTemplate"]["metadata"] == {}


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "0,30 */2 1-15 jan-MAR mon",
        "5/10 ? * * 0-6/2",
        "@hourly",
        "@every 1h30m",
        ", * * * *",
        "00 0 1 1 0",
    ],
)
def test_schedules(schedule):
    parse_schedule(schedule)


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("", "empty spec string"),
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("1/-2 * * * *", "negative number (-2) not allowed: -2"),
        ("@never", "unrecognized descriptor: @never"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
        ("TZ=Mars * * * * *", "provided bad location Mars: unknown time zone Mars"),
    ],
)
def test_what_is_no_schedule(schedule, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_schedule(schedule)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        ({"schedule": "TZ=UTC * * * * *"}, [
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field'
            " instead"]),
        ({"timeZone": "Europe/Berlin"}, []),
        ({"timeZone": "Mars/Base"}, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']),
        ({"timeZone": "../etc"}, ['spec.timeZone: Invalid value: "../etc": unknown time zone ../etc']),
        ({"timeZone": ""}, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']),
        ({"timeZone": "Local"}, [
            'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in'
            " https://www.iana.org/time-zones"]),
        ({"concurrencyPolicy": "Some"}, [
            'spec.concurrencyPolicy: Unsupported value: "Some": supported values: "Allow", "Forbid", "Replace"']),
        ({"startingDeadlineSeconds": -1, "failedJobsHistoryLimit": -1}, [
            "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
            "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0"]),
        ({"job": {"manualSelector": True, "selector": {}}}, [
            "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
            'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"']),
        ({"job": {"template": template()}}, [
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "
            '"OnFailure", "Never"']),
        ({"name": "w" * 53}, [f'metadata.name: Invalid value: "{"w" * 53}": must be no more than 52 characters']),
    ],
)  # fmt: skip
def test_what_a_cron_job_is_refused_for(spec, expected):
    assert faults(CRON_JOB, cron_job(**spec)) == expected


def test_a_schedule_that_had_a_zone_may_keep_it():
    old = cron_job(schedule="TZ=UTC * * * * *")
    assert update_faults(CRON_JOB, old, lambda spec: spec.update(suspend=True)) == []
    both = update_faults(CRON_JOB, old, lambda spec: spec.update(timeZone="UTC"))
    assert [fault.rpartition(": ")[2] for fault in both] == [
        "cannot use both timeZone field and TZ or CRON_TZ in schedule"
    ]


def test_a_cron_job_in_a_table():
    made = cron_job(timeZone="UTC", suspend=True)
    made["status"] = {"active": [{}], "lastScheduleTime": "2023-11-14T22:13:00Z"}
    cells = ["w", "*/5 * * * *", "UTC", "True", 1, "20s", "<unknown>", "c", "busybox:1", "<none>"]
    assert CRON_JOB.row(made, 1_700_000_000.0) == cells
