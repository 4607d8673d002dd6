"""Spans together are all keys, and about equally long where the keys can be told apart."""

import random
import uuid
from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.drivers.reconcile.compare import ALL, Span
from bucketrelay.drivers.reconcile.segments import PAGE, split


class Bucket:
    """Sorted keys that can be asked for from any on; counts what it is asked."""

    def __init__(self, keys):
        self.keys, self.pages = sorted(keys), 0

    def __call__(self, after):
        self.pages += 1
        start = bisect_right(self.keys, after)
        return iter(self.keys[start : start + PAGE])

    def sizes(self, spans):
        edges = [bisect_right(self.keys, span.after) for span in spans] + [len(self.keys)]
        return [b - a for a, b in pairwise(edges)]


def _whole(spans, within=ALL):
    assert spans[0].after == within.after
    assert spans[-1].until == within.until
    assert all(a.until == b.after for a, b in pairwise(spans))
    assert all(span.after < span.until for span in spans[:-1])


@given(st.sets(st.text(min_size=1, max_size=3), max_size=50), st.integers(1, 5), st.text(max_size=2))
def test_spans_are_always_the_whole(keys, most, after):
    many = {key + str(n) for key in keys for n in range(60)}
    spans = split(Bucket(many), most, Span(after))
    _whole(spans, Span(after))
    assert len(spans) <= most


def test_what_a_page_holds_is_not_cut_and_costs_one():
    bucket = Bucket(f"{n}" for n in range(PAGE - 1))
    assert split(bucket, 8) == (Span(),)
    assert bucket.pages == 1


_SHAPES = {
    "numbers": lambda n, _: f"img-{n:08}",
    "hashes": lambda _, rng: rng.randbytes(16).hex(),
    "uuids": lambda _, rng: str(uuid.UUID(bytes=rng.randbytes(16))),
    "days": lambda n, _: f"a/very/long/common/beginning/2026/{1 + n % 12:02}/{1 + n % 28:02}/{n}.json",
    "letters beyond ASCII": lambda n, rng: "".join(rng.choices("äöüßаяж文字", k=6)) + str(n),
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_no_span_is_much_longer_than_its_share(shape):
    rng = random.Random(4)
    bucket = Bucket({_SHAPES[shape](n, rng) for n in range(30_000)})
    spans = split(bucket, 8)
    _whole(spans)
    sizes = bucket.sizes(spans)
    assert len(spans) >= 5
    assert max(sizes) <= 2.6 * len(bucket.keys) / 8, sizes
    assert bucket.pages <= 8 * 8


def test_small_branches_do_not_make_spans():
    bucket = Bucket([f"{c}/{n}" for c in "abcdefgh" for n in range(20)] + [f"m/{n:06}" for n in range(50_000)])
    sizes = bucket.sizes(split(bucket, 4))
    assert max(sizes) <= 25_000
    assert len(sizes) == 4
