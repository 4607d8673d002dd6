"""Texts of strangers, such as keys and errors, for people: what does not print is seen. Pure."""

import re

from bucketrelay.reports.list_line import UNPRINTABLE

_CONTROLS = re.compile("[\0-\x1f]")  # which JSON, and so a list, escapes itself


def printable(text: str) -> str:
    r"""*text* with what does not print, ends a line or turns its neighbours round as `\uXXXX`; UTF-8 can hold it."""
    return re.sub(UNPRINTABLE, _escape, _CONTROLS.sub(_escape, text))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
