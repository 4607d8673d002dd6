"""What only shows when stores and routes are looked at together."""

import pytest

from bucketrelay.config import load
from configurations import ENVIRON, mistakes, store


def world(source, target, log="s3://lists", extra="", options=""):
    lines = [f'[stores.{name}]\nurl = "{url}"\n{options}' for name, url in [("a", source), ("b", target), ("log", log)]]
    route = f'[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n{extra}'
    return "\n".join(['log = "log"', *lines, route])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://p", "s3://p"),
        ("s3://p", "s3://p/copy"),
        ("s3://p/in", "s3://p"),
        ("s3://p/in", "s3://p/in/copy"),
        ("oci://p@ns/x", "oci://p@ns/x"),
        ("file:///d", "file:///d/e"),
        ("rclone://r/a", "rclone://r/a/b"),
    ],
)
def test_a_route_that_would_feed_itself_is_a_mistake(source, target):
    (mistake,) = mistakes(world(source, target))

    assert mistake.startswith('routes[0].targets[0]: "b" and the source "a" overlap')


def test_a_store_cannot_be_its_own_target():
    (mistake,) = mistakes(world("s3://p", "s3://q", extra="").replace('targets = ["b"]', 'targets = ["a"]'))

    assert mistake.startswith('routes[0].targets[0]: "a" and the source "a" overlap')


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://p/in", "s3://p/out"),
        ("s3://p/in", "s3://p/in2"),
        ("s3://p", "rclone://p"),
        ("oci://p@one", "oci://p@two"),
        ("file:///d", "file:///dd"),
    ],
)
def test_stores_that_do_not_overlap_may_be_each_others_targets(source, target):
    assert load(world(source, target), {}).routes[0].targets == ("b",)


def test_the_same_bucket_name_on_another_server_is_another_store():
    text = world("s3://p", "s3://p").replace(
        '[stores.b]\nurl = "s3://p"', '[stores.b]\nurl = "s3://p"\nendpoint = "http://h:1"'
    )

    assert load(text, {}).stores["b"].address.endpoint == "h:1"


def test_two_routes_may_face_each_other():
    back = '[[routes]]\nname = "back"\nsource = "b"\ntargets = ["a"]\n'

    assert len(load(world("s3://p", "s3://q") + back, {}).routes) == 2


@pytest.mark.parametrize(
    ("source", "log"),
    [
        ("s3://p/success_object", "s3://p"),
        ("s3://p/logs/failed_object/2026", "s3://p/logs"),
        ("s3://p/logs/verify", "s3://p/logs"),
        ("file:///d/logs/fuse", "file:///d/logs"),
    ],
)
def test_a_source_inside_of_the_lists_is_a_mistake(source, log):
    (mistake,) = mistakes(world(source, "s3://q", log))

    assert mistake.startswith("log: ")
    assert '"r"' in mistake


@pytest.mark.parametrize(
    ("source", "log", "extra"),
    [
        ("s3://p", "s3://p", ""),
        ("s3://p", "s3://p/logs", ""),
        ("s3://p/in", "s3://p/in/logs", ""),
        ("s3://p", "s3://p/logs", 'exclude = ["logs/**"]'),
        ("s3://p", "s3://p/logs", 'exclude = ["l**"]'),
        ("s3://p", "s3://p/logs", 'include = ["in/**"]'),
        ("s3://p/in", "s3://p", ""),
        ("s3://p/in", "s3://p/logs", ""),
        ("s3://p", "s3://q/logs", ""),
    ],
)
def test_lists_may_be_beside_the_source_and_in_it(source, log, extra):
    assert load(world(source, "s3://q2", log, extra), {}).log == "log"


def test_an_obs_store_that_is_used_says_where_it_is():
    assert [m.split(": ")[0] for m in mistakes(world("obs://p", "obs://q", "obs://log"))] == [
        "stores.log",
        "stores.a",
        "stores.b",
    ]
    assert load(world("obs://p", "obs://q", "obs://log", options='region = "r"'), {}).log == "log"


def test_an_obs_store_whose_events_are_only_forwarded_need_not_say_where_it_is():
    assert store('url = "obs://b"').options == {}


def test_two_stores_of_one_bucket_cannot_say_two_things_of_its_events():
    one = '[stores.one]\nurl = "s3://p/x"\nevent_keys = "raw"\n'
    other = '[stores.other]\nurl = "s3://p/y"\nevent_keys = "{}"\n'
    text = world("s3://s", "s3://t")

    assert load(f"{text}\n{one}{other.format('raw')}", ENVIRON)
    assert mistakes(f"{text}\n{one}{other.format('encoded')}") == (
        'stores.other.event_keys: differs from that of "one", which is the same bucket: say the same in both',
    )
