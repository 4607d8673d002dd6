"""Which keys a filter means, compared with a matcher that is slow and obvious."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bucketrelay.routes import BadGlob, Glob, glob
from bucketrelay.routes.globs import MAX_ALTERNATIVES


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("in/**", ["in/a", "in/a/b", "in/"], ["in", "out/in/a", "inn/a"]),
        ("in/", ["in/a", "in/a/b", "in/"], ["in", "out/in/a"]),
        ("in/*", ["in/a", "in/"], ["in/a/b", "in"]),
        ("*.jpg", ["a.jpg", ".jpg"], ["in/a.jpg", "a.JPG", "a.jpgx"]),
        ("**/*.tmp", ["a.tmp", "in/a.tmp", "in/a/b.tmp"], ["a.tmpx", "a.tmp/b"]),
        ("**/x", ["x", "a/x", "a/b/x", "/x"], ["ax", "a/bx", "x/a"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a//b"], ["ab", "a/xb", "axb"]),
        ("a**b", ["ab", "a/b", "axx/yyb"], ["a", "ba"]),
        ("**", ["", "a", "a/b"], []),
        ("a?c", ["abc", "aüc"], ["ac", "a/c", "abbc"]),
        ("[abc]", ["a", "c"], ["d", "ab", ""]),
        ("[!a]", ["b", "]"], ["a", "/", ""]),
        ("[^a]", ["b"], ["a"]),
        ("[]a]", ["]", "a"], ["[]a]"]),
        ("[a-c-]", ["b", "-"], ["d"]),
        ("[+-/]", ["+", "."], ["/"]),
        (r"[\]x]", ["]", "x"], ["\\"]),
        ("*.{jpg,png}", ["a.jpg", "b.png"], ["a.gif", "a.", "a.jpg,png"]),
        ("{in,out}/{a,}x", ["in/ax", "out/x"], ["in/a"]),
        ("{a/,}**/x", ["a/x", "x", "b/x", "a/b/x"], ["ax"]),
        (r"\*\{a\}", ["*{a}"], ["x{a}"]),
        ("a,b", ["a,b"], ["a"]),
        ("a.b+(c)$", ["a.b+(c)$"], ["axb+(c)$"]),
        ("new\nline*", ["new\nline", "new\nline\n"], ["newline"]),
    ],
)
def test_a_pattern_means_these_keys_and_not_those(pattern, yes, no):
    assert [key for key in yes if not Glob(pattern).matches(key)] == []
    assert [key for key in no if Glob(pattern).matches(key)] == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "is empty"),
        ("a[b", "without its ]"),
        ("[]", "empty class"),
        ("[!]", "empty class"),
        ("[z-a]", "from high to low"),
        ("a\\", "nothing to quote"),
        ("{a,b", "without its }"),
        ("a}", "} too many"),
        ("{a,{b}}", "{ too many"),
        ("{a,b}" * 7, f"more than {MAX_ALTERNATIVES}"),
        ("x" * 2001, "too long"),
        (f"[{'a' * 20_000}]", "too long"),
    ],
)
def test_a_pattern_with_a_mistake_is_refused_and_says_which(pattern, said):
    with pytest.raises(BadGlob) as refused:
        Glob(pattern)

    assert said in str(refused.value)


ATOM = st.sampled_from(
    ["*", "**", "?", "/", "a", "b", "[ab]", "[!a]", "[a-b]", "{a,b}", "{/,}", "{**/,}", r"\*", r"\/", "**/"]
)
PATTERN = st.lists(ATOM, min_size=1, max_size=7).map("".join)
KEY = st.text("ab/*", max_size=8)
TOKEN = re.compile(r"\[.*?\]|\\.|\*\*+|.")


def written_out(pattern):
    """The pattern's tokens once for each of its alternatives.

    Tokens, as two that come together are not one of another meaning: `*{/,}*` is `*/*` or two `*` that both stay inside
    a segment, as in rclone, and not `**`.
    """
    ways, inside = [[]], []
    for token in TOKEN.findall(pattern):
        if token == "{":
            inside = [[]]
        elif token == "," and inside:
            inside.append([])
        elif token == "}":
            ways, inside = [way + chosen for way in ways for chosen in inside], []
        else:
            for way in inside[-1:] or ways:
                way.append(token)
    return ways


def obvious(pattern, key):
    """By the book, one character at a time, trying every way."""
    return any(
        _obvious((*way, "**") if way[-1:] == ["/"] else tuple(way), key, at_start=True) for way in written_out(pattern)
    )


def _obvious(tokens, key, *, at_start):
    if not tokens:
        return not key
    token, *rest = tokens
    if token.startswith("**"):
        if at_start and rest[:1] == ["/"] and _obvious(rest[1:], key, at_start=True):
            return True
        return any(_obvious(rest, key[i:], at_start=False) for i in range(len(key) + 1))
    if token == "*":
        segment = len(key.split("/")[0])
        return any(_obvious(rest, key[i:], at_start=False) for i in range(segment + 1))
    return bool(key) and _one(token, key[0]) and _obvious(rest, key[1:], at_start=token == "/")


def _one(token, char):
    if token.startswith("["):
        members = {"[ab]": "ab", "[a-b]": "ab", "[!a]": "b*"}[token]
        return char in members
    return char == token[-1] if token != "?" else char != "/"


@given(PATTERN, KEY)
@example("**/**/a", "a")
@example("a/**/", "a/")
@example("{/,}**/a", "a")
@example("*{/,}*", "//")
@example(r"**\/a", "a")
def test_the_automaton_agrees_with_the_obvious_matcher(pattern, key):
    assume(pattern.count("{") < 6)  # more are refused: MAX_ALTERNATIVES
    assert Glob(pattern).matches(key) == obvious(pattern, key)


@given(PATTERN, KEY, KEY)
def test_what_a_pattern_covers_it_matches_whatever_follows(pattern, prefix, rest):
    assume(pattern.count("{") < 6)  # more are refused: MAX_ALTERNATIVES
    compiled = Glob(pattern)

    if compiled.covers(prefix):
        assert compiled.matches(prefix + rest)
    if compiled.matches(prefix + rest):
        assert compiled.reaches(prefix)


@pytest.mark.parametrize(
    ("pattern", "prefix"), [("logs/**", "logs/"), ("logs/", "logs/2026/"), ("**", ""), ("l**", "logs/")]
)
def test_an_exclude_that_leaves_out_a_whole_folder_is_seen_to(pattern, prefix):
    assert Glob(pattern).covers(prefix)


@pytest.mark.parametrize(("pattern", "prefix"), [("logs/*", "logs/"), ("**/x", "logs/"), ("log/**", "logs/")])
def test_an_exclude_that_leaves_out_a_part_of_a_folder_is_not_trusted_with_all_of_it(pattern, prefix):
    assert not Glob(pattern).covers(prefix)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_or_is_refused_as_one(pattern, key):
    try:
        compiled = Glob(pattern)
    except BadGlob:
        return

    assert compiled.matches(key) in (True, False)


@pytest.mark.parametrize("star", ["*", "**", "*?", "**/"])
def test_a_hostile_pattern_does_one_step_for_each_character_of_the_key(star, monkeypatch):
    compiled = Glob(f"{star}a" * 200 + "b")
    steps = []
    advance = Glob._advance
    monkeypatch.setattr(Glob, "_advance", lambda self, *given: steps.append(1) or advance(self, *given))

    assert not compiled.matches("a/" * 512)
    assert not compiled.matches("a" * 1024)
    assert len(steps) <= 2048


def test_hostile_keys_do_not_fill_the_memory():
    compiled = Glob("**a?????????????b")

    for number in range(3000):
        compiled.matches(f"{number:b}".replace("1", "a") * 3 + chr(0x4E00 + number))

    assert len(compiled._known) <= 4096


def test_a_pattern_is_compiled_once():
    assert glob("in/**") is glob("in/**")
