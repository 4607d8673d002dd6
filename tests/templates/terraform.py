"""Our Terraform files, read by python-hcl2: what terraform itself would be asked for first, as far as text can tell."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import hcl2

from templates.stacks import ROOT

FOLDERS = ("aws", "huawei", "oracle")
_LITERAL = re.compile(r"\$\$\{")


def texts(folder: str) -> Mapping[str, str]:
    files = sorted((ROOT / "templates/terraform" / folder).glob("*.tf"))
    return {path.name: path.read_text(encoding="utf-8") for path in files}


@functools.cache  # hcl2 takes a second for each
def read(folder: str) -> dict[str, list[Any]]:
    """All blocks of a folder's files, by kind; names without their quotes. Not to be changed: it is read once."""
    blocks: dict[str, list[Any]] = {}
    for text in texts(folder).values():
        for kind, found in plain(hcl2.loads(text)).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


def plain(value: Any) -> Any:
    """Without the quotes that hcl2 leaves around names and strings, and without comments."""
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in value.items() if not name.endswith("comments__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def resources(blocks: Mapping[str, list[Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, name and body of each; the type of a data source begins with `data.`."""
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for block in blocks.get(kind, ()):
            for type_, named in block.items():
                yield from ((prefix + type_, name, body) for name, body in named.items() if name != "__is_block__")


def bodies(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments and blocks of a body; a block for each time that it is there, a dynamic one by its content."""
    for name, value in body.items():
        if name == "__is_block__":
            continue
        if name == "dynamic":
            for made in value:
                for label, inner in made.items():
                    yield from ((label, content) for content in inner["content"])
        elif isinstance(value, list) and value and isinstance(value[0], dict) and "__is_block__" in value[0]:
            yield from ((name, inner) for inner in value)
        else:
            yield name, value


def unknown(body: Mapping[str, Any], known: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is not documented, is a block and should not be, or lacks what is required."""
    names = {name.lstrip("!"): inner for name, inner in known.items()}
    present = list(bodies(body))
    for name, value in present:
        is_block = isinstance(value, dict) and "__is_block__" in value
        if name not in names:
            yield f"{at}.{name} is not documented"
        elif is_block != isinstance(names[name], dict):
            yield f"{at}.{name} is {'a' if is_block else 'no'} block"
        elif is_block:
            yield from unknown(value, names[name], f"{at}.{name}")
    for name in known:
        if name.startswith("!") and name[1:] not in dict(present):
            yield f"{at}.{name[1:]} is required"


def code(folder: str) -> str:
    """The text without comments, for searching what it refers to."""
    lines = [line for text in texts(folder).values() for line in text.splitlines()]
    return "\n".join(_LITERAL.sub("", re.sub(r"(^|\s)#.*$", "", line)) for line in lines)
