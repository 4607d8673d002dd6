"""`[queue]`, `[[schedules]]` and `[serve]` of a configuration."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.config import Secret, load
from bucketrelay.config.values import QueueConfig, ScheduleConfig, ServeConfig
from bucketrelay.errors import ConfigError

ROUTES = """
log = "logs"
[stores.photos]
url = "s3://photos"
[stores.mirror]
url = "obs://mirror"
endpoint = "obs.cn-north-4.myhuaweicloud.com"
[stores.logs]
url = "s3://logs"
[[routes]]
name = "photos"
source = "photos"
targets = ["mirror"]
"""


def read(text, environ=None, folder=Path("/etc/relay")):
    return load(ROUTES + text, environ or {}, folder)


def mistakes(text, environ=None):
    with pytest.raises(ConfigError) as caught:
        read(text, environ)
    return caught.value.mistakes


def test_without_a_section_jobs_wait_in_a_file_beside_the_configuration():
    assert read("").queue == QueueConfig(path=Path("/etc/relay/relay.db"))
    assert read("").schedules == ()
    assert read("").serve == ServeConfig()


def test_an_sqlite_url_has_three_slashes_and_a_path_from_the_configuration_or_four_and_one_from_the_root():
    assert read('[queue]\nurl = "sqlite:///var/jobs.db"').queue.path == Path("/etc/relay/var/jobs.db")
    assert read('[queue]\nurl = "sqlite:////var/jobs.db"').queue.path == Path("/var/jobs.db")
    assert read('[queue]\nurl = "sqlite:///${PLACE}/jobs.db"', {"PLACE": "/srv/a b"}).queue.path == Path(
        "/srv/a b/jobs.db"
    )


def test_lease_and_attempts_are_read():
    queue = read("[queue]\nlease = 5\nattempts = 3").queue

    assert (queue.lease, queue.attempts) == (5.0, 3)
    assert read('[queue]\nlease = "2m"').queue.lease == 120


def test_what_comes_out_of_the_environment_into_a_url_is_percent_encoded_and_hidden():
    queue = read('[queue]\nurl = "postgresql://ann:${PW}@db:5432/relay?sslmode=require"', {"PW": "p@ss/w:rd%"}).queue

    assert queue.url == Secret("postgresql://ann:p%40ss%2Fw%3Ard%25@db:5432/relay?sslmode=require")
    assert queue.shown == "postgresql://db:5432/relay"
    assert "p@ss" not in repr(queue)
    assert "p%40ss" not in repr(queue)


def test_a_url_that_is_a_variable_whole_is_taken_as_it_is():
    url = "postgresql://ann:p%40ss@one:5432,two:5433/relay"

    queue = read('[queue]\nurl = "${DATABASE_URL}"', {"DATABASE_URL": url}).queue

    assert queue.url == Secret(url)
    assert queue.shown == "${DATABASE_URL}"


def test_a_password_in_the_file_is_not_shown():
    assert read('[queue]\nurl = "postgres://ann:hunter2@db/relay"').queue.shown == "postgres://db/relay"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://db/relay",
        "relay.db",
        "sqlite://relay.db",
        "sqlite:///",
        "sqlite:///folder/",
        "postgresql://db",
        "postgresql://ann:pa@ss@db/relay",
        "postgresql://ann:pa/ss@db/relay",
        "postgresql://db:port/relay",
    ],
)
def test_a_wrong_url_is_a_mistake_that_does_not_quote_it(url):
    (mistake,) = mistakes(f'[queue]\nurl = "{url}"')

    assert mistake.startswith("queue.url: is no ")
    assert "ann" not in mistake.replace("postgresql://user:", "")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda t: t == t.strip()))
def test_any_password_arrives_at_the_database_as_it_is(password):
    from psycopg.conninfo import conninfo_to_dict

    queue = read('[queue]\nurl = "postgresql://ann:${PW}@db:5432/relay"', {"PW": password}).queue

    assert conninfo_to_dict(queue.url.reveal())["password"] == password


def test_schedules_are_read():
    text = """
[[schedules]]
every = "1h"
reconcile = "photos"
[[schedules]]
cron = "0 3 * * *"
inventory = "mirror"
[[schedules]]
every = "24h"
sweep = true
"""
    assert read(text).schedules == (
        ScheduleConfig(every=3600, reconcile="photos"),
        ScheduleConfig(cron="0 3 * * *", inventory="mirror"),
        ScheduleConfig(every=86400, sweep=True),
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('every = "1h"', "schedules[0]: says not what to do"),
        ('every = "1h"\nsweep = true\nreconcile = "photos"', "schedules[0]: says not what to do"),
        ("sweep = true", "schedules[0]: needs either every"),
        ('every = "1h"\ncron = "* * * * *"\nsweep = true', "schedules[0]: needs either every"),
        ('every = "soon"\nsweep = true', "schedules[0].every: must be a length of time"),
        ('cron = "every day"\nsweep = true', "schedules[0].cron: is no cron line"),
        ('cron = "0 0 3 * * *"\nsweep = true', "schedules[0].cron: is no cron line"),
        (
            'every = "1h"\nreconcile = "photo"',
            'schedules[0].reconcile: no route is named "photo"; did you mean "photos"?',
        ),
        (
            'every = "1h"\ninventory = "mirro"',
            'schedules[0].inventory: no store is named "mirro"; did you mean "mirror"?',
        ),
        ('every = "1h"\nsweep = false', "schedules[0].sweep: is false"),
        ('every = "1h"\nsweep = true\nroute = "x"', "schedules[0].route: is an unknown key"),
    ],
)
def test_a_wrong_schedule_is_a_mistake_with_its_path(text, mistake):
    assert [said for said in mistakes(f"[[schedules]]\n{text}") if said.startswith(mistake)]


def test_the_same_schedule_twice_is_a_mistake():
    one = '[[schedules]]\nevery = "1h"\nsweep = true\n'

    assert mistakes(one * 2) == ("schedules[1]: is the same as schedules[0]: remove one",)


def test_serve_is_read():
    text = """
[serve]
token = "${TOKEN}"
read_token = "look"
user = "ann"
password = "pw"
certificate = "tls.crt"
key = "tls.key"
coms_default = "photos"
"""
    assert read(text, {"TOKEN": "change"}).serve == ServeConfig(
        Secret("change"),
        Secret("look"),
        "ann",
        Secret("pw"),
        Path("/etc/relay/tls.crt"),
        Path("/etc/relay/tls.key"),
        "photos",
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('token = "a"\nread_token = "a"', "serve.read_token: is the same as token"),
        ('user = "ann"', "serve.password: is missing"),
        ('certificate = "a"', "serve.key: is missing"),
        ('key = "a"', "serve.certificate: is missing"),
        ('user = "a:b"\npassword = "p"', "serve.user: has a :"),
        ('token = "two words"', "serve.token: has a blank"),
        ('coms_default = "nowhere"', 'serve.coms_default: no store is named "nowhere"'),
    ],
)
def test_a_wrong_serve_is_a_mistake_with_its_path(text, mistake):
    assert [said for said in mistakes(f"[serve]\n{text}") if said.startswith(mistake)]
