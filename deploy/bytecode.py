"""Byte code that is the same for the same sources and the same Python. Run as a program, it is its own other half.

A function's disk is read-only, so that without byte code each new process compiles what it imports anew. It goes in in
place of the sources, as both would be twice the size: of packages `module.pyc` where `module.py` was, which Python
imports as well; of ours all modules in one file (`loader.py`). A traceback still names file and line, but has no text
of it, and no column, which would be a quarter of the byte code.
"""

import ast
import importlib.util
import marshal
import os
import subprocess
import sys
from collections.abc import Mapping

from packages import Refused

_OURS = "/bucketrelay/"
_PYC_HEADER = 16
_UNCHECKED = (0b01).to_bytes(4, "little")


def compile_modules(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The byte code of each module, as a `.pyc` holds it, by the module's path; for the Python that runs this.

    A process of its own: what is written depends on what the process has read before, and on the order of its sets.
    """
    done = subprocess.run(  # noqa: S603 - this file
        [sys.executable, "-s", "-S", "-W", "ignore", "-X", "no_debug_ranges", __file__],
        input=marshal.dumps(dict(sorted(sources.items()))),
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Refused(f"not compiled, mend it or use --no-compile: {last}")
    found: dict[str, bytes] = marshal.loads(done.stdout)  # noqa: S302 - our own process wrote it
    return found


def bundle(codes: Mapping[str, bytes]) -> bytes:
    """Modules in the one file that `loader.py` reads.

    Args:
        codes: what `compile_modules` gave, by paths that begin with the package's.
    """
    modules = {}
    for path in sorted(codes):
        name = path.removesuffix(".py").replace("/", ".")
        modules[name.removesuffix(".__init__")] = (name.endswith(".__init__"), codes[path][_PYC_HEADER:])
    return marshal.dumps((sys.version_info[:2], modules), 2)  # as old as that, so that each Python can read the version


def _compile(path: str, source: bytes) -> bytes:
    try:
        tree = ast.parse(source, path)
        if f"/{path}".rpartition(_OURS)[1]:
            _drop_docstrings(tree)
        code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)


def _drop_docstrings(tree: ast.Module) -> None:
    """A third of our byte code would be docstrings, which no function reads.

    A class keeps a point: a dataclass without any makes one of its signature, which takes longer than all else of it.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            first.value.value = "." if isinstance(node, ast.ClassDef) else 0


def _main() -> None:
    sources: dict[str, bytes] = marshal.load(sys.stdin.buffer)  # noqa: S302 - our own process wrote it
    sys.stdout.buffer.write(marshal.dumps({path: _compile(path, source) for path, source in sources.items()}))


if __name__ == "__main__":
    _main()
