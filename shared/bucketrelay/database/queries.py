"""SQL kept as SQL: files of named queries, and numbered migrations, inside the package."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from bucketrelay.values import dataclass

_NAMED = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_NUMBERED = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from one version of a room's tables to the next."""

    number: int
    text: str


@cache
def queries(package: str, file: str) -> Mapping[str, str]:
    """The queries of a file by their names, each of which stands above its query as `-- name: NAME`."""
    parts = _NAMED.split(files(package).joinpath(file).read_text(encoding="utf-8"))
    return MappingProxyType(
        {name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    )


@cache
def migrations(package: str, folder: str) -> tuple[Migration, ...]:
    """The migrations of a folder (`0001_jobs.sql`, …), in order."""
    named = ((_NUMBERED.fullmatch(entry.name), entry) for entry in files(package).joinpath(folder).iterdir())
    steps = [Migration(int(match[1]), entry.read_text(encoding="utf-8")) for match, entry in named if match]
    return tuple(sorted(steps, key=lambda migration: migration.number))


def newer(room: str, has: int) -> str:
    """What to say where the tables are newer than this program."""
    return (
        f"the tables of the {room} are of version {has}, made by a newer bucketrelay: install that one, "
        "or name another database"
    )
