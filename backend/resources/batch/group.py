"""The kinds of batch/v1, by name."""

from backend.resources.batch.cronjob import CRON_JOB
from backend.resources.batch.job import JOB
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (CRON_JOB, JOB)
