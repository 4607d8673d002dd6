# ruff: noqa: INP001 - a script, no package
"""Prints docs/configuration.md, from the data that the configuration is read by.

python docs/generate_configuration.py > docs/configuration.md
"""

import sys
from collections.abc import Iterable

from bucketrelay.clouds.facts import COMMON, Option
from bucketrelay.clouds.registry import SCHEMES, facts
from bucketrelay.config.keys import SECTIONS, Key

HEAD = """\
<!-- Generated: python docs/generate_configuration.py > docs/configuration.md -->
# The configuration

A TOML file, `relay.toml`. `bucketrelay init` writes one to start from; `bucketrelay check` reads it and says every
mistake at once, each with its path, without a network or a secret. Unknown keys are mistakes.

Editors complete the keys and mark what is wrong by [relay.schema.json](relay.schema.json), a JSON Schema. Those that go
by taplo (Even Better TOML among them) take it from the file's first line, a path from the file to the schema:
`#:schema docs/relay.schema.json`, as `init` writes it. Others are told in their settings. Left out, nothing changes.

The first of these that there is, and that one alone:

1. the file that `--config` names;
2. the text in the variable `BUCKETRELAY_TOML`;
3. the file that the variable `BUCKETRELAY_CONFIG` names;
4. `relay.toml` beside the function's handler;
5. `relay.toml` in the working directory;
6. the environment alone, see [below](#without-a-file).

`${NAME}` in a value is read from the environment, on FunctionGraph also from the function's user data; `$${` stands for
`${` itself. A size is written `8MiB` (units B, KiB, MiB, GiB), a duration `90s`, `15m`, `2h`, `7d`.

"""
STORES = """## [stores.NAME]
A bucket, or a folder of one, under the name that the rest of the file knows it by.

| key | type | meaning | default |
|---|---|---|---|
| `url` | URL | where the store is, see below | must be there |
"""
ENVIRONMENT = """## Without a file
Either the six variables of Huawei's template, under those very names: `sync_url`, `sync_task_id`, `log_bucket`,
`obs_endpoint`, `hw_ak`, `hw_sk` ([docs/forwarding.md](forwarding.md)). Or:

| variable | meaning |
|---|---|
| `RELAY_SOURCE` | the URL of the store to copy from, its options as a query: `s3://photos?region=eu-central-1` |
| `RELAY_TARGETS` | the URLs of the stores to copy to, with blanks between them |
| `RELAY_LOG` | the URL of the store that receives the lists |
| `RELAY_DELETES` | `keep` or `follow` |
"""
_KINDS = {
    "text": "text",
    "secret": "secret",
    "flag": "true or false",
    "endpoint": "URL",
    "classes": "table of texts",
}


def page() -> str:
    """The whole text."""
    stores = STORES + _options(COMMON)
    for scheme in SCHEMES:
        known = facts(scheme)
        stores += f"\n### `{known.form}`\n{known.name[0].upper()}{known.name[1:]}."
        stores += " Besides those above:\n\n" + _table(_options(known.options)) if known.options else "\n"
    top, *rest = SECTIONS.values()
    sections = [f"## {top.meaning}\n\n{_table(_rows(top.keys))}", stores]
    sections += [f"## {each.written}\n{each.meaning}.\n\n{_table(_rows(each.keys))}" for each in rest]
    return HEAD + "\n".join([*sections, ENVIRONMENT])


def _table(rows: str) -> str:
    return f"| key | type | meaning | default |\n|---|---|---|---|\n{rows}"


def _rows(keys: Iterable[Key]) -> str:
    return "".join(_row(key.name, key.type, key.meaning, key.default) for key in keys)


def _row(name: str, kind: str, meaning: str, default: str) -> str:
    return f"| `{name}` | {kind} | {meaning} | {default} |\n"


def _options(options: Iterable[Option]) -> str:
    return "".join(_row(option.name, _kind(option), option.meaning, option.default) for option in options)


def _kind(option: Option) -> str:
    if option.kind == "choice":
        return ", ".join(f"`{word}`" for word in option.choices)
    if option.kind in ("number", "whole"):
        return f"{option.low:g} to {option.high:g}"
    return _KINDS[option.kind]


if __name__ == "__main__":
    sys.stdout.write(page())
