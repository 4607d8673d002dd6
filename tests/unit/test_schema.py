"""docs/relay.schema.json, by which editors complete a relay.toml: it takes what the reader takes, and no key else."""

import copy
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from bucketrelay.clouds.facts import COMMON
from bucketrelay.clouds.registry import SCHEMES, facts
from bucketrelay.commands.init import TEXT
from bucketrelay.config import load
from bucketrelay.errors import ConfigError
from unit import test_config, test_config_stores
from unit.test_configuration_page import WHOLE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "relay.schema.json"
SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
# A page may show a part of a file, which then lacks the rest.
PART = {name: value for name, value in SCHEMA.items() if name not in ("required", "anyOf")}
PAGES = [
    path for folder in (".", "docs", "docs/decisions", "deploy", "templates/**") for path in ROOT.glob(f"{folder}/*.md")
]


OTHERS = {("docs/estimate.md", 0)}  # a file of prices


def blocks():
    """Every configuration in the pages: blocks of TOML, and files that a block of a shell writes."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shells = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        documents = re.findall(r"^cat > relay\.toml <<'?END'?\n(.*?)^END$", shells, re.MULTILINE | re.DOTALL)
        for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) + documents):
            name = page.relative_to(ROOT).as_posix()
            if (name, number) not in OTHERS:
                yield pytest.param(block, id=f"{name}-{number}")


def mistakes(text, schema=SCHEMA):
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft7Validator(schema).iter_errors(tomllib.loads(text))
    ]


def test_the_schema_is_what_the_data_says():
    page = runpy.run_path(str(ROOT / "docs" / "generate_schema.py"))["page"]()

    assert FILE.read_text(encoding="utf-8") == page, "python docs/generate_schema.py > docs/relay.schema.json"


def test_the_schema_is_one():
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("block", list(blocks()))
def test_every_configuration_of_a_page_is_one_to_the_schema(block):
    whole = any(f"{word}]" in block for word in ("[[routes]", "[copier", "[datasets"))

    assert mistakes(block, SCHEMA if whole and "[stores." in block else PART) == []


def test_what_init_writes_is_one_and_names_the_schema_on_its_first_line():
    assert mistakes(TEXT) == []
    assert TEXT.splitlines()[0] == f"#:schema {FILE.relative_to(ROOT)}"
    assert mistakes(re.sub(r"^# (?=[a-z_]+ = |\[)", "", TEXT, flags=re.MULTILINE)) == []  # what is commented out, too


@pytest.mark.parametrize("text", [WHOLE, test_config.EXAMPLE])
def test_what_is_read_whole_is_one(text):
    assert mistakes(text) == []


def store(lines):
    return f'log = "s"\n[stores.s]\n{lines}\n[[routes]]\nname = "r"\nsource = "s"\ntargets = ["s"]\n'


@pytest.mark.parametrize(("url", "options"), test_config_stores.OPTIONS)
def test_the_options_of_each_kind_of_store_are_options_to_it(url, options):
    lines = "".join(f"{key} = {test_config_stores.toml(value)}\n" for key, value in {"url": url, **options}.items())

    assert mistakes(store(lines)) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_store_takes_those_options_and_no_other_that_the_reader_takes(scheme):
    names = {option.name for each in SCHEMES for option in (*COMMON, *facts(each).options)}
    known = set(SCHEMA["definitions"][f"{scheme}-store"]["properties"])
    foreign = set()
    for name in names:
        with pytest.raises(ConfigError) as refused:
            load(store(f'url = "{scheme}://b@n"\n{name} = []'), {})  # of no option the value
        said = [mistake for mistake in refused.value.mistakes if mistake.startswith(f"stores.s.{name}: ")]
        foreign |= {name for mistake in said if "is an option of" in mistake or "means nothing to" in mistake}

    assert known - {"url"} == names - foreign
    assert foreign


def tables(value, path=()):
    """The path of each table in a document."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from tables(inner, (*path, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from tables(inner, (*path, number))


FREE = {("stores",), ("forwards",), ("copier", "roots")}  # whose keys are names of the user's own
ALL = tomllib.loads(WHOLE + "[limits]\n[queue]\n[serve]\n[alarms]\n")


@pytest.mark.parametrize(
    "path", [path for path in tables(ALL) if path not in FREE], ids=lambda path: ".".join(map(str, path))
)
def test_an_unknown_key_is_a_mistake_in_each_table(path):
    assert list(Draft7Validator(SCHEMA).iter_errors(ALL)) == []
    document = copy.deepcopy(ALL)
    place = document
    for step in path:
        place = place[step]
    place["regoin"] = "x"

    assert list(Draft7Validator(SCHEMA).iter_errors(document))


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ('targets = ["oci"]', "targets = []"),
        ('targets = ["oci"]', 'targets = ["oci"]\nforward = "f"'),
        ('targets = ["oci"]', ""),
        ('targets = ["oci"]', 'targets = ["oci"]\ndeletes = "folow"'),
        ('targets = ["oci"]', 'targets = ["oci"]\nmax_deletes = "many"'),
        ('targets = ["oci"]', 'targets = ["oci"]\ninclude = "in/**"'),
        ('url = "s3://b"', 'url = "s4://b"'),
        ('url = "s3://b"', 'url = "s3://b"\naccess_key = "a"'),
        ('url = "s3://b"', 'url = "s3://b"\nretries = 101'),
        ('url = "s3://b"', 'url = "s3://b"\npath_style = "yes"'),
        ('url = "s3://b"', 'url = "s3://b"\nsse = "none"'),
        ('log = "s3"', ""),
        ('every = "1h"', 'every = "1 hour"'),
        ('every = "1h"', 'every = "1h"\ncron = "0 3 * * *"'),
        ("sweep = true", "sweep = false"),
        ('type = "webhook"', 'type = "hook"'),
    ],
)
def test_what_the_reader_refuses_for_its_form_is_a_mistake(change, by):
    assert change in WHOLE
    routes_alone = WHOLE.partition("[copier]")[0]  # beside copies by message neither a log nor routes must be there
    text = routes_alone.replace(change, by)

    with pytest.raises(ConfigError):
        load(text, {})
    assert mistakes(text)


@pytest.mark.parametrize("line", ['retries = "${N}"', 'path_style = "${FLAG}"', 'timeout = "${T}"', 'acl = "${ACL}"'])
def test_a_variable_may_stand_for_whatever_it_is(line):
    assert mistakes(store(f'url = "s3://${{BUCKET}}"\n{line}')) == []
    assert mistakes(store(f'url = "${{URL}}"\n{line}')) == []
