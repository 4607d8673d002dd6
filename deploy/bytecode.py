"""Byte code that is the same for the same sources and the same Python. Run as a program, it is its own other half.

With it `import oci` takes 0.2 s, without it 1.1 s, and that in every new process: a function's disk is read-only.
It bears a hash of its source in place of a time, and is never compared with the source ("unchecked": PEP 552).
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
_UNCHECKED = (0b01).to_bytes(4, "little")


def compile_modules(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The byte code of each module, by its path; for the Python that runs this.

    A process of its own: what is written depends on what the process has read before, and on the order of its sets.
    """
    done = subprocess.run(  # noqa: S603 - this file
        [sys.executable, "-s", "-S", "-W", "ignore", __file__],
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
    """A third of our byte code is docstrings, which stand in the sources beside it.

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
    made = {
        importlib.util.cache_from_source(path, optimization=""): _compile(path, source)
        for path, source in sources.items()
    }
    sys.stdout.buffer.write(marshal.dumps(made))


if __name__ == "__main__":
    _main()
