"""One function, made ready to upload: `dist/FUNCTION.zip`, the same bytes from the same input.

    python deploy/build.py s3_notifications --config relay.toml
    python deploy/build.py obs_trigger --stores obs,s3 --python 3.10
    python deploy/build.py oci_events --layout fn --out build/oci_events     # a folder for `fn deploy`

In it are the handler, `relay.toml` if there is one, as much of the shared core as the handler can reach, the adapters
of the stores that the configuration names, and of their SDKs what the runtime lacks. Exit status: 0 built, 1 larger
than allowed, 2 wrong usage or no packages.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bytecode import bundle, compile_modules
from contents import (
    ARCHITECTURES,
    BROKERS,
    CLOUDS,
    DIRECT,
    FORWARDS,
    FUNCTIONS,
    MB,
    POSTGRES,
    PYTHONS,
    ROLE,
    SDKS,
    TOML,
    WEBHOOK,
    Function,
    Package,
)
from needs import CHECKED, CONFIG, EVERYTHING, checked_form, needs
from packages import Refused, Target, fetch, files, versions
from reach import reach

ROOT = Path(__file__).resolve().parents[1]
SQL = "bucketrelay/inventory/sql"  # read by name, and not imported
FIRST = "bucketrelay/__init__.py"  # the one module of the core that stays a source
LOADER = Path(__file__).with_name("loader.py")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can tell


@dataclass(frozen=True)
class Order:
    """What is to be built."""

    function: Function
    target: Target
    stores: tuple[str, ...]
    forwards: tuple[str, ...]
    config: Path | None
    pin_sdk: bool
    compiled: bool

    @property
    def limit(self) -> int:
        """The largest archive allowed, in bytes."""
        own = set(self.stores) <= {self.function.cloud, "file"} and not self.pin_sdk and POSTGRES not in self.forwards
        return self.function.own_limit if own else self.function.limit

    def packages(self) -> list[Package]:
        """What has to be brought along, each once."""
        provided = () if self.pin_sdk else self.function.provided
        wanted = [package for kind in self.forwards if kind not in provided for package in FORWARDS[kind]]
        wanted += [package for scheme in self.stores for package in SDKS[scheme]]
        wanted += self.function.brings
        if self.target.python == "3.10":
            wanted.append(TOML)
        return sorted({p for p in wanted if p.name not in self.function.has}, key=lambda package: package.name)


def code(order: Order) -> dict[str, bytes]:
    """The handler, the configuration and the core, by their path in the handler's folder."""
    handler, shared = ROOT / "functions" / order.function.name / order.function.handler, ROOT / "shared"
    found = {handler.name: handler.read_bytes()}
    if order.config:
        found[CONFIG] = order.config.read_bytes()
        if written := checked_form(order.config.read_text(encoding="utf-8-sig")):
            found[CHECKED] = written
    paths = reach(handler, shared, _may_go_in(order))
    if POSTGRES in order.forwards:
        paths |= {path for path in (shared / SQL).rglob("*") if path.suffix in (".py", ".sql")}
    return found | {path.relative_to(shared).as_posix(): path.read_bytes() for path in paths}


def _may_go_in(order: Order) -> Callable[[str], bool]:
    """Tells of a module of the core whether it may go in."""
    # What a bucket has besides its objects is for people at a terminal: `wire` and `doctor`.
    foreign = {f"bucketrelay.clouds.{cloud}.bucket" for cloud in CLOUDS.values()}
    # By these modules alone wiring and the registry come to a cloud. What else reaches into its folder needs what it
    # reaches: a forward the signature, a function the interface by which it calls itself again, with its credentials.
    for scheme, cloud in CLOUDS.items():
        if scheme not in order.stores:
            entries = ("store",) if scheme == order.function.cloud else ("store", "credentials", "client")
            foreign |= {f"bucketrelay.clouds.{cloud}.{entry}" for entry in entries}
    foreign |= {"bucketrelay.clouds.rclone.daemon", "bucketrelay.clouds.rclone.store"}  # no function has rclone
    if not set(order.forwards) & set(BROKERS):
        foreign.add("bucketrelay.wiring_invocation")
    if order.config and WEBHOOK not in order.forwards:  # nobody is told of alarms: all that a function wants status for
        foreign.add("bucketrelay.wiring_status")
    if POSTGRES not in order.forwards:
        foreign.add("bucketrelay.wiring_tables")
    return lambda module: module not in foreign


def archive(order: Order, downloads: Path) -> dict[str, bytes]:
    """All files of the archive, by their path in it."""
    function = order.function
    found = {function.code + path: content for path, content in code(order).items()}
    for brought, path in fetch(order.packages(), order.target, downloads).items():
        found.update({function.packages + inside: content for inside, content in files(brought, path).items()})
    if not order.compiled:
        return found
    # The handler stays as it is: somebody who edits it in the console must see it change.
    modules = {path: content for path, content in found.items() if path.endswith(".py") and SQL not in path}
    del modules[function.code + function.handler]
    codes, package = compile_modules(modules), f"{function.code}bucketrelay/"
    ours = {path.removeprefix(function.code): code for path, code in codes.items() if path.startswith(package)}
    first = found[f"{package}__init__.py"] + b"\n\n" + LOADER.read_bytes()
    return {
        **{path: content for path, content in found.items() if path not in modules},
        **{f"{path}c": code for path, code in codes.items() if not path.startswith(package)},
        f"{package}__init__.py": first,
        f"{package}modules.bin": bundle({path: code for path, code in ours.items() if path != FIRST}),
    }


def write(found: Mapping[str, bytes], path: Path) -> None:
    """The archive; the same bytes for the same files, with the same zlib."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(found):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, or the mode below means nothing
            # Without it a runtime that unpacks as another user says "permission denied".
            entry.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
            made.writestr(entry, found[name], compresslevel=9)


def write_fn(order: Order, folder: Path) -> None:
    """A folder in which `fn deploy` finds all that it needs; func.yaml is kept, for `fn` counts versions in it."""
    theirs = ROOT / "functions" / order.function.name / "func.yaml"
    if not theirs.exists():
        raise Refused(f"{order.function.name} is no function of OCI: --layout fn is for oci_events")
    ours, core = folder / theirs.name, folder / "bucketrelay"
    if core.is_dir():
        shutil.rmtree(core)
    elif folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty and holds no earlier build: name another folder with --out")
    found = code(order) | {"requirements.txt": requirements(order).encode()}
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if not ours.exists():
        shutil.copyfile(theirs, ours)


def requirements(order: Order) -> str:
    """For pip in the image's build, which brings their dependencies."""
    pins = versions()
    names = {"fdk", *(name for kind in (*order.stores, *order.forwards) for name in DIRECT[kind])}
    return "".join(f"{name}=={pins[name]}\n" for name in sorted(names))


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raises Refused, where the original prints the usage and exits."""
        raise Refused(f"{message} (--help tells more)")


def _order(asked: argparse.Namespace) -> Order:
    function = FUNCTIONS[asked.function]
    beside = ROOT / "functions" / function.name / CONFIG
    config = asked.config or (beside if beside.exists() else None)
    named, forwards = EVERYTHING if asked.stores is None else ((), ())
    if config:
        try:
            named, forwards = needs(config.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise Refused(f"{config}: {error.strerror}: name a file that can be read with --config") from error
    stores = named if asked.stores is None else asked.stores
    if lacking := set(named) - set(stores):
        raise Refused(f"{config} names {', '.join(sorted(lacking))}:// stores, --stores does not: add them")
    if "s3" in stores and (asked.pin_sdk or not config):  # without a configuration anything may find the keys
        forwards = (*(kind for kind in forwards if kind != ROLE), ROLE)
    target = Target(asked.python or function.python, asked.arch)
    compiling = _running() == target.python and not asked.no_compile
    return Order(function, target, stores, forwards, config, asked.pin_sdk, compiling)


def _stores(text: str) -> tuple[str, ...]:
    found = {name.strip() for name in text.split(",")} - {""}
    if unknown := found - set(SDKS):
        raise argparse.ArgumentTypeError(f"no store is {', '.join(sorted(unknown))}: choose from {', '.join(SDKS)}")
    return tuple(scheme for scheme in SDKS if scheme in found)


def _running() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _parser() -> Parser:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("function", choices=FUNCTIONS)
    parser.add_argument("--python", choices=PYTHONS, help="the function's, else 3.12, or 3.10 for obs_trigger")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="x86_64")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the archive, or that of --layout fn")
    parser.add_argument("--config", type=Path, help=f"goes in as {CONFIG}; its stores decide which SDKs go in")
    parser.add_argument(
        "--stores", type=_stores, help="such as s3,obs: whose SDKs go in; all, if nothing says otherwise"
    )
    parser.add_argument("--pin-sdk", action="store_true", help="bring botocore, although Lambda has one")
    parser.add_argument("--no-compile", action="store_true", help="sources in place of byte code: slower to start")
    parser.add_argument("--layout", choices=("zip", "fn"), default="zip", help="fn: a folder for `fn deploy`")
    parser.add_argument("--downloads", type=Path, help="folder where packages are kept between builds")
    return parser


def _report(order: Order, found: Mapping[str, bytes], path: Path) -> int:
    size, limit = path.stat().st_size, order.limit
    with_code = f"compiled for Python {order.target.python}" if order.compiled else "not compiled"
    why = "" if _running() == order.target.python else f" (this is Python {_running()})"
    unpacked = sum(map(len, found.values()))
    print(f"{path}: {size / MB:.2f} MB of {limit / MB:g} allowed, {unpacked / MB:.1f} MB unpacked, {with_code}{why}")
    if order.target.python not in order.function.offered:
        print(f"note: the runtimes known for {order.function.name} are {', '.join(order.function.offered)}")
    if size <= limit:
        return 0
    with zipfile.ZipFile(path) as made:
        sizes: dict[str, int] = {}
        for entry in made.infolist():
            part = entry.filename.removeprefix(order.function.packages).partition("/")[0]
            sizes[part] = sizes.get(part, 0) + entry.compress_size
    largest = sorted(sizes, key=lambda part: -sizes[part])[:5]
    said = ", ".join(f"{part} {sizes[part] / MB:.2f} MB" for part in largest)
    print(f"build: too large by {(size - limit) / MB:.2f} MB; the largest parts: {said}", file=sys.stderr)
    return 1


def main(arguments: Sequence[str]) -> int:
    """Build what the arguments name. Returns the exit status."""
    try:
        asked = _parser().parse_args(arguments)
        order = _order(asked)
        if asked.layout == "fn":
            write_fn(order, asked.out)
            print(f"{asked.out}: ready for fn deploy")
            return 0
        with tempfile.TemporaryDirectory() as folder:
            found = archive(order, asked.downloads or Path(folder))
        path = asked.out / f"{order.function.name}.zip"
        write(found, path)
    except (Refused, OSError, SyntaxError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    return _report(order, found, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
