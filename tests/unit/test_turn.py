"""A route turned round, and the drill: there, and back again, with nothing lost."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.cli import cli
from bucketrelay.config.toml import load, parse
from bucketrelay.config.turn import turn_route
from bucketrelay.errors import ConfigError
from bucketrelay.routes.globs import Glob

STORES = """# ours
log = "logs"
[stores.a]
url = "file:///a"
[stores.b]
url = "file:///b"
[stores.c]
url = "file:///c"
[stores.logs]
url = "file:///logs"

"""
ROUTE = """[[routes]]
name = "r"          # the one
source = "a"
targets = ["b", "c"]
include = ["in/**"]
exclude = ["**/*.tmp"]
strip_prefix = "in/"
add_prefix = "2026/"
deletes = "follow"
[routes.windows]
open = ["20:00-06:00"]
"""
OTHER = """
[[routes]]
name = "other"
source = "c"
targets = ["logs"]
add_prefix = "c/"
"""


def test_source_and_target_change_places_with_their_prefixes_and_filters():
    found = load(turn_route(STORES + ROUTE, "r", "b"), {}).routes[0]

    assert (found.source_store, found.targets) == ("b", ("a", "c"))
    assert (found.strip_prefix, found.add_prefix) == ("2026/", "in/")
    assert (found.include, found.exclude) == (("2026/**",), ("**/*.tmp",))
    assert (found.deletes.value, found.windows is not None) == ("follow", True)


def test_the_rest_of_the_text_stays_as_it_is():
    made = turn_route(STORES + ROUTE + OTHER, "r", "b")

    assert made.startswith(STORES)
    assert made.endswith(OTHER.lstrip())


@pytest.mark.parametrize("text", [STORES + ROUTE + OTHER, STORES + OTHER + "\n" + ROUTE, STORES + ROUTE])
def test_turned_twice_it_means_what_it_meant(text):
    turned = turn_route(text, "r", "b")

    assert parse(turn_route(turned, "r", "a")) == parse(text)


def test_variables_stay_variables():
    text = STORES + ROUTE.replace('"2026/"', '"${YEAR}/"')

    assert 'strip_prefix = "${YEAR}/"' in turn_route(text, "r", "b")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ROUTE.replace('["in/**"]', '["i*/**"]'), r"include\[0\]: 'i\*/\*\*' does not begin with strip_prefix"),
        (ROUTE.replace('["**/*.tmp"]', '["**/in/x"]'), r"exclude\[0\]"),
        ("", "no route is named 'r'"),
    ],
)
def test_what_cannot_be_turned_round_is_named(row, words):
    with pytest.raises(ConfigError, match=words):
        turn_route(STORES + row, "r", "b")


def test_a_route_that_is_written_in_line_is_left_to_a_hand():
    text = 'routes = [{name = "r", source = "a", targets = ["b"]}]\n' + STORES

    with pytest.raises(ConfigError, match="by hand"):
        turn_route(text, "r", "b")


segments = st.text("ab.", min_size=1, max_size=3)
paths = st.lists(segments, min_size=1, max_size=3).map("/".join)
prefixes = st.one_of(st.just(""), paths.map(lambda path: path + "/"))


@given(prefixes, prefixes, st.sampled_from(["**", "*", "**/*.b", "*.a", "a/**", "{a,b}*"]), paths)
def test_a_key_that_is_taken_at_one_end_is_taken_at_the_other(strip, add, rest, key):
    row = f'[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\ninclude = ["{strip}{rest}"]\n'
    row += "".join(f'{name} = "{value}"\n' for name, value in (("strip_prefix", strip), ("add_prefix", add)) if value)

    other = parse(turn_route(STORES + row, "r", "b"))["routes"][0]["include"][0]

    assert Glob(strip + rest).matches(strip + key) == Glob(other).matches(add + key)


@given(prefixes, prefixes, segments, paths)
def test_a_pattern_of_last_segments_is_the_same_at_both_ends(strip, add, name, key):
    row = f'[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\nexclude = ["**/*{name}"]\n'
    row += "".join(f'{key_} = "{value}"\n' for key_, value in (("strip_prefix", strip), ("add_prefix", add)) if value)

    other = parse(turn_route(STORES + row, "r", "b"))["routes"][0]["exclude"][0]

    assert Glob(f"**/*{name}").matches(strip + key) == Glob(other).matches(add + key)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "logs"):
        (tmp_path / name).mkdir()
    stores = "".join(f'[stores.{name}]\nurl = "file://{tmp_path}/{name}"\n' for name in ("a", "b", "logs"))
    route = '[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\nadd_prefix = "copy/"\n'
    (tmp_path / "relay.toml").write_text(f'log = "logs"\n{stores}{route}')
    return tmp_path


def run(*words, status=0):
    done = CliRunner().invoke(cli, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == status, (done.stdout, done.stderr)
    return done


def test_the_drill_there_and_back_again_loses_nothing(folder):
    (folder / "a" / "one").write_bytes(b"1")
    run("reconcile", "r")
    (folder / "a" / "late").write_bytes(b"2")

    risk = run("turn", "r", status=1)  # the disaster: a write is not there yet
    (folder / "b" / "copy" / "two").write_bytes(b"3")  # the writers have moved
    run("--config", "relay.turned.toml", "reconcile", "r")
    run("reconcile", "r")  # what only the old source had
    run("--config", "relay.turned.toml", "barrier", "r", "--timeout", "1s")
    back = run("--config", "relay.turned.toml", "turn", "r", "--out", "back.toml")

    assert "b\tlate\t" in risk.stdout
    assert "1 write at risk" in risk.stderr
    assert "every write of the source is at the target" in back.stderr
    assert parse((folder / "back.toml").read_text()) == parse((folder / "relay.toml").read_text())
    source = {path.name: path.read_bytes() for path in (folder / "a").iterdir() if path.is_file()}
    target = {path.name: path.read_bytes() for path in (folder / "b" / "copy").iterdir() if path.is_file()}
    assert source == target == {"one": b"1", "late": b"2", "two": b"3"}


def test_a_bucket_that_was_lost_is_restored_by_the_route_turned_round(folder):
    (folder / "a" / "one").write_bytes(b"1")
    run("reconcile", "r")
    (folder / "a" / "one").unlink()

    run("turn", "r")
    run("--config", "relay.turned.toml", "reconcile", "r")

    assert (folder / "a" / "one").read_bytes() == b"1"


def test_a_source_that_is_gone_is_said_to_be_unknown_and_the_configuration_written(folder):
    (folder / "a").rmdir()

    done = run("turn", "r", status=1)

    assert "could not be compared" in done.stderr
    assert "bucketrelay status r" in done.stderr
    assert (folder / "relay.turned.toml").exists()


def test_no_file_is_written_over(folder):
    (folder / "relay.turned.toml").write_text("mine")

    done = run("turn", "r", status=2)

    assert "remove it, or name another" in done.stderr
    assert (folder / "relay.turned.toml").read_text() == "mine"


def test_with_several_targets_one_has_to_be_named(folder):
    text = (folder / "relay.toml").read_text().replace('targets = ["b"]', 'targets = ["b", "c"]')
    (folder / "relay.toml").write_text(f'{text}[stores.c]\nurl = "file://{folder}/c"\n')

    assert "--target: say which" in run("turn", "r", status=2).stderr
    assert "--target x: no target" in run("turn", "r", "--target", "x", status=2).stderr
