"""What a release consists of: `make dist`, and the image of the Containerfile as far as it goes without a container."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from bucketrelay import __version__
from bucketrelay.cli import COMMANDS
from bucketrelay.drivers.serve.guard import _OPEN
from page.conftest import Server, World

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "shared"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")
STEPS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", CONTAINER, flags=re.MULTILINE)).splitlines()
ARCHIVES = {"s3_notifications.zip", "obs_trigger.zip", "oci_events.zip"}


def plain():
    """Whatever belongs to the package and is no module."""
    files = (path for path in (SHARED / "bucketrelay").rglob("*") if path.is_file())
    return {path.relative_to(SHARED).as_posix() for path in files if path.suffix not in (".py", ".pyc")}


def test_every_file_of_the_package_goes_into_the_wheel():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    shipped = [f"{package.replace('.', '/')}/{name}" for package, names in patterns.items() for name in names]

    assert len(plain()) > 10
    # setuptools' ** is also no folder at all, which fnmatch does not know.
    assert [p for p in plain() if not any(fnmatch(p, s) or fnmatch(p, s.replace("**/", "")) for s in shipped)] == []


def said(instruction):
    return [step.partition(" ")[2].strip() for step in STEPS if step.startswith(f"{instruction} ")]


def test_an_image_runs_as_nobody_special_and_from_a_base_with_a_version():
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+[\w.-]*( AS \w+)?", base) for base in said("FROM"))
    assert STEPS[0].startswith("FROM ")
    assert re.findall(r"from=(\w+)", CONTAINER) == re.findall(r" AS (\w+)$", CONTAINER, re.MULTILINE) != []
    assert said("USER") == ["10001"]
    assert STEPS.index("USER 10001") > max(at for at, step in enumerate(STEPS) if step.startswith("RUN "))


def test_an_image_installs_what_its_commands_need():
    extras = {tuple(sorted(found.split(","))) for found in re.findall(r"\[([a-z0-9,]+)\]'", CONTAINER)}
    everything = re.findall(r"[\w]+", PROJECT["project"]["optional-dependencies"]["all"][0].partition("[")[2])

    assert extras == {tuple(sorted(set(everything) - {"fn", "parquet"}))}  # for a function; for inventories in Parquet
    assert said("ENTRYPOINT") == ['["bucketrelay"]']
    assert yaml.safe_load(said("CMD")[0])[0] in COMMANDS


def test_compose_builds_the_same_image():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [each for each in services.values() if "build" in each]

    assert {each["build"]["dockerfile"] for each in ours} == {"Containerfile"}
    assert {each["command"][0] for each in ours} == {"copier", "worker"}
    assert all(each["healthcheck"] == {"disable": True} for each in ours)  # they do not listen


def test_the_health_check_of_an_image_tells_a_server_from_none(tmp_path):
    program, option, code = yaml.safe_load(said("HEALTHCHECK")[0].partition("CMD ")[2])
    assert (program, option) == ("python", "-c")
    (path,) = re.findall(r"127\.0\.0\.1:8080(/\w+)", code)
    assert path in _OPEN  # whatever secrets [serve] has

    with Server(World(tmp_path, secrets=True)) as server:
        program_text = code.replace("http://127.0.0.1:8080", server.url)
        assert subprocess.run([sys.executable, "-c", program_text], check=False).returncode == 0
    assert subprocess.run([sys.executable, "-c", program_text], check=False, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.slow
def test_a_release_is_complete_and_its_wheel_works_in_an_environment_of_its_own(tmp_path):
    out, fresh = tmp_path / "dist", tmp_path / "venv"
    subprocess.run([sys.executable, str(ROOT / "deploy/release.py"), "--out", str(out)], check=True)

    wheel, source = f"bucketrelay-{__version__}-py3-none-any.whl", f"bucketrelay-{__version__}.tar.gz"
    assert {path.name for path in out.iterdir()} == {wheel, source, "SHA256SUMS", *ARCHIVES}
    sums = dict(reversed(line.split("  ")) for line in (out / "SHA256SUMS").read_text().splitlines())
    assert sums == {n: hashlib.sha256((out / n).read_bytes()).hexdigest() for n in {wheel, source, *ARCHIVES}}
    with zipfile.ZipFile(out / wheel) as found:
        assert plain() <= set(found.namelist())
    with tarfile.open(out / source) as found:
        assert f"bucketrelay-{__version__}/shared/bucketrelay/py.typed" in found.getnames()

    subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True)
    install = [
        str(fresh / "bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        str(ROOT / "constraints.txt"),
    ]
    subprocess.run([*install, f"{out / wheel}[cli]"], check=True)
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "BUCKETRELAY", "RELAY"))
    }
    for words in (["--version"], ["init"], ["check"], ["demo", "--help"]):
        command = [str(fresh / "bin/bucketrelay"), *words]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.strip() or done.stderr.strip()


@pytest.mark.slow
def test_the_steps_of_the_containerfile_give_commands_that_start(tmp_path):
    """Without a container: the same pip, in an environment of its own in place of the image's."""
    bin_, wheels = tmp_path / "venv/bin", tmp_path / "wheels"
    subprocess.run([sys.executable, "-m", "venv", str(bin_.parent)], check=True)
    source = tmp_path / "src"
    patterns = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "dist", "build", "*.egg-info", ".*_cache")
    shutil.copytree(ROOT, source, ignore=patterns)
    for step in said("RUN"):
        command = re.sub(r"--mount=\S+ | && useradd .*", "", step).replace("/src", str(source))
        subprocess.run(["bash", "-euc", f"{bin_}/{command.replace('/wheels', str(wheels))}"], check=True)

    for name in ("serve", "worker", "copier", "dataset-sync"):
        done = subprocess.run([bin_ / "bucketrelay", name, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Usage: bucketrelay")
    (tmp_path / "relay.toml").write_text(f'log = "a"\n[stores.a]\nurl = "file://{tmp_path}/a"\n[stores.b]\nurl = '
        f'"file://{tmp_path}/b"\n[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n')  # fmt: skip
    listen = yaml.safe_load(said("CMD")[0])
    refused = subprocess.run([bin_ / "bucketrelay", *listen], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 2  # everybody may come, and there is no secret: docs/serve.md
