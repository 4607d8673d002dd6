"""From an event to tasks: which routes it concerns, which keys they take, what the keys are called there. Pure."""

from bucketrelay.routes.globs import BadGlob, Glob, glob
from bucketrelay.routes.route import ANY_BUCKET, Route
from bucketrelay.routes.tasks import (
    NotASource,
    NotPlanned,
    UnclearCloud,
    is_in_log_folders,
    plan,
    reasons_against,
    replan,
    resolve,
    task_of,
)

__all__ = [
    "ANY_BUCKET",
    "BadGlob",
    "Glob",
    "NotASource",
    "NotPlanned",
    "Route",
    "UnclearCloud",
    "glob",
    "is_in_log_folders",
    "plan",
    "reasons_against",
    "replan",
    "resolve",
    "task_of",
]
