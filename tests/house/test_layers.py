"""The layers of pyproject.toml bite: an import that goes the wrong way is refused by name."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]

# Where somebody writes an import that does not belong there, the import, and the contract that refuses it.
VIOLATIONS = [
    ("model.py", "bucketrelay.core.run", "data flows one way"),
    ("core/run.py", "bucketrelay.testing.memory", "data flows one way"),
    ("drivers/replay.py", "bucketrelay.drivers.function", "no driver knows another"),
    ("clouds/huawei/store.py", "bucketrelay.clouds.aws.fields", "no cloud knows another"),
    ("clouds/pages.py", "bucketrelay.clouds.aws.fields", "no cloud knows another"),
    ("drivers/replay.py", "bucketrelay.clouds.aws.store", "a cloud is known by its name"),
    ("wiring.py", "bucketrelay.clouds.oracle.store", "a cloud is known by its name"),
    ("core/decide.py", "bucketrelay.clouds.aws.errors", "the core knows the seam"),
    ("core/digest.py", "bucketrelay.forward.oms", "the core knows the seam"),
    ("core/stamp.py", "bucketrelay.config", "the core knows the seam"),
    ("events/keys.py", "click", "what is pure imports nobody else's package"),
    ("routes/globs.py", "requests", "what is pure imports nobody else's package"),
    ("jobs/queue.py", "psycopg", "what is pure imports nobody else's package"),
    ("values.py", "msgspec", "what is pure imports nobody else's package"),
    ("doctor/checks.py", "botocore.session", "each package of somebody else"),
    ("wiring_jobs.py", "botocore.session", "each package of somebody else"),
    ("clouds/local/store.py", "oci", "each package of somebody else"),
    ("clouds/notification_xml.py", "botocore", "each package of somebody else"),
    ("clouds/huawei/errors.py", "botocore.session", "each package of somebody else"),
    ("clouds/oracle/errors.py", "obs", "each package of somebody else"),
    ("drivers/worker/loop.py", "rich", "each package of somebody else"),
    ("process.py", "bucketrelay_emulators", "nothing that is deployed knows the emulators"),
    ("wiring_jobs.py", "bucketrelay_emulators", "nothing that is deployed knows the emulators"),
    ("../bucketrelay_emulators/engine/values.py", "bucketrelay.model", "the emulators know nothing of the product"),
]
# The same for a circle, of which import-linter says in which package it is.
CIRCLES = [
    ("clouds/aws/sign.py", "bucketrelay.clouds.aws.credentials", "bucketrelay.clouds.aws"),
    ("core/digest.py", "bucketrelay.core.parts", "bucketrelay.core"),
    ("../bucketrelay_emulators/server/serving.py", "bucketrelay_emulators.proxy", "bucketrelay_emulators"),
]
NO_CIRCLE = "imports run in no circle"
FOREIGN = ("what is pure imports nobody else's package", "each package of somebody else")


@pytest.fixture(scope="module")
def contracts():
    """Of pyproject.toml, by name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["name"]: each for each in settings["tool"]["importlinter"]["contracts"]}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """What import-linter says of a copy of the packages with every violation in it."""
    place = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "shared", place / "shared", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", place)
    for file, module, _ in (*VIOLATIONS, *CIRCLES):
        path = place / "shared" / "bucketrelay" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\nimport {module}\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place / "shared"), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    broken = ended.stdout.partition("Broken contracts")[2]
    titles = re.split(r"^(\S.*)\n-+$", broken, flags=re.MULTILINE)
    return dict(zip(titles[1::2], titles[2::2], strict=True))


@pytest.mark.parametrize(("file", "module", "contract"), VIOLATIONS)
def test_an_import_that_goes_the_wrong_way_is_refused(refusals, file, module, contract):
    name = file.removeprefix("../").removesuffix(".py").replace("/", ".")
    importer = name if name.startswith("bucketrelay_emulators") else f"bucketrelay.{name}"
    words = next(text for title, text in refusals.items() if title.startswith(contract))
    # Another package is known to the graph by its root alone.
    target = module if module.startswith("bucketrelay") else module.partition(".")[0]
    assert re.search(rf"{re.escape(importer)} -> {re.escape(target)}\b", words), words


@pytest.mark.parametrize("package", [package for _, _, package in CIRCLES])
def test_a_circle_is_refused(refusals, package):
    words = next(text for title, text in refusals.items() if title.startswith(NO_CIRCLE))
    assert f"No cycles are allowed in {package}." in words, words


def test_every_contract_is_seen_to_bite(contracts):
    starts = (NO_CIRCLE, *{start for _, _, start in VIOLATIONS})
    assert [name for name in contracts if not name.startswith(starts)] == []


def test_the_contracts_about_others_packages_name_all_that_anything_imports(contracts):
    graph = grimp.build_graph("bucketrelay", include_external_packages=True, cache_dir=None)
    others = {name for name in graph.modules if graph.is_module_squashed(name)} - sys.stdlib_module_names
    others -= {"tomllib"}  # of the standard library since 3.11, and read by its name only there
    for start in FOREIGN:
        contract = next(each for name, each in contracts.items() if name.startswith(start))
        assert others - {"bucketrelay_emulators", "mypy_boto3_s3"} <= set(contract["forbidden_modules"])
