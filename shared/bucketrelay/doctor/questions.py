"""What is asked of others than stores: a broker, a database, a key file, the receiving end of datasets."""

from collections.abc import Callable, Iterable, Iterator

from bucketrelay.doctor.checks import CHECKS, Finding
from bucketrelay.errors import RelayError
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One of them.

    Attributes:
        check: its name among the checks.
        of: the section of the configuration that needs it.
        ask: whether all is well, None where that is not to be told, and what was found; what it raises is a failure.
        needs: the check of the same section without which this one is not asked.
    """

    check: str
    of: str
    ask: Callable[[], tuple[bool | None, str]]
    needs: str = ""


def answers(questions: Iterable[Question]) -> Iterator[Finding]:
    """A finding for each, but for those that an earlier failure has answered."""
    failed: set[tuple[str, str]] = set()
    for question in questions:
        if (question.of, question.needs) in failed:
            continue
        finding = _answer(question)
        if finding.ok is False:
            failed.add((question.of, question.check))
        yield finding


def _answer(question: Question) -> Finding:
    remedy = CHECKS[question.check].remedy
    try:
        ok, detail = question.ask()
    except RelayError as error:
        return Finding(question.check, question.of, False, str(error), remedy)
    return Finding(question.check, question.of, ok, detail, "" if ok else remedy)
