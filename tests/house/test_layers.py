"""The layers of pyproject.toml bite: an import that goes the wrong way is refused by name."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Where somebody writes an import that does not belong there, the import, and the contract that refuses it.
VIOLATIONS = {
    "core/decide.py": ("bucketrelay.clouds.aws.errors", "the core knows the seam"),
    "core/digest.py": ("bucketrelay.forward.oms", "the core knows the seam"),
    "core/stamp.py": ("bucketrelay.config", "the core knows the seam"),
    "clouds/huawei/store.py": ("bucketrelay.clouds.aws.fields", "no cloud knows another"),
    "drivers/replay.py": ("bucketrelay.drivers.function", "no driver knows another"),
    "events/keys.py": ("click", "what is pure imports nobody else's package"),
    "routes/globs.py": ("requests", "what is pure imports nobody else's package"),
    "model.py": ("bucketrelay.core.run", "data flows one way"),
    "doctor/checks.py": ("botocore.session", "an SDK is imported by its cloud alone"),
    "clouds/local/store.py": ("oci", "one cloud's SDK is no other's"),
    "clouds/huawei/errors.py": ("botocore.session", "Huawei's folder imports no other cloud's SDK"),
    "clouds/oracle/errors.py": ("obs", "Oracle's folder imports no other cloud's SDK"),
    "process.py": ("bucketrelay_emulators", "nothing that is deployed knows the emulators"),
    "../bucketrelay_emulators/engine/values.py": ("bucketrelay.model", "the emulators know nothing of the product"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """What import-linter says of a copy of the packages with every violation in it."""
    place = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "shared", place / "shared", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", place)
    for file, (module, _) in VIOLATIONS.items():
        path = place / "shared" / "bucketrelay" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\nimport {module}\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place / "shared")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    broken = ended.stdout.partition("Broken contracts")[2]
    titles = re.split(r"^(\S.*)\n-+$", broken, flags=re.MULTILINE)
    return dict(zip(titles[1::2], titles[2::2], strict=True))


@pytest.mark.parametrize("file", VIOLATIONS)
def test_an_import_that_goes_the_wrong_way_is_refused(refusals, file):
    module, contract = VIOLATIONS[file]
    name = file.removeprefix("../").removesuffix(".py").replace("/", ".")
    importer = name if name.startswith("bucketrelay_emulators") else f"bucketrelay.{name}"
    importer = importer.removesuffix(".__init__")
    words = next(text for title, text in refusals.items() if title.startswith(contract))
    # Another package is known to the graph by its root alone.
    target = module if module.startswith("bucketrelay") else module.partition(".")[0]
    assert re.search(rf"{re.escape(importer)} -> {re.escape(target)}\b", words), words


def test_every_contract_is_seen_to_bite():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    names = re.findall(r'^name = "(.+)"$', text.partition("[tool.importlinter]")[2], flags=re.MULTILINE)
    unproven = [name for name in names if not any(name.startswith(start) for _, start in VIOLATIONS.values())]
    assert unproven == []
