"""Plain names in the product: a variable says what it holds, a function what it does or gives.

`found`, `said` and `asked` tell how a value was come by, not what it is; 250 variables had one of these names.
`here` and `there` tell where somebody stood who wrote the line: the source or the target, this machine or the server.
Alone or as a part of a name (`parts_there`), some 210 places had them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "shared" / "bucketrelay"
DIALECT = frozenset({"found", "said", "asked"})
PLACES = frozenset({"here", "there"})
PUBLIC = {"failed_there"}  # a member of the books: those who read them have it
PROSE = re.compile(r'""".*?"""|"[^"\n]*"|#[^\n]*', re.DOTALL)
TOLD = ("shared", "functions", "deploy", "benchmarks", "docs", "tests")


def sources(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")


def variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What names a value in *tree*: assignments, loops, parameters. Members of a class have their class beside them."""
    members = {
        id(part.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in members:
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


@pytest.mark.parametrize(
    "text",
    [
        "said = 1",
        "for found in (): ...",
        "def f(asked): ...",
        "g = lambda said: 1",
        "[1 for found in ()]",
        "if (asked := 1): ...",
        "with open('a') as said: ...",
    ],
)
def test_a_word_of_the_dialect_is_noticed_wherever_it_names_a_value(text):
    assert [name for name, _ in variables(ast.parse(text)) if name in DIALECT]


def test_no_variable_is_named_by_how_it_was_come_by():
    named = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path, text in sources(PACKAGE)
        if not DIALECT.isdisjoint(re.findall(r"\w+", text))  # only then it is worth parsing
        for name, line in variables(ast.parse(text))
        if name in DIALECT
    ]
    assert named == []


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What anything is called in *tree*: values, members, attributes, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def is_place(name: str) -> bool:
    """Whether one of the words of *name* is `here` or `there`."""
    return not PLACES.isdisjoint(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))


@pytest.mark.parametrize(
    "text",
    [
        "there = 1",
        "parts_there = ()",
        "HERE = 1",
        "self._here = 1",
        "def f(here): ...",
        "def _is_there(): ...",
        "class RunHere: ...",
        "class A:\n there: int",
        "[1 for here, there in ()]",
    ],
)
def test_a_name_with_here_or_there_is_noticed_whatever_it_names(text):
    assert [name for name, _ in names(ast.parse(text)) if is_place(name)]


def test_where_and_thereby_are_other_words():
    assert not any(map(is_place, ("where", "elsewhere", "thereby", "adhere", "NOWHERE")))


def test_nothing_is_named_by_here_and_there():
    named = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for folder in TOLD
        for path, text in sources(ROOT / folder)
        if any(map(is_place, re.findall(r"\w*here\w*", PROSE.sub("", text), re.IGNORECASE)))  # only then it is worth it
        for name, line in names(ast.parse(text))
        if is_place(name) and name not in PUBLIC and not (folder == "tests" and is_sentence(name))
    ]
    assert named == []


def is_sentence(name: str) -> bool:
    """Whether *name* is a test's, or a person's question that one answers: these say what happens, in whole words."""
    return name.startswith(("test_", "is_it_", "was_it_"))


# Participles that do not end in -ed, and words that do and are none.
IRREGULAR = """
begun beaten bent bitten blown borne bought bound broken brought built burnt caught chosen dealt done drawn driven
fallen felt flown forgotten fought found frozen given gone grown heard held hidden hung kept known laid learnt led
left lent lit lost made meant met overridden overwritten paid proven redone risen said seen sent shot shown shut
slept sold sought spent spoken spun stolen stood struck stuck swept sworn taken taught thought thrown told torn
undone understood unwritten woken won worn written
"""
PARTICIPLES = frozenset(IRREGULAR.split())
VERBS = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shred", "speed", "weed"})
WITH_PARTICLES = "as at away by for from in of off on out over since through to up while with"
PARTICLES = frozenset(WITH_PARTICLES.split())
ALLOWED = {
    "_check_signed": "check is its verb: that something is signed",
    "check_unchanged": "check is its verb",
    "_drop_repeated": "drop is its verb: what is repeated",
    "_fail_if_told": "fail is its verb",
    "_not_found": "404 Not Found, in HTTP's words",
}


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The functions of *tree* that are named by what was done: a verb or a noun would tell what they do or give.

    A participle is what a yes or no is called (`expired`), and what a value is called (a property).
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_participle(node.name):
            is_question = node.returns is not None and ast.unparse(node.returns) == "bool"
            is_value = any("property" in ast.unparse(each) for each in node.decorator_list)
            if not is_question and not is_value and not node.name.startswith("test_"):
                yield node.name, node.lineno


def is_participle(name: str) -> bool:
    """Whether the last word of *name* is a participle, `up`, `of` and the like left aside."""
    words = name.strip("_").split("_")
    while len(words) > 1 and words[-1] in PARTICLES:
        words.pop()
    return words[-1] in PARTICIPLES or (len(words[-1]) > 3 and words[-1].endswith("ed") and words[-1] not in VERBS)


@pytest.mark.parametrize(
    "text",
    [
        "def quoted(text): ...",
        "def _first_listed() -> list[str]: ...",
        "def given_up(): ...",
        "def seen_through(): ...",
        "async def _sent(): ...",
        "class A:\n def told(self) -> str: ...",
        "def f():\n def noted(block): ...",
    ],
)
def test_a_function_named_by_a_participle_is_noticed_wherever_it_is(text):
    assert list(functions(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "def quote(text): ...",
        "def expired() -> bool: ...",
        "@property\ndef shown(self) -> str: ...",
        "def known_route(): ...",
        "def feed(): ...",
        "def read(): ...",
    ],
)
def test_verbs_nouns_questions_and_values_may_be_called_what_they_are(text):
    assert list(functions(ast.parse(text))) == []


def test_no_function_is_named_by_a_participle():
    named = {
        name: f"{path.relative_to(ROOT)}:{line}"
        for folder in ("shared", "functions", "deploy")
        for path, text in sources(ROOT / folder)
        if any(map(is_participle, re.findall(r"\bdef\s+(\w+)", text)))  # only then it is worth parsing
        for name, line in functions(ast.parse(text))
    }
    assert named.keys() == ALLOWED.keys(), named
