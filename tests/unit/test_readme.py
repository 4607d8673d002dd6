"""What the README says is done, literally: its blocks here, and all of it from a fresh clone in `make slow`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bucketrelay.cli import COMMANDS
from bucketrelay.config import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Language, text: in the order of the page.
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]
SETTINGS = ("BUCKETRELAY_", "RELAY_", "HW_")


def environ(path, **more):
    known = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return known | {"PATH": f"{path}:{known['PATH']}"} | more


def done(script, folder, environ):
    """What a shell prints that runs a block, standard error in its place."""
    run = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert run.returncode == 0, f"{script}\n{run.stdout.decode()}"
    return run.stdout.decode()


@pytest.fixture
def command(tmp_path):
    """A folder in which `bucketrelay` is this one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bucketrelay").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bucketrelay "$@"\n')
    (folder / "bucketrelay").chmod(0o755)
    return folder


def walk(folder, environ, skipped=()):
    """Every block of the page, from top to bottom, in one folder; yields what each shell block printed."""
    said = ""
    for language, text in BLOCKS:
        if language == "toml":
            (folder / "relay.toml").write_text(text, encoding="utf-8")
        elif language == "text":
            assert said == text
        elif language == "sh" and not any(word in text for word in skipped):
            said = done(text, folder, environ)
            yield text, said


def test_the_blocks_of_the_readme_do_what_it_says(tmp_path, command):
    folder = tmp_path / "work"
    folder.mkdir()
    python = {"PYTHONPATH": str(ROOT / "shared")}
    ran = list(walk(folder, environ(command, **python), skipped=("pip install", "make demo", "deploy/build.py")))

    assert [text for text, _ in ran if "--dry-run" in text]


def test_the_configuration_of_the_readme_has_no_mistake():
    (text,) = [text for language, text in BLOCKS if language == "toml"]

    assert load(text, {"HW_AK": "a", "HW_SK": "s"}).routes[0].name == "photos"


def test_the_readme_names_every_command_and_no_other():
    cells = re.findall(r"^\| (`bucketrelay [^|]*) \|", README.replace("\\|", ""), re.MULTILINE)
    rows = [name for cell in cells for name in re.findall(r"`bucketrelay ([a-z-]+)", cell)]

    assert sorted(rows) == sorted(COMMANDS)


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("[!.]*/*.md"))], ids=lambda page: page.name
)
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and target != "queue.md":  # as above
            assert (page.parent / target).exists(), f"{page.name}: {target}"


# No message and no page names a command that is not there

# What may stand behind the name of the product and is no command, in the pages and in the code.
_ENGLISH = {
    "import",
    "knows",
    "raises",
    "needs",
    "itself",
    "holds",
    "does",
    "can",
    "list",
    "is",
    "and",
    "it",
    "as",
    "in",
}
_ENGLISH |= {"functions", "job", "ignores", "reads", "or", "doctor", "makes", "keeps", "emulators", "oci-events"}
_TEXTS = [
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "deploy/*.md",
        "templates/**/*",
        "shared/bucketrelay/**/*.py",
        "functions/**/*",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.is_file() and path.suffix in {".md", ".py", ".json", ".yaml", ".tf", ".toml"}
]


def test_no_message_and_no_page_names_a_command_that_is_not_there():
    named = {
        (path.relative_to(ROOT).as_posix(), word)
        for path in _TEXTS
        for word in re.findall(r"\bbucketrelay ([a-z][a-z-]+)", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 40
    assert {(path, word) for path, word in named if word not in COMMANDS and word not in _ENGLISH} == set()


def test_every_option_that_a_page_gives_a_command_is_one_of_its_own():
    from click import Context

    from bucketrelay.cli import cli

    context = Context(cli)
    known = {
        name: {o for p in cli.get_command(context, name).params for o in p.opts} for name in COMMANDS if name != "queue"
    }
    for path in (path for path in _TEXTS if path.suffix == ".md"):
        for name, rest in re.findall(r"`bucketrelay ([a-z-]+)((?: [^`\n]*)?)`", path.read_text(encoding="utf-8")):
            if name in known:
                wrong = set(re.findall(r"--[a-z][a-z-]+", rest)) - known[name]
                assert not wrong, f"{path.name}: bucketrelay {name} has no {wrong}"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make demo needs make")
def test_the_readme_from_top_to_bottom_in_a_fresh_clone(tmp_path):
    """The first `copied` object is the demo's: `make demo` in a clone that has nothing yet."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    fresh = {name: value for name, value in environ("/nowhere").items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    fresh["PATH"] = f"{clone}/.venv/bin:{fresh['PATH']}"
    seen = dict(walk(clone, fresh, skipped=("deploy/build.py",)))

    assert any("every target equals its source" in said for text, said in seen.items() if "make demo" in text)
