# ruff: noqa: INP001 - a script, no package
"""Prints docs/outcomes.md, from the tables that decide.

python docs/generate_outcomes.py > docs/outcomes.md
"""

import sys
from collections.abc import Mapping

from bucketrelay.clouds.aws.errors import DIALECT as AWS
from bucketrelay.clouds.huawei.errors import DIALECT as HUAWEI
from bucketrelay.clouds.oracle.errors import DIALECT as ORACLE
from bucketrelay.http.faults import CutShort, HungUp, Misaddressed, NoAnswer, NotSent, Untrusted
from bucketrelay.http.outcome import STATUSES, Dialect, Effect, Meaning, error_without_answer, follows, meaning

DIALECTS: Mapping[str, Dialect] = {"S3": AWS, "OBS": HUAWEI, "OCI": ORACLE}
LOST: Mapping[type[NoAnswer], str] = {
    NotSent: "no connection: nothing was sent",
    Untrusted: "the certificate is not trusted: nothing was sent",
    Misaddressed: "https to a server of plain HTTP, or the other way round: nothing was done",
    HungUp: "the connection ended, or the time, before there was an answer",
    CutShort: "the answer was cut within its body",
}
HEAD = """\
<!-- Generated: python docs/generate_outcomes.py > docs/outcomes.md -->
# What an answer means

A server's answer is understood in two steps. What it says comes from the cloud's own error code, or from the HTTP
status where there is no code that we know; a code that says *no such key* is believed under 404 (and 200) alone, as no
refusal is an absence. What follows from it depends on the request: a **read** changes nothing; a
**repeatable write** may be done twice and is seen by nobody before it is published (a part of an upload); a
**publishing write** is seen, or must not be done twice (an object, a commit, a delete).

`StoreUnavailable` and `Damaged` are tried again, within the invocation's time and a budget. `OutcomeUnknown` is not:
what was written is looked at before anything is believed. `SourceChanged`, `TargetChanged` and `ObjectGone` begin the
task anew with another look. `StoreRefused` ends it, and its text names the remedy.

## Answers
"""
LOST_HEAD = """
## No answer
"""
CODES_HEAD = """
## Codes

Under a status of 500 or more a code is believed only where it says something about that: servers answer 500 for
whatever they did not expect. An error document under a status of 200, as S3 has for slow copies, counts by its code.

"""


def page() -> str:
    """The whole text."""
    return HEAD + answers() + LOST_HEAD + lost() + CODES_HEAD + codes()


def answers() -> str:
    """A row for each meaning: the statuses that have it, and what becomes of it for each effect."""
    rows = [["what the server says", "status", *(effect.value for effect in Effect)]]
    rows += [[told.value, statuses(told), *errors(told)] for told in Meaning]
    return table(rows)


def errors(told: Meaning) -> list[str]:
    """What it becomes for each effect."""
    return [follows(told, effect)[0].__name__ for effect in Effect]


def statuses(told: Meaning) -> str:
    """The statuses that mean it without a code."""
    found = [str(status) for status in sorted(STATUSES) if meaning(status, "", {}) is told]
    others = {Meaning.REFUSED: "any other below 500", Meaning.UNCLEAR: "any other from 500 on"}
    return ", ".join([*found, *([others[told]] if told in others else [])]) or "by code alone"


def lost() -> str:
    """A row for each way to lose an answer."""
    rows = [["what happened", *(effect.value for effect in Effect)]]
    rows += [
        [words, *(type(error_without_answer(fault(""), effect, "")).__name__ for effect in Effect)]
        for fault, words in LOST.items()
    ]
    return table(rows)


def codes() -> str:
    """The clouds' codes, by what they mean."""
    rows = [["what the server says", *DIALECTS]]
    for told in Meaning:
        by_cloud = [sorted(code for code, means in d.codes.items() if means is told) for d in DIALECTS.values()]
        if any(by_cloud):
            rows.append([told.value, *(" ".join(f"`{code}`" for code in found) or "–" for found in by_cloud)])
    return table(rows)


def table(rows: list[list[str]]) -> str:
    """As Markdown."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
