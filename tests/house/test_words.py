"""Plain names in the product: a variable says what it holds, a function what it does or gives.

`found`, `said` and `asked` tell how a value was come by, not what it is; 250 variables had one of these names.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "shared" / "bucketrelay"
DIALECT = frozenset({"found", "said", "asked"})


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
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, line in variables(ast.parse(path.read_bytes()))
        if name in DIALECT
    ]
    assert named == []
