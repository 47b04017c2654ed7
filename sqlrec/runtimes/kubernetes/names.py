"""Names, labels and annotations of the objects of a cluster.

A name tells people what the object is for, and where characters had to be replaced or cut it ends with a
hash, so that two things never share an object. Facts stand on an object twice: whole in an annotation, and as
a label, which selectors need and whose alphabet is small.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from sqlrec.spec.job import EvaluateWork, ExportWork, ImportWork, JobSpec, ScoreWork, TrainWork
from sqlrec.spec.pod import OURS

MANAGER = "sqlrec"
LABEL_LIMIT = 63
"""Characters of a DNS label and of a label's value."""
NAME_LIMIT = LABEL_LIMIT - len("-job-NNNN-xxxxx")
"""Characters of what the names of a job's objects and pods begin with: 10,000 ranks and all suffixes fit."""
HASH_DIGITS = 10


@dataclass(frozen=True, slots=True)
class JobNames:
    """Names of the objects of one job; a pod that is the job itself is called by the base."""

    base: str

    @property
    def job(self) -> str:
        """The Job; the first rank is the host ``{job}-0``."""
        return f"{self.base}-job"

    @property
    def headless(self) -> str:
        """The Service without an address, by which ranks find each other."""
        return f"{self.base}-job-headless"

    @property
    def config_map(self) -> str:
        """The ConfigMap with the files of /data."""
        return f"{self.base}-cm"


def job_names(job: JobSpec) -> JobNames:
    """What the work is about, and a hash of the job's id: another run of the same work has other objects."""
    tail = _hash(job.id)
    return JobNames(f"{_words(_subject(job), NAME_LIMIT - len(tail) - 1)}-{tail}")


def object_name(text: str, limit: int = LABEL_LIMIT) -> str:
    """An RFC 1035 label for ``text``, as names of Services must be.

    Case does not count. Text of lower-case letters, digits and single ``_`` between them keeps its words, as
    ``ctr_v1`` → ``ctr-v1``; all other text, one with ``-`` too, gets a hash: no two texts share a name.
    """
    folded = text.casefold()
    if len(folded) <= limit and re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", folded):
        return folded.replace("_", "-")
    tail = _hash(folded)
    return f"{_words(folded, limit - len(tail) - 1)}-{tail}"


def label_value(text: str) -> str:
    """A label's value for ``text``: itself where that is allowed, else what is left of it and a hash."""
    if len(text) <= LABEL_LIMIT and re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?", text):
        return text
    tail = _hash(text)
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text)[: LABEL_LIMIT - len(tail) - 1].strip("-")
    return f"{plain}-{tail}".lstrip("-")


def labels(instance: str, component: str, facts: Mapping[str, str]) -> dict[str, str]:
    """The labels that Kubernetes recommends, and our facts (``model``, ``checkpoint``, …) as labels."""
    common = {
        "name": f"{MANAGER}-{component}",
        "instance": instance,
        "component": component,
        "part-of": MANAGER,
        "managed-by": MANAGER,
    }
    return {
        **{f"app.kubernetes.io/{key}": value for key, value in common.items()},
        **{f"{OURS}{key}": label_value(value) for key, value in sorted(facts.items()) if value},
    }


def notes(facts: Mapping[str, str]) -> dict[str, str]:
    """Annotations: facts as they are."""
    return {f"{OURS}{key}": value for key, value in sorted(facts.items()) if value}


def job_facts(job: JobSpec) -> dict[str, str]:
    """What a job is about: its id, model, checkpoint or service, and what our annotations of its pod tell."""
    told = {
        key.removeprefix(OURS): value for key, value in job.pod.annotations.items() if key.startswith(OURS)
    }
    match job.work:
        case ScoreWork(service=service, model=model):
            about = {"service": service, "model": str(model.name)}
        case work:
            about = {"model": str(work.model.name), "checkpoint": work.checkpoint}
    return {**told, **about, "job": job.id}


def _subject(job: JobSpec) -> str:
    match job.work:
        case TrainWork(model=model, checkpoint=checkpoint):
            return f"{model.name.name}-{checkpoint}"
        case ExportWork() | ImportWork() | EvaluateWork():
            return f"{job.work.model.name.name}-{job.work.checkpoint}-{job.kind}"
        case ScoreWork(service=service):
            return f"{service}-{job.kind}"
        case _:
            assert_never(job.work)


def _words(text: str, limit: int) -> str:
    """Lower-case letters, digits and single ``-`` of a text, beginning with a letter, cut at the limit."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
    if not plain[:1].isalpha():
        plain = f"{MANAGER}-{plain}"
    return plain[:limit].strip("-")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
