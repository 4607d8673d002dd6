"""Strategies that the targets share: JSON, texts, headers, markup, each of the words that a parser knows."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from fuzz.mutate import DATES, DIGITS, ENTITIES, TEXTS

any_text = st.text(st.characters(), max_size=20)  # with lone surrogates, which st.text() alone leaves out
latin = st.text(st.characters(max_codepoint=255), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
odd = st.sampled_from([*TEXTS, *DIGITS, *DATES])


def json_values(words: Sequence[str], values: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """JSON of familiar words, with JSON text in it, as envelopes have it."""
    names = st.sampled_from(words) | st.text(st.characters(), max_size=5)
    leaves = scalars | odd | st.sampled_from([*values, *words])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6) | inner.map(json.dumps),
        max_leaves=25,
    )


def texts(words: Sequence[str], separators: Sequence[str] = ("",)) -> st.SearchStrategy[str]:
    """Texts put together of familiar words and odd ones."""
    pieces = st.sampled_from([*words, *separators]) | odd | any_text
    return st.lists(pieces, max_size=8).map("".join)


def headers(names: Sequence[str], words: Sequence[str] = ()) -> st.SearchStrategy[dict[str, str]]:
    """An answer's headers: names in lower case; http.client reads values as Latin-1."""
    values = texts(words or names).map(lambda text: text.encode("latin-1", "replace").decode("latin-1")) | latin
    return st.dictionaries(st.sampled_from(names) | latin, values, max_size=8)


def markup(tags: Sequence[str], words: Sequence[str]) -> st.SearchStrategy[str]:
    """Elements of familiar names in each other, now and then not well-formed."""
    name = st.sampled_from(tags)
    leaves = st.sampled_from([*words, *ENTITIES]) | odd | any_text
    return st.recursive(
        leaves,
        lambda inner: st.tuples(name, st.lists(inner, max_size=5).map("".join)).map(
            lambda e: f"<{e[0]}>{e[1]}</{e[0]}>"
        ),
        max_leaves=20,
    )
