"""Packages as pip has them: fetched for another Python and machine, and the files of them that a function needs."""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contents import ARCHITECTURES, USELESS, Package
from elf import strip_symbols

FOLDER = Path(__file__).resolve().parent
PINS = (FOLDER / "constraints.txt", FOLDER.parent / "constraints.txt")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
# name-version.tar.gz, or name-version-tags.whl
_ARCHIVE = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*?)(?:\.tar\.gz|-.+\.whl)")
_SAYS_WHAT_IT_IS = {"PKG-INFO": "METADATA", "LICENSE": "LICENSE"}  # in a source distribution, in an installed package
_LICENCE = re.compile(r".*(licen[cs]e|copying|notice|authors)[^/]*", re.IGNORECASE)


class Refused(Exception):
    """The archive cannot be built; the text says what to do about it."""


@dataclass(frozen=True)
class Target:
    """For which Python (3.12) on which machine (arm64)."""

    python: str
    arch: str

    @property
    def name(self) -> str:
        """Such as 3.12-arm64."""
        return f"{self.python}-{self.arch}"


def versions() -> Mapping[str, str]:
    """The pinned version of each package, by its normalised name."""
    lines = [line for path in PINS for line in path.read_text(encoding="utf-8").splitlines()]
    return {_normal(found["name"]): found["version"] for line in lines if (found := _PIN.match(line))}


def fetch(wanted: Iterable[Package], target: Target, downloads: Path) -> Mapping[Package, Path]:
    """The archive of each: from the target's folder in *downloads*, and those that are missing there by pip.

    Raises:
        Refused: pip does not get them; or one is not pinned.
    """
    pins, packages, folder = versions(), list(wanted), downloads / target.name
    if loose := [package.name for package in packages if _normal(package.name) not in pins]:
        raise Refused(f"no version is pinned for {', '.join(loose)}: add it to {PINS[0].name}")
    folder.mkdir(parents=True, exist_ok=True)
    asked = {package: (_normal(package.name), pins[_normal(package.name)]) for package in packages}
    if missing := [package for package in packages if asked[package] not in _archives(folder)]:
        _download({f"{package.name}=={asked[package][1]}": package for package in missing}, target, folder)
    held = _archives(folder)
    return {package: held[asked[package]] for package in packages}


def files(package: Package, archive: Path) -> Mapping[str, bytes]:
    """The files of *package* that a function needs, by their path below the folder of packages."""
    found = _of_source(package, archive) if archive.name.endswith(".tar.gz") else _of_wheel(package, archive)
    if not any(path.endswith((".py", ".so")) for path in found):
        raise Refused(f"{archive.name}: none of its files is wanted: correct {package.name} in contents.py")
    return {path: strip_symbols(content) if path.endswith(".so") else content for path, content in found.items()}


def _archives(folder: Path) -> Mapping[tuple[str, str], Path]:
    """What was downloaded, by name and version."""
    found = ((path, _ARCHIVE.fullmatch(path.name)) for path in folder.iterdir())
    return {(_normal(said["name"]), said["version"]): path for path, said in found if said}


def _download(packages: Mapping[str, Package], target: Target, folder: Path) -> None:
    """By pip; its options and variables for indexes, proxies and caches hold."""
    sources = ",".join(package.name for package in packages.values() if package.root)
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--no-input"),
        *("--dest", str(folder), "--implementation", "cp", "--python-version", target.python),
        *("--platform", f"manylinux2014_{ARCHITECTURES[target.arch]}", "--only-binary", ":all:"),
        *(("--no-binary", sources) if sources else ()),
    ]
    done = subprocess.run([*command, *packages], capture_output=True, text=True, check=False)  # noqa: S603 - pinned names
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")] or said[-1:]
        raise Refused(f"pip cannot get the packages: {' '.join(errors) or f'status {done.returncode}'}")


def _of_wheel(package: Package, archive: Path) -> Mapping[str, bytes]:
    with zipfile.ZipFile(archive) as wheel:
        paths = {_install_path(name): name for name in wheel.namelist() if not name.endswith("/")}
        return {path: wheel.read(name) for path, name in paths.items() if path and _is_needed(package, path)}


def _of_source(package: Package, archive: Path) -> Mapping[str, bytes]:
    """Modules as they stand in it: nothing is compiled, so it needs no compiler and suits every machine."""
    found = {}
    with tarfile.open(archive) as source:
        for member in source:
            path = member.name.partition("/")[2].removeprefix(package.root)
            if path in _SAYS_WHAT_IT_IS:
                path = f"{archive.name.removesuffix('.tar.gz')}.dist-info/{_SAYS_WHAT_IT_IS[path]}"
            content = source.extractfile(member) if member.isfile() and _is_needed(package, path) else None
            if content:
                found[path] = content.read()
    return found


def _install_path(name: str) -> str:
    """Where pip would put a wheel's file, "" for scripts and the like."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return name
    kind, _, path = rest.partition("/")
    return path if kind in {"purelib", "platlib"} else ""


def _is_needed(package: Package, path: str) -> bool:
    if ".dist-info/" in path:  # what scanners for vulnerable versions read, and the licences
        return path.endswith("/METADATA") or bool(_LICENCE.fullmatch(path))
    if not re.fullmatch(package.keep, path) or re.fullmatch(USELESS, path):
        return False
    return not (package.drop and re.fullmatch(package.drop, path))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
