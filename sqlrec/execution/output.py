"""Where a job publishes: a place for everything that the job of a task may be told.

A script may be edited between two tries of a task, an image be mended. What decides whether a job is done is
the result that it has published, so a result of other work must not lie where this one's is looked for.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from sqlrec.artifacts.folder import output_place
from sqlrec.models.pods import SURROUNDINGS
from sqlrec.spec import codec
from sqlrec.spec.job import JobSpec, Resources, Topology
from sqlrec.spec.pod import Pod


def with_own_output(job: JobSpec) -> JobSpec:
    """The job with its own place below its ``output_uri``, which is that of all jobs of its task."""
    return replace(job, output_uri=output_place(job.output_uri, result_digest(job)))


def result_digest(job: JobSpec) -> str:
    """SHA-256 of what decides the result of a job: its work, its program and what that is told.

    Not of where it runs and with how much memory: a result is none the worse for that.
    """
    options = {key: value for key, value in job.work.options.items() if SURROUNDINGS.find(key) is None}
    told = replace(
        job,
        id="",
        output_uri="",
        work=replace(job.work, options=options),
        resources=Resources(),
        topology=Topology(),
        pod=Pod(),
    )
    return hashlib.sha256(json.dumps(codec.encode(told), sort_keys=True).encode()).hexdigest()
