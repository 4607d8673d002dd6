"""Two listings are merged exactly, and nothing that is no listing is taken for one."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import Columns
from bucketrelay.drivers.reconcile.compare import ALL, Side, Span, pairs, side
from bucketrelay.drivers.reconcile.prefetch import in_chunks
from bucketrelay.errors import Damaged, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, ObjectInfo
from bucketrelay.testing.memory import MemoryStore

# Characters around every border of UTF-8: one, two, three and four bytes, and those at which UTF-16 sorts otherwise.
_KEYS = st.text(st.sampled_from("/a~\x7f\x80߿ࠀ\ud7ff\ue000￿\U00010000\U0010ffff"), min_size=1, max_size=4)


def _objects(keys):
    return [ObjectInfo(key, 1, "e") for key in sorted(keys, key=str.encode)]


def _side(objects, prefix="", span=ALL, **more):
    """A side whose store lists *objects*, whatever they are, and says it has none but these."""
    held, shape = {info.key for info in objects}, more.pop("shape", list)

    def listing(after):
        return map(shape, in_chunks(info for info in objects if info.key.encode() > after.encode()))

    return Side("s3://bucket", prefix, span, listing, more.pop("holds", held.__contains__), **more)


def _keys(found):
    return [(pair.rest, pair.source is not None, pair.target is not None) for pair in found]


def _naive(source, target):
    return [(key, key in source, key in target) for key in sorted(source | target, key=str.encode)]


def _columns(objects):
    """A page of them, as stores give it that list page by page."""
    rows = [(info.key, info.size, info.etag, info.modified) for info in objects]
    return Columns(*map(list, zip(*rows, strict=True)))


@pytest.mark.parametrize("shape", [list, _columns])
@given(source=st.sets(_KEYS), target=st.sets(_KEYS))
def test_the_pairs_are_those_of_two_sets(shape, source, target):
    sides = [_side(_objects(keys), shape=shape) for keys in (source, target)]
    assert _keys(pairs(*sides)) == _naive(source, target)


@given(st.sets(_KEYS), st.sets(_KEYS), _KEYS)
def test_from_any_key_on_the_rest_is_what_would_have_come(source, target, after):
    whole = _keys(pairs(_side(_objects(source)), _side(_objects(target))))
    rest = _keys(pairs(*(_side(_objects(keys), span=Span(after)) for keys in (source, target))))
    assert rest == [row for row in whole if row[0].encode() > after.encode()]


@given(st.sets(_KEYS), st.sets(_KEYS), st.sets(_KEYS))
def test_spans_side_by_side_are_the_whole(source, target, cuts):
    edges = ["", *sorted(cuts, key=str.encode), ""]
    found = []
    for after, until in pairwise(edges):
        span = Span(after, until)
        found += _keys(pairs(_side(_objects(source), span=span), _side(_objects(target), span=span)))
    assert found == _naive(source, target)


@given(st.sets(_KEYS), st.sets(_KEYS), _KEYS, _KEYS)
def test_a_mapping_keeps_the_order(source, target, strip, add):
    sources = [ObjectInfo(strip + info.key, 1, "e") for info in _objects(source)]
    targets = [ObjectInfo(add + info.key, 1, "e") for info in _objects(target)]
    assert _keys(pairs(_side(sources, strip), _side(targets, add))) == _naive(source, target)


def test_the_marker_of_a_folder_is_no_key_of_the_route():
    store = MemoryStore()
    store.write("in/")
    store.write("in/a")
    assert _keys(pairs(side(store, "in/"), side(MemoryStore(), "out/"))) == [("a", True, False)]


@pytest.mark.parametrize("shape", [list, _columns])
def test_what_is_nobodys_business_is_read_over(shape):
    sources, targets = _objects({"a", "log/1", "z"}), _objects({"a", "log/1"})
    found = pairs(_side(sources, skip=lambda key: key.startswith("log/"), shape=shape), _side(targets, shape=shape))
    assert _keys(found) == [("a", True, True), ("log/1", False, True), ("z", True, False)]


@pytest.mark.parametrize("shape", [list, _columns])
@pytest.mark.parametrize("keys", [["b", "a"], ["a", "b", "b"], ["a", "c", "b", "d"], ["￿", "\U00010000", "\ue000"]])
def test_a_listing_that_is_not_sorted_or_says_a_key_twice_is_no_listing(keys, shape):
    wrong = [ObjectInfo(key, 1, "e") for key in keys]
    with pytest.raises(StoreRefused, match="listings have no order"):
        list(pairs(_side(wrong, shape=shape), _side(_objects({"a", "z"}))))


def test_a_listing_of_something_else_is_no_listing():
    with pytest.raises(Damaged, match="beginning with 'in/'"):
        list(pairs(_side([ObjectInfo("other/a", 1, "e")], "in/"), _side([])))


def _cut(keys, page):
    """A store whose server says after each page that there are no more."""
    objects = _objects(keys)

    def listing(after):
        return in_chunks(iter([info for info in objects if info.key > after][:page]))

    return Side("s3://bucket", "", Span(), listing, keys.__contains__)


@given(st.sets(_KEYS), st.sets(_KEYS), st.integers(1, 3))
def test_a_listing_that_is_cut_after_each_page_goes_on_where_it_was_cut(source, target, page):
    assert _keys(pairs(_cut(source, page), _side(_objects(target)))) == _naive(source, target)
    assert _keys(pairs(_side(_objects(target)), _cut(source, page))) == _naive(target, source)


def test_an_empty_answer_is_not_an_empty_bucket():
    empty = _side([], holds={"b"}.__contains__)
    with pytest.raises(Damaged, match="the listing ends at '', and 'b' is there"):
        list(pairs(empty, _side(_objects({"b", "c"}))))
    with pytest.raises(Damaged, match="'b' is there"):
        list(pairs(_side(_objects({"a", "b"})), _side(_objects({"a"}), holds={"b"}.__contains__)))


def test_a_refused_listing_comes_through_as_it_is():
    store = MemoryStore()
    store.write("a")
    store.write("b")
    store.fail("list", StoreUnavailable("503"), after=True)
    found = pairs(side(store, ""), side(MemoryStore(), ""))
    with pytest.raises(StoreUnavailable, match="503"):
        list(found)
    gone = MemoryStore(Address("s3", "gone"))
    gone.drop_bucket()
    with pytest.raises(StoreRefused):
        list(pairs(side(store, ""), side(gone, "")))


def test_a_key_that_is_no_name_at_the_other_store_does_not_end_the_comparison():
    target = MemoryStore()
    target.fail("look", StoreRefused("no name for a file"))
    source = MemoryStore()
    source.write("a//b")
    assert _keys(pairs(side(source, ""), side(target, ""))) == [("a//b", True, False)]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # tracemalloc notes each of some millions of allocations
def test_a_million_against_a_million_is_exact_in_constant_memory():
    count = 1_000_000

    def generated(lacking):
        def listing(after):
            start = int(after) + 1 if after else 0
            return in_chunks(ObjectInfo(f"{n:09}", 1, "e") for n in range(start, count) if n % 1000 != lacking)

        return Side("s3://bucket", "", ALL, listing, lambda _: False)

    tracemalloc.start()
    try:
        alone = [(p.rest, p.source is None) for p in pairs(generated(7), generated(8)) if not (p.source and p.target)]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert alone == [(f"{n + side:09}", side == 7) for n in range(0, count, 1000) for side in (7, 8)]
    assert most < 10_000_000
