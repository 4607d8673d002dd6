"""What a route's heartbeat is called: within what the route takes, and nobody else's."""

import pytest

from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, ObjectEvent
from bucketrelay.routes import Route, plan
from bucketrelay.routes.probes import is_probe, owner, probe_key, trial_key

PLACE = Address("s3", "photos")
CONFIG = """log = "b"
[alarms]
{alarms}
[stores.a]
url = "s3://a"
[stores.b]
url = "s3://b"
[forwards.f]
type = "webhook"
url = "https://hook.example/"
[[routes]]
name = "r"
source = "a"
{route}
"""


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({}, ".bucketrelay-probe/#"),
        ({"strip_prefix": "in/"}, "in/.bucketrelay-probe/#"),
        ({"include": ("in/**",)}, "in/.bucketrelay-probe/#"),
        ({"include": ("in/",)}, "in/.bucketrelay-probe/#"),
        ({"include": ("one.txt", "out/**")}, "out/.bucketrelay-probe/#"),
        ({"include": ("in/*",)}, "in/.bucketrelay-probe-#"),
        ({"include": ("**/*.jpg",)}, ".bucketrelay-probe/#.jpg"),
        ({"include": ("in/**/*.{jpg,png}",), "strip_prefix": "in/"}, "in/.bucketrelay-probe/#.jpg"),
        ({"include": ("in/[0-9]?/a*z",)}, "in/0x/a.bucketrelay-probe-#z"),
        ({"include": ("in/[!a]*",)}, "in/x.bucketrelay-probe-#"),
        ({"include": (r"in/\*/*",)}, "in/*/.bucketrelay-probe-#"),
        ({"exclude": ("**/.*/**",)}, ".bucketrelay-probe-#"),
        ({"exclude": ("**/.*", "**/.*/**")}, ""),
        ({"include": ("one.txt",)}, ""),
    ],
)
def test_its_name_passes_the_filters(filters, shown):
    route = Route("r", PLACE, "photos", ("b",), **filters)
    key = probe_key(route)

    assert key.replace(owner(key) or "-", "#") == shown
    assert not key or (route.takes(key) and is_probe(key) and is_probe(route.target_key(key)))


def test_no_other_route_takes_it_and_its_delete_is_none_that_the_fuse_counts():
    routes = [Route(name, PLACE, "photos", ("b",), max_deletes=0) for name in ("one", "two")]
    event = ObjectEvent("s3", "photos", probe_key(routes[0]), "removed")

    tasks = plan(event, routes)

    assert [(task.route, task.max_deletes > 10**9) for task in tasks] == [("one", True)]
    assert routes[1].why_not(event.key) == "it is the heartbeat of another route"


def test_what_doctor_writes_in_a_heartbeats_place_is_nobodys():
    routes = [Route(name, PLACE, "photos", ("b",), include=("in/**/*.jpg",)) for name in ("one", "two")]
    key = trial_key(routes[0], "a name of doctor's")

    assert owner(key) not in {owner(probe_key(route)) for route in routes}
    assert key.replace(owner(key), "#") == "in/.bucketrelay-probe/#.jpg"
    assert list(plan(ObjectEvent("s3", "photos", key, "created"), routes)) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".bucketrelay-probe",
        ".bucketrelay-probe/",
        ".bucketrelay-probe/0123456789a",
        ".bucketrelay-probex0123456789ab",
    ],
)
def test_other_names_are_no_heartbeat_s(key):
    assert not is_probe(key)


@pytest.mark.parametrize(
    ("route", "alarms", "mistake"),
    [
        ('targets = ["b"]\nprobe = "5s"', "", "routes[0].probe must be a length of time from 1m to 1d"),
        ('forward = "f"\nprobe = "5m"', "", "routes[0].probe means nothing to a forward"),
        (
            'targets = ["b"]\nprobe = "5m"\ninclude = ["a.txt"]',
            "",
            'routes[0].probe and no key below ".bucketrelay-probe/"',
        ),
        ('targets = ["b"]\nprobe = "5m"', 'probe = "5m"', "alarms.probe is not longer than the 5m between"),
        ('targets = ["b"]', 'probe = "5m"', "alarms.probe and no route has a heartbeat"),
    ],
)
def test_what_cannot_be_is_a_mistake(route, alarms, mistake):
    from bucketrelay.config.toml import load

    with pytest.raises(ConfigError) as error:
        load(CONFIG.format(route=route, alarms=alarms), {})

    assert mistake in str(error.value).replace(": ", " ", 1)
