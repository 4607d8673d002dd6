"""What a program may import from `bucketrelay`, as docs/api.md says it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bucketrelay
from bucketrelay_emulators.local_clouds import local_s3, store_table

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_name_that_is_promised_is_there():
    for name in bucketrelay.__all__:
        assert getattr(bucketrelay, name) is not None


def test_a_name_that_is_not_promised_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = bucketrelay.nonsense


def test_the_page_names_what_is_promised_and_nothing_else():
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert named == set(bucketrelay.__all__)


def test_importing_the_package_imports_nothing_else_of_it():
    code = "import sys, bucketrelay; print(sorted(n for n in sys.modules if n.startswith('bucketrelay')))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['bucketrelay']"


def test_the_program_of_the_page_replicates_an_object(tmp_path, monkeypatch, capsys):
    with local_s3() as s3:
        for bucket in ("source", "target", "logs"):
            s3.create(bucket)
        s3.write("source", "k", b"hello")
        stores = "".join(store_table(name, s3, name) for name in ("source", "target", "logs"))
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        (tmp_path / "relay.toml").write_text(f'log = "logs"\n{stores}{route}')
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventVersion": "2.1", "awsRegion": "x"}
        record |= {
            "eventTime": "2026-11-21T09:15:00.000Z",
            "s3": {"bucket": {"name": "source"}, "object": {"key": "k"}},
        }
        (tmp_path / "event.json").write_text(json.dumps({"Records": [record]}))
        monkeypatch.chdir(tmp_path)
        program = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)[1]

        exec(compile(program, "docs/api.md", "exec"), {})

        assert s3.read("target", "k").body == b"hello"
    assert "copied s3://source/k s3://target/k" in capsys.readouterr().out
