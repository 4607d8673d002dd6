"""The product can be read: six files in one sitting, from the values to a function's payload, and none too long."""

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "shared" / "bucketrelay"
PATH = ("model.py", "store.py", "core/decide.py", "core/converge.py", "core/copy.py", "drivers/function.py")
SITTING = 550
PRODUCT = ("shared", "functions", "deploy")
LONGEST = 300  # lines of a file, with all that is said in it
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """The lines of *text* that are neither blank, nor a comment's, nor a docstring's."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        first = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) and first:
            lines -= set(range(first[0].lineno, first[0].end_lineno + 1))
    return len(lines)


def too_long(root: Path) -> list[str]:
    """The product's files that have more lines than one is read in."""
    files = sorted(path for folder in PRODUCT for path in (root / folder).rglob("*.py"))
    counts = {path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    return [f"{name}: {count}" for name, count in counts.items() if count > LONGEST]


def test_lines_of_code_are_counted_without_words_about_them():
    text = (
        '"""Words."""\n\n# why\nX = 1  # one\n\n\ndef f():\n    """Says\n    more."""\n    return (\n        X\n    )\n'
    )
    assert code_lines(text) == len(["X = 1", "def f():", "return (", "X", ")"])


def test_the_core_is_read_in_one_sitting():
    counts = {name: code_lines((PACKAGE / name).read_text(encoding="utf-8")) for name in PATH}
    assert sum(counts.values()) <= SITTING, counts


def test_a_function_of_each_cloud_is_thin():
    handlers = sorted((PACKAGE.parents[1] / "functions").rglob("*.py"))
    counts = {path.name: code_lines(path.read_text(encoding="utf-8")) for path in handlers}
    assert len(counts) == 3
    assert max(counts.values()) <= 30, counts


def test_pages_name_the_same_path():
    for page in ("docs/architecture.md", "CONTRIBUTING.md"):
        text = (PACKAGE.parents[1] / page).read_text(encoding="utf-8")
        assert [name for name in PATH if name not in text] == [], page


def test_no_file_of_the_product_has_more_than_300_lines():
    """What such a file is about has parts with names of their own: a room for each, and never one for its rest."""
    assert too_long(PACKAGE.parents[1]) == []


def test_a_file_that_has_a_line_too_many_is_noticed(tmp_path):
    for folder, count in zip(PRODUCT, (LONGEST, LONGEST + 1, LONGEST + 1), strict=True):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "file.py").write_text("#\n" * count, encoding="utf-8")
    assert too_long(tmp_path) == ["deploy/deep/file.py: 301", "functions/deep/file.py: 301"]
