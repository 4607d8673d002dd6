# ruff: noqa: INP001 - a script, no package
"""Prints docs/relay.schema.json, a JSON Schema of relay.toml, from the data that the configuration is read by.

python docs/generate_schema.py > docs/relay.schema.json

Draft 7, which taplo knows, the language server of the editors' extensions for TOML. The schema knows each key, the form
of its value and what must be there; whether a store of that name exists, or two routes meet, `bucketrelay check` says.
"""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from bucketrelay.clouds.facts import COMMON, Option
from bucketrelay.clouds.registry import SCHEMES, facts
from bucketrelay.config.keys import SECTIONS, Key, Section

Schema = dict[str, Any]

_VARIABLE: Schema = {"$ref": "#/definitions/variable"}
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"anyOf": [{"type": "number", "minimum": 0}, _VARIABLE]}
_DEFINITIONS: Schema = {
    "variable": {"type": "string", "pattern": r"\$\{", "description": "${NAME} is read from the environment."},
    "flag": {"anyOf": [{"type": "boolean"}, _VARIABLE]},
    "size": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)?$"}, _VARIABLE]},
    "duration": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$"}, _VARIABLE]},
    "texts": {"type": "array", "items": _TEXT},
    "names": {"type": "array", "items": _TEXT, "minItems": 1},
    "table": {"type": "object", "additionalProperties": _TEXT},
}
_OF_WORDS: dict[str, Schema] = {  # the words of `Key.type`
    "text": _TEXT,
    "secret": _TEXT,
    "URL": _TEXT,
    "file": _TEXT,
    "a store's name": _TEXT,
    "a route's name": _TEXT,
    "a forward's name": _TEXT,
    "list of stores' names": {"$ref": "#/definitions/names"},
    "list of globs": {"$ref": "#/definitions/texts"},
    "list of times": {"$ref": "#/definitions/texts"},
    "number": _NUMBER,
    "seconds": _NUMBER,
    "true or false": {"$ref": "#/definitions/flag"},
    "true": {"enum": [True]},
    "size": {"$ref": "#/definitions/size"},
    "duration": {"$ref": "#/definitions/duration"},
    "table": {"$ref": "#/definitions/table"},
}
# Which of several keys must be there, or exclude each other.
_TOGETHER: dict[str, Schema] = {
    "routes": {"oneOf": [{"required": ["targets"]}, {"required": ["forward"]}]},
    "schedules": {
        "allOf": [
            {"oneOf": [{"required": ["every"]}, {"required": ["cron"]}]},
            {"oneOf": [{"required": [word]} for word in ("reconcile", "inventory", "sweep")]},
        ]
    },
}
_KEYS = ("access_key", "secret_key", "session_token")
_TOGETHER_KEYS: Schema = {"access_key": ["secret_key"], "secret_key": ["access_key"], "session_token": ["access_key"]}
_MUST = "must be there"


def schema() -> Schema:
    """The whole schema."""
    top, rest = SECTIONS[""], {name: each for name, each in SECTIONS.items() if name}
    sections = {name: _section(name, each) for name, each in rest.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "relay.toml",
        "description": "The configuration of bucketrelay: docs/configuration.md",
        "type": "object",
        "properties": {**_properties(top.keys), "stores": _stores(), **sections},
        "required": ["stores"],
        # Copies that are asked for by message need neither routes nor lists.
        "anyOf": [{"required": ["log", "routes"]}, {"required": ["copier"]}, {"required": ["datasets"]}],
        "additionalProperties": False,
        "definitions": _DEFINITIONS | {f"{scheme}-store": _store(scheme) for scheme in SCHEMES},
    }


def _section(name: str, section: Section) -> Schema:
    """A table, a list of tables, or tables by name, as the section is written."""
    table = _table(section.keys) | _TOGETHER.get(name, {})
    if section.written.startswith("[["):
        return {"description": section.meaning, "type": "array", "items": table}
    if section.written.endswith(".NAME]"):
        return {"description": section.meaning, "type": "object", "additionalProperties": table}
    return {"description": section.meaning, **table}


def _table(keys: Iterable[Key]) -> Schema:
    must = [key.name for key in keys if key.default == _MUST]
    found: Schema = {"type": "object", "properties": _properties(keys), "additionalProperties": False}
    return found | ({"required": must} if must else {})


def _properties(keys: Iterable[Key]) -> Schema:
    return {key.name: _told(_value(key), key.meaning, key.default) for key in keys}


def _value(key: Key) -> Schema:
    if key.keys:
        return _table(key.keys)
    if found := re.fullmatch(r"(\d+) to (\d+)", key.type):
        return _between("integer", float(found[1]), float(found[2]))
    if words := re.findall(r'"(\w+)"', key.type):
        return _choice(words)
    return _OF_WORDS[key.type]


def _stores() -> Schema:
    kinds = [{"$ref": f"#/definitions/{scheme}-store"} for scheme in SCHEMES]
    return {
        "description": "A bucket, or a folder of one, under the name that the rest of the file knows it by",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"anyOf": kinds},
    }


def _store(scheme: str) -> Schema:
    known = facts(scheme)
    options = [each for each in (*COMMON, *known.options) if not known.instead_of_keys or each.name not in _KEYS]
    url = {"type": "string", "pattern": rf"^({scheme}://|\$\{{)", "description": f"{known.form}: {known.name}"}
    values = {option.name: _told(_option(option), option.meaning, option.default) for option in options}
    found = {"type": "object", "properties": {"url": url, **values}, "required": ["url"], "additionalProperties": False}
    return found | ({} if known.instead_of_keys else {"dependencies": _TOGETHER_KEYS})


def _option(option: Option) -> Schema:
    if option.kind == "choice":
        return _choice(option.choices)
    if option.kind in ("number", "whole"):
        return _between("number" if option.kind == "number" else "integer", option.low, option.high)
    return {"flag": _OF_WORDS["true or false"], "classes": _OF_WORDS["table"]}.get(option.kind, _TEXT)


def _choice(words: Iterable[str]) -> Schema:
    return {"anyOf": [{"enum": list(words)}, _VARIABLE]}


def _between(kind: str, low: float, high: float) -> Schema:
    ends = [int(end) if end == int(end) else end for end in (low, high)]
    return {"anyOf": [{"type": kind, "minimum": ends[0], "maximum": ends[1]}, _VARIABLE]}


def _told(value: Schema, meaning: str, default: str) -> Schema:
    """The value's schema with what a person is shown: beside a `$ref` draft 7 reads nothing, so it is wrapped."""
    text = meaning + (f" (default: {default})" if default and default != _MUST else "")
    return {"description": text, **({"allOf": [value]} if "$ref" in value else value)}


def page() -> str:
    """The text of the file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
