"""A flat namespace cut into spans of about equal size, so that many streams can list one bucket side by side.

A bucket says nothing of how many keys it has, or where. But it can be asked what comes behind any text, so the
characters that follow a common beginning are found one by one, with one page each: behind all keys that begin with
`img-0` comes the first of `img-1`. What a page holds whole is small; the others are taken for equally large, and the
largest is looked into next. A wrong guess makes a span too long, never a comparison wrong: together the spans are all
keys, wherever the cuts lie.
"""

from collections.abc import Callable, Iterator
from itertools import islice, pairwise

from bucketrelay.abilities import Paged
from bucketrelay.drivers.reconcile.compare import ALL, Span
from bucketrelay.store import Store
from bucketrelay.values import dataclass

PAGE = 1000  # what one request of a listing brings
_PAGES = 8  # asked for at most, for each span that is wanted
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF
_LAST = 0x10FFFF

Keys = Callable[[str], Iterator[str]]  # the rests greater than the argument, ascending


def rests_of(store: Store, prefix: str, within: str) -> Keys:
    """Those of a store's keys below *prefix*; of them such that begin with *within*."""

    def rests(after: str) -> Iterator[str]:
        behind, start = prefix + after if after else "", len(prefix)
        if isinstance(store, Paged):
            return (key[start:] for page in store.pages(prefix + within, behind) for key in page.keys)
        return (info.key[start:] for info in store.list(prefix + within, behind))

    return rests


@dataclass(frozen=True, slots=True)
class _Branch:
    """The keys that begin with `beginning`, and the first of them."""

    beginning: str
    first: str
    weight: float  # its share of all keys, as far as can be guessed


def split(keys: Keys, most: int, span: Span = ALL) -> tuple[Span, ...]:
    """At most *most* spans that together are *span*, in their order.

    Args:
        keys: a side's rests, from any on. A page is asked for each branch that is found, 8 for each span at most.
        most: how many spans are wanted.
        span: what is to be cut.
    """
    probe = _Probe(keys, span, most * _PAGES)
    leaves = _leaves(probe, most) if most > 1 else []
    cuts = [cut for cut in _quantiles(leaves, most) if cut > span.after]
    return tuple(Span(after, until) for after, until in pairwise([span.after, *cuts, span.until]))


def _leaves(probe: "_Probe", most: int) -> list[_Branch]:
    """Branches in their order, none of which seems to hold much more than its share; fewer if the pages are used up."""
    page = probe.page(probe.span.after)
    leaves = [_Branch("", page[0], 1.0)] if len(page) == PAGE else []
    while leaves and probe.left:
        at, largest = max(enumerate(leaves), key=lambda each: each[1].weight)
        if largest.weight * most <= 1.0:
            break
        leaves[at : at + 1] = _open(probe, largest)
    return leaves


def _open(probe: "_Probe", branch: _Branch) -> list[_Branch]:
    """The branch's own branches that fill a page or more."""
    page = probe.page(branch.first, inclusive=True)
    depth = _fork(probe, branch, page)
    segments = []
    while page and page[-1].startswith(branch.beginning) and len(page) == PAGE:
        beginning = page[-1][: depth + 1]  # those before it end within this page
        segments.append((beginning, next(key for key in page if key.startswith(beginning))))
        page = probe.page(_behind(beginning)) if probe.left else []
    return [_Branch(beginning, first, branch.weight / len(segments)) for beginning, first in segments]


def _fork(probe: "_Probe", branch: _Branch, page: list[str]) -> int:
    """How many characters all keys of the branch have in common, as far as its first page goes."""
    low, high = len(branch.beginning), _common(page[0], page[-1]) if page else 0
    while low < high and probe.left:
        middle = (low + high + 1) // 2
        behind = probe.page(_behind(page[0][:middle]))
        if behind and behind[0].startswith(branch.beginning):
            high = middle - 1
        else:
            low = middle
    return low


def _common(low: str, high: str) -> int:
    """How many characters two keys have in common from their beginning on."""
    return next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))


def _behind(beginning: str) -> str:
    """A text that is greater than all keys which begin with *beginning*, and hardly any other."""
    code = ord(beginning[-1]) + 1
    if _FIRST_SURROGATE <= code <= _LAST_SURROGATE:
        code = _LAST_SURROGATE + 1
    return beginning[:-1] + chr(code) if code <= _LAST else beginning + chr(_LAST)


def _quantiles(leaves: list[_Branch], most: int) -> Iterator[str]:
    """The first keys of leaves before which another share of the keys is full."""
    total, share, passed = sum(leaf.weight for leaf in leaves), 0.0, 1
    for leaf in leaves:
        if share * most >= passed * total - 1e-9 and share:
            passed = int(share * most / total + 1e-9) + 1
            yield leaf.first
        share += leaf.weight


@dataclass(slots=True)
class _Probe:
    """Asks for pages, and counts them."""

    keys: Keys
    span: Span
    left: int

    def page(self, after: str, *, inclusive: bool = False) -> list[str]:
        """The next keys of the span, a page of them at most."""
        self.left -= 1
        keys = list(islice(self.keys(after), PAGE - inclusive))
        page = [after, *keys] if inclusive else keys
        return [key for key in page if not self.span.until or key <= self.span.until]
