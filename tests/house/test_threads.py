"""Threads are begun where docs/architecture.md says, and nowhere else."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "shared" / "bucketrelay"
_WORDS = r"ThreadPoolExecutor\(|threading\.(?:Thread|Timer)\(|\(threading\.Thread\)|multiprocessing|os\.fork"
BEGINS = re.compile(_WORDS)


def test_what_begins_threads_is_on_the_page():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.partition("| threads are begun in |")[2].partition("\n\n")[0].splitlines()[2:]
    said = {name for row in rows for name in re.findall(r"`([\w/]+\.py)`", row.split("|")[1])}
    begun = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "testing" not in path.parts
        if BEGINS.search(path.read_text(encoding="utf-8"))
    }
    assert begun == said
