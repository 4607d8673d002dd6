"""Small pictures as SVG, drawn on the server. Pure."""

from collections.abc import Mapping, Sequence
from html import escape

from bucketrelay.reports.sums import SLICE, Slice

WIDTH, HEIGHT = 240, 40
_DAY = 24 * 3600


def lag_over_time(slices: Sequence[Slice], now: float, title: str) -> str:
    """The greatest lag of each stretch of the last day as bars, those with failures in another colour."""
    first = int(now) // SLICE * SLICE - _DAY
    shown = [each for each in slices if each.start > first]
    most = max([1.0, *(each.lag for each in shown)])
    bars = "".join(_bar(each, first, most) for each in shown)
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" class="lag" preserveAspectRatio="none">'
        f"<title>{escape(title)}</title>{bars}</svg>"
    )


def _bar(each: Slice, first: int, most: float) -> str:
    width = WIDTH * SLICE / _DAY
    x = (each.start - first) / _DAY * WIDTH - width
    height = max(HEIGHT / 4 if each.failed else 1.0, each.lag / most * HEIGHT)  # what failed at once must be seen, too
    kind = "bad" if each.failed else "good"
    return f'<rect class="{kind}" x="{x:.2f}" y="{HEIGHT - height:.1f}" width="{width:.2f}" height="{height:.1f}"/>'


def books_bar(counts: Mapping[str, int], title: str) -> str:
    """The books of a reconcile as one bar: right, missing, different, surplus, failed, each as wide as its share."""
    whole = sum(counts.values())
    if not whole:
        return ""
    x, pieces = 0.0, []
    for kind, count in counts.items():
        width = count / whole * WIDTH
        if count:
            # What is not right must be seen, however little of it there is.
            pieces.append(f'<rect class="{escape(kind)}" x="{x:.2f}" y="0" width="{max(width, 2):.2f}" height="10"/>')
        x += width
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} 10" class="books"><title>{escape(title)}</title>{"".join(pieces)}</svg>'
    )
