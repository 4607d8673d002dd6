"""Every key of the configuration has its line on the page, and none that is not read."""

import re
import runpy
from pathlib import Path

import pytest

from bucketrelay.clouds.facts import COMMON
from bucketrelay.clouds.registry import SCHEMES, facts
from bucketrelay.config import load
from bucketrelay.config.keys import SECTIONS
from bucketrelay.config.tables import Table
from bucketrelay.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs"
WHOLE = """
log = "s3"
[stores.s3]
url = "s3://b"
[stores.obs]
url = "obs://b"
region = "r"
[stores.oci]
url = "oci://b@n"
[stores.file]
url = "file:///b"
[stores.rclone]
url = "rclone://b"
[[routes]]
name = "r"
source = "obs"
targets = ["oci"]
[routes.windows]
open = ["20:00-06:00"]
[forwards.f]
type = "webhook"
url = "https://host/"
[[schedules]]
every = "1h"
sweep = true
[copier]
broker = "amqp://host/"
requests = "q"
roots = {}
[datasets]
broker = "amqp://host/"
queue = "q"
database = "postgresql://host/sda"
center_prefix = "X"
archive = "obs"
target = "oci"
key_file = "k"
receiver_key = "r"
remote = { url = "https://host", user = "u", password = "p" }
"""


@pytest.fixture(scope="module")
def asked():
    """By section, the keys that reading a configuration asks for: what it does not ask for is a mistake."""
    found = {}

    def close(table, elsewhere=None):
        section = re.sub(r"\[\d+\]", "", table.path)
        name = "forwards" if section.startswith("forwards.") else section
        found[name] = set(table._asked)
        del elsewhere

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "close", close)
        try:
            load(WHOLE, {})
        except ConfigError as error:
            pytest.fail(str(error.mistakes))
    return found


def test_every_section_that_is_read_is_on_the_page(asked):
    sections = {name for name in asked if "." not in name}

    assert sections == set(SECTIONS)
    assert asked[""] - {"log", "stores"} == set(SECTIONS) - {""}


@pytest.mark.parametrize("section", [name for name in SECTIONS if name])
def test_what_is_read_of_a_section_is_what_the_page_says(asked, section):
    assert {key.name for key in SECTIONS[section].keys} == asked[section]


def test_what_is_read_of_a_table_inside_of_a_section_is_what_its_key_says(asked):
    inside = {f"{name}.{key.name}": key.keys for name, each in SECTIONS.items() for key in each.keys if key.keys}

    assert inside
    assert {name: {key.name for key in keys} for name, keys in inside.items()} == {name: asked[name] for name in inside}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_read_of_a_store_is_what_its_cloud_says(asked, scheme):
    options = [option.name for option in (*COMMON, *facts(scheme).options)]

    assert set(options) | {"url"} == asked[f"stores.{scheme}"] | {"storage_classes"} & set(options)
    assert len(set(options)) == len(options)


def test_the_page_is_what_the_data_says():
    page = runpy.run_path(str(DOCS / "generate_configuration.py"))["page"]()

    assert (DOCS / "configuration.md").read_text() == page, (
        "python docs/generate_configuration.py > docs/configuration.md"
    )


def test_every_example_and_default_of_the_page_can_be_read():
    """Defaults that stand in quotes or as numbers are written into a file, which must be the same configuration."""
    text = WHOLE
    for name in ("limits", "queue", "alarms"):
        rows = [(key.name, key.default) for key in SECTIONS[name].keys if re.fullmatch(r'"[^"]+"|[0-9.]+', key.default)]
        text += f"[{name}]\n" + "".join(f"{key} = {default}\n" for key, default in rows)

    assert load(text, {}) == load(WHOLE, {})
