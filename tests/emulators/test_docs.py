"""docs/emulators.md is executed: its examples, its commands and what they print, its list of faults."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from bucketrelay_emulators.__main__ import _TOLD
from bucketrelay_emulators.engine.faults import Fault, FaultKind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "emulators.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # of the SDKs, from Python 3.12 on
@pytest.mark.parametrize("code", EXAMPLES, ids=["obs", "oci", "proxy", "pytest"])
def test_an_example_runs_and_what_it_asserts_is_so(code, tmp_path):
    if "pytest.fixture" in code:
        (tmp_path / "test_example.py").write_text(code)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", str(tmp_path)]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "1 passed" in ended.stdout
    else:
        assert "assert" in code
        exec(compile(code, "docs/emulators.md", "exec"), {"__name__": "example"})


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=["obs", "oci", "proxy"])
def test_a_command_prints_what_the_page_says(command, printed):
    program, *arguments = shlex.split(command)
    assert program == "python"
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in printed.splitlines()]
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0

    def without_port(text):
        return re.sub(r"(endpoint .*:)\d+|(config      ).*", r"\1\2…", text)

    assert without_port("".join(lines)) == without_port(printed)


def test_the_page_names_every_kind_of_fault_and_every_word_of_the_command_line():
    section = PAGE.partition("## Faults")[2].partition("## In pytest")[0]

    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == sorted(get_args(FaultKind), key=section.index)
    assert [name for name in _TOLD if f"`{name}`" not in section] == []
    assert all(hasattr(Fault(), name) for name in ("match", "until", "act", *_TOLD))


@pytest.mark.slow
def test_the_examples_need_no_more_than_the_page_says_to_install(tmp_path):
    ((extras, more),) = re.findall(r"^pip install '\.\[([a-z,]+)\]'(.*)$", PAGE, re.MULTILINE)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    pins = ROOT / "constraints.txt"
    install = [python, "-m", "pip", "install", "-q", "-c", pins, f"{ROOT}[{extras}]", *more.split(), "pytest"]
    subprocess.run(install, check=True, cwd=tmp_path)
    for number, code in enumerate(EXAMPLES):
        (tmp_path / f"test_{number}.py").write_text(code)
        command = ["-m", "pytest", "-q"] if "pytest.fixture" in code else []
        subprocess.run([python, *command, tmp_path / f"test_{number}.py"], check=True, cwd=tmp_path)
