"""A configuration that was checked when its archive was built is loaded as it would be read, or read after all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bucketrelay.config import find, load
from bucketrelay.config.checked import FILE, checked_form, load_form
from bucketrelay.errors import ConfigError

KEYS = 'access_key = "${KEY}"\nsecret_key = "${SECRET}"\n'
STORES = f"""
log = "logs"
[stores.photos]
url = "s3://photos"
region = "us-east-1"
{KEYS}
[stores.copies]
url = "obs://copies"
region = "cn-north-4"
access_key = "AK"
secret_key = "SK"
timeout = 7
[stores.logs]
url = "oci://lists@tenancy"
"""
ROUTE = """
[[routes]]
name = "all"
source = "photos"
targets = ["copies"]
include = ["in/**"]
deletes = "follow"
"""
WHOLE = f"""{STORES}{ROUTE}forward = "oms"
[forwards.oms]
type = "oms"
url = "https://oms.example/v2/0123/sync-tasks/42/events"
access_key = "${{KEY}}"
secret_key = "s"
[limits]
memory = "64MiB"
[alarms]
lag = "15m"
"""
WHOLE = WHOLE.replace('targets = ["copies"]\n', "").replace('"follow"', '"keep"')
ENVIRON = {"KEY": "a", "SECRET": "b/c+d="}


def place(tmp_path, text, written=None):
    (tmp_path / "relay.toml").write_text(text, encoding="utf-8")
    (tmp_path / FILE).write_text(checked_form(text) if written is None else written, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("text", [STORES + ROUTE, WHOLE])
def test_it_is_what_reading_gives(tmp_path, text):
    read = load(text, ENVIRON, tmp_path)
    assert load_form(checked_form(text), text, ENVIRON, tmp_path) == read
    assert find(ENVIRON, place(tmp_path, text), Path("/nowhere")) == read


@pytest.mark.parametrize(
    "other",
    [
        ("s3://photos", "s3://${BUCKET}"),
        ("us-east-1", "${REGION}"),
        ('access_key = "${KEY}"', 'access_key = "A${KEY}"'),
        ('log = "logs"', 'log = "logs"\nqueue.lease = "90s"'),
        ("[[routes]]", '[[schedules]]\nsweep = true\nevery = "1d"\n[[routes]]'),
        ('name = "all"', 'name = "${NAME}"'),
    ],
)
def test_what_the_environment_or_a_check_has_a_say_in_is_read(other):
    assert checked_form((STORES + ROUTE).replace(*other)) is None


def test_a_mistake_is_said_when_it_is_built():
    text = WHOLE.replace("${KEY}", "k").replace("${SECRET}", "s").replace('source = "photos"', 'source = "photo"')
    with pytest.raises(ConfigError, match='did you mean "photos"'):
        checked_form(text)


@pytest.mark.parametrize(
    "environ",
    [{}, {"KEY": "a"}, {"KEY": "a", "SECRET": ""}, {"KEY": "a\n", "SECRET": "b"}, {"KEY": " a", "SECRET": "ü"}],
)
def test_a_variable_that_is_missing_or_odd_is_judged_by_reading(tmp_path, environ):
    def outcome(of):
        try:
            return of()
        except ConfigError as error:
            return error.mistakes

    text = STORES + ROUTE
    assert load_form(checked_form(text), text, environ, tmp_path) is None
    found = outcome(lambda: find(environ, place(tmp_path, text), tmp_path))
    assert found == outcome(lambda: load(text, environ, tmp_path))


def test_a_relay_toml_that_was_edited_afterwards_is_checked(tmp_path):
    folder = place(tmp_path, (STORES + ROUTE).replace("photos", "photo"), checked_form(STORES + ROUTE))
    assert find(ENVIRON, folder, folder).stores["photo"].address.bucket == "photo"
    (folder / "relay.toml").write_text(STORES + ROUTE.replace('"photos"', '"fotos"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="fotos"):
        find(ENVIRON, folder, folder)


def spoilt(change):
    held = json.loads(checked_form(STORES + ROUTE))
    change(held)
    return json.dumps(held)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        "{}",
        spoilt(lambda held: held.update(form=2)),
        spoilt(lambda held: held.update(version="0.0.9")),
        spoilt(lambda held: held["config"].pop("stores")),
        spoilt(lambda held: held["config"].update(more=1)),
        spoilt(lambda held: held["config"].update(stores=["Path", {}])),
        spoilt(lambda held: held["config"]["routes"][1][0][1].pop("name")),
    ],
)
def test_a_file_of_another_version_or_a_broken_one_is_read_over(tmp_path, written):
    text = STORES + ROUTE
    assert find(ENVIRON, place(tmp_path, text, written), tmp_path) == load(text, ENVIRON, tmp_path)


def test_no_check_is_imported_for_it(tmp_path):
    program = (
        "import sys; from pathlib import Path; from bucketrelay.config import find; "
        f"here = Path({str(place(tmp_path, STORES + ROUTE))!r}); find({ENVIRON!r}, here, here); "
        "print(*sorted(name for name in sys.modules if name.startswith(('bucketrelay.config.', 'tomllib'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"bucketrelay.config.{name}" for name in ("checked", "find", "values", "variables")]
