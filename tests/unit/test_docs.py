"""Pages that are generated are what is committed."""

import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest

from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.clouds.permissions import PURPOSES
from bucketrelay.clouds.registry import facts, permissions, storage_classes
from bucketrelay.model import Address
from bucketrelay.routes.log_folders import FOLDERS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "generate.py"))


def test_what_travels_is_what_the_facts_say(script):
    assert (DOCS / "what-travels.md").read_text() == script["page"](), "python docs/generate.py > docs/what-travels.md"


@pytest.mark.parametrize(
    "store",
    [
        s3_store(Address("s3", "b"), endpoint="https://s3.amazonaws.com"),
        obs_store(Address("obs", "b"), endpoint="https://obs.cn-north-4.myhuaweicloud.com"),
        oci_store(Address("oci", "b", "n")),
        LocalStore(Address("file", "/b")),
    ],
    ids=lambda store: store.address.scheme,
)
def test_a_store_of_the_cloud_itself_declares_what_its_facts_say(store):
    assert store.abilities == facts(store.address.scheme).abilities


@pytest.mark.parametrize("scheme", ["s3", "obs", "oci"])
def test_every_class_that_travels_is_one_that_a_cloud_has(scheme):
    travels = facts(scheme).abilities.classes

    assert set(travels) <= set(storage_classes())
    assert set(travels.values()) <= set(storage_classes(scheme))


def test_what_an_answer_means_is_what_the_tables_say():
    page = runpy.run_path(str(DOCS / "generate_outcomes.py"))["page"]()
    assert (DOCS / "outcomes.md").read_text() == page, "python docs/generate_outcomes.py > docs/outcomes.md"


def test_the_codes_of_every_cloud_that_has_some_are_on_the_page():
    shown = runpy.run_path(str(DOCS / "generate_outcomes.py"))["DIALECTS"].values()
    dialects = [
        module.DIALECT
        for path in sorted((DOCS.parent / "shared/bucketrelay/clouds").glob("*/errors.py"))
        if hasattr(module := import_module(f"bucketrelay.clouds.{path.parent.name}.errors"), "DIALECT")
    ]
    assert len(dialects) >= 3
    assert list(shown) == dialects


def test_the_front_page_says_what_each_folder_in_the_log_store_is():
    rows = [line for line in (DOCS.parent / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert [folder for folder in FOLDERS if not any(f"`{folder}`" in row.split("|")[1] for row in rows)] == []


def test_every_pair_of_stores_has_a_row(script):
    rows = [line.split(" | ") for line in script["page"]().splitlines() if line.startswith("| ")]
    pairs = [(row[0].removeprefix("| "), row[1]) for row in rows[2:]]
    assert pairs == [(a, b) for a in ("s3", "obs", "oci", "file") for b in ("s3", "obs", "oci", "file")]


def test_what_a_target_cannot_hold_is_said_to_be_lost(script):
    s3, oci = script["STORES"]["s3"], script["STORES"]["oci"]
    headers, user, tags, classes, *_ = script["row"](s3, oci, "s3", "oci")
    assert (headers, user, tags) == ("all but Expires", "all", "**lost**")
    assert "ONEZONE_IA, STANDARD_IA → InfrequentAccess" in classes
    assert "DEEP_ARCHIVE" in classes.partition("**lost**")[2]


def test_the_page_of_events_is_what_the_reading_goes_by():
    page = runpy.run_path(str(DOCS / "generate_events.py"))["page"]()

    assert (DOCS / "events.md").read_text() == page, "python docs/generate_events.py > docs/events.md"


def test_the_page_of_metrics_is_that_of_the_table():
    page = runpy.run_path(str(DOCS / "generate_metrics.py"))["page"]()

    assert (DOCS / "metrics.md").read_text() == page, "python docs/generate_metrics.py > docs/metrics.md"


def test_the_page_of_permissions_is_what_the_data_say():
    page = runpy.run_path(str(DOCS / "generate_permissions.py"))["page"]()

    assert (DOCS / "permissions.md").read_text() == page, "python docs/generate_permissions.py > docs/permissions.md"


def test_every_call_has_its_row_on_the_page_of_permissions():
    made = {call.purpose for scheme in ("s3", "obs", "oci") for call in permissions(scheme).calls}

    assert made == set(PURPOSES)


@pytest.mark.parametrize(
    ("scheme", "word"), [("s3", r"\bs3:\w+"), ("obs", r"\bobs:\w+:\w+"), ("oci", r"\b(?:OBJECT|BUCKET)_\w+")]
)
def test_what_doctor_says_is_lacking_is_a_permission_that_a_call_takes_or_the_function_is_granted(scheme, word):
    named = set(re.findall(word, " ".join(facts(scheme).needs.values())))

    assert named
    known = permissions(scheme)
    taken = {permission for call in known.calls for permission in call.permissions}
    assert named <= taken | {grant.permission for grant in known.grants}
