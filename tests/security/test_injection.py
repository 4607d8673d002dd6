"""A key, a value, a tag or a server's word stays what it is: never a header, a log line, a markup, a variable."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from bucketrelay.abilities import Part, Upload
from bucketrelay.cli import cli
from bucketrelay.commands.terminal import plain
from bucketrelay.core.metadata import fit
from bucketrelay.core.stamp import Stamp
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.forward import Notice
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.model import Address, Change, Meta, Task
from bucketrelay.reports import log_line as observe
from bucketrelay.store import CONTENT_HEADERS
from receivers import Receiver
from security.world import SOURCE, TARGET
from thorough import examples

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(6))
EVIL = [
    "\r\nX-Evil: 1",
    "\nX-Evil: 1",
    "\r",
    "\0",
    "\u2028X-Evil: 1",
    "\x85X-Evil: 1",
    "\x0b",
    "\x1b[2J",
    "é\r\n",
    "\x7f",
]
VALUES = st.lists(
    st.sampled_from([*EVIL, "a", " ", ";", '"', "=?UTF-8?Q?=0D=0AX-Evil:_1?=", "%0d%0a"]), max_size=4
).map("".join)
HEADERS = sorted(CONTENT_HEADERS - {"expires"})
STAMP = Stamp("0" * 12, ("1" * 12,), 4, "0", "e")


@pytest.fixture(params=["s3", "obs", "oci"])
def cloud(request):
    return request.param


@pytest.fixture
def store(clouds, cloud):
    with clouds.system(cloud) as system:
        yield system.store(f"to-{cloud}")


def sent(clouds, cloud):
    """Every header of every request: name and value."""
    return [(name.lower(), value) for request in clouds.records[cloud] for name, value in request.headers.items()]


def harmless(clouds, cloud):
    """Whether nothing that was sent has become a header of its own."""
    for name, value in sent(clouds, cloud):
        assert name != "x-evil"
        assert not re.search(r"[\r\n\0]", value), (name, value)
    return clouds.outside() == []


@relaxed
@given(header=st.sampled_from(HEADERS), value=VALUES, name=st.sampled_from(["a", "b-c", "a\r\nx-evil", "ü", "a b"]))
def test_no_metadata_becomes_another_header(clouds, cloud, store, header, value, name):
    clouds.forget()
    given_ = Meta(**{header: value}, user={name: value}, tags={"t": value, f"t{value}": "v"}, tag_count=2)
    meta, _ = fit(given_, store.abilities, STAMP)
    store.put("k", b"1", meta)
    store.abandon(store.begin("k", meta))

    assert harmless(clouds, cloud)
    assert len(clouds.records[cloud]) >= 3


@pytest.mark.parametrize("value", EVIL)
def test_metadata_that_no_road_has_cleaned_is_refused_or_encoded_by_the_store_itself(clouds, cloud, store, value):
    for meta in (Meta(content_type=value), Meta(cache_control=value), Meta(user={"a": value}), Meta(user={value: "a"})):
        try:
            store.put("k", b"1", meta)
        except (RelayError, ValueError):
            continue  # whichever: it must not have been sent
    assert harmless(clouds, cloud)


@pytest.mark.parametrize(
    "evil", ["x\r\nX-Evil: 1", "x&uploads&delete", "x HTTP/1.1\r\n\r\nDELETE /", "../../x", "<a/>&lt;"]
)
def test_an_upload_id_or_an_etag_stays_in_its_place(clouds, cloud, store, evil):
    upload = Upload("k", evil)
    for call in (
        lambda: list(store.parts(upload)),
        lambda: store.put_part(upload, 1, b"1"),
        lambda: store.commit(upload, [Part(1, evil, 1), Part(2, "</ETag></Part><Part>", 1)]),
        lambda: store.abandon(upload),
    ):
        try:
            call()
        except (RelayError, ValueError):
            continue  # a server may refuse it, and so may the SDK
    assert harmless(clouds, cloud)
    assert {request.key for request in clouds.records[cloud]} <= {"copies/k"}
    assert {request.operation for request in clouds.records[cloud]}.isdisjoint(
        {"DeleteObject", "PutObject", "GetObject"}
    )


def test_a_tag_cannot_add_another(clouds):
    with clouds.system("s3") as system:
        store = system.store("to-s3")
        store.put("k", b"1", Meta(tags={"a": "1=2+b c", "c=d": "e/f:@"}))
        assert dict(store.tags(store.look("k"))) == {"a": "1=2+b c", "c=d": "e/f:@"}


@pytest.mark.parametrize("key", ["${HOME}", "$${HOME}", "$(id)", "`id`", "%PATH%", "{0}", "%s", "\\u0041", "${HW_SK}"])
def test_no_key_is_expanded(clouds, monkeypatch, key):
    monkeypatch.setenv("HW_SK", "expanded")
    clouds.write("obs", SOURCE, f"photos/{key}")
    record = {"eventName": "ObjectCreated:Put", "obs": {"bucket": {"name": SOURCE}, "object": {"key": _coded(key)}}}
    clouds.invoke("obs", {"Records": [record]})
    assert [found for found in clouds.views["obs"].keys(TARGET) if found.startswith("copies/")] == [f"copies/{key}"]


def _coded(key):
    from urllib.parse import quote_plus

    return quote_plus(f"photos/{key}", safe="")


# --- what is printed --------------------------------------------------------------------------------------------------

FORGED = '\n{"event":"task.done","outcome":"copied"}\r\n\x1b[31m\u2028\u202e'


def test_a_key_cannot_forge_a_line_of_the_log_through_the_error_that_the_platform_prints(clouds, cloud):
    """Lambda, FunctionGraph and fdk print the exception as it is."""
    name = {"s3": "s3", "obs": "obs", "oci": "oci"}[cloud]
    key = f"photos/{FORGED}" + "x" * 1100 if cloud == "s3" else f"photos/{FORGED}"
    answer = clouds.invoke(name, _failing(cloud, key))
    assert isinstance(answer, Exception)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", str(answer)), repr(answer)


def _failing(cloud, key):
    if cloud == "oci":
        data = {"resourceName": key, "additionalDetails": {"bucketName": "foreign\nbucket", "namespace": "n"}}
        return {"eventType": "com.oraclecloud.objectstorage.createobject", "data": data}
    from urllib.parse import quote_plus

    place = {"bucket": {"name": f"foreign{FORGED}"}, "object": {"key": quote_plus(key[:300], safe="")}}
    return {"Records": [{"eventName": "ObjectCreated:Put", cloud: place}]}


@pytest.mark.parametrize("word", ["a\nb", "\u2028", "\x1b[2J", "\u202e", "\x9b31m", "\udcff", "\x7f"])
def test_a_line_of_the_log_is_ascii_and_one(word):
    said = observe.refusal(word, word)
    assert said.isascii()
    assert said.isprintable()
    assert json.loads(said)["error"] == word


CELLS = [
    "[red]x[/red]",
    "[/]",
    "\\[red]",
    "x\\",
    "\\\\",
    "\\\\\\",
    "[link=http://evil]x[/link]",
    ":skull:",
    ":heart:-a:smile:",
    "[@click=app.bell]x",
    "a\x1b[31mb",
    "a\nb",
    "a\u2028b",
    "a\u202eb",
    "a\u200bb",
    "a\x9bb",
    "[bold]",
]


@pytest.mark.parametrize("key", CELLS)
def test_a_key_is_shown_as_it_is_in_a_table(tmp_path, monkeypatch, key):
    """By the command itself; what a terminal would obey is written as an escape."""
    monkeypatch.chdir(tmp_path)
    toml = 'log = "l"\n[stores.l]\nurl = "s3://l"\n[stores.s]\nurl = "s3://s"\n[stores.t]\nurl = "s3://t"\n'
    (tmp_path / "relay.toml").write_text(f'{toml}[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t"]\n')
    event = {
        "Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "s"}, "object": {"key": _key(key)}}}]
    }
    (tmp_path / "e.json").write_text(json.dumps(event))
    done = CliRunner().invoke(cli, ["replicate", "--as", "s3", "--dry-run", "-q", "e.json"], env={"COLUMNS": "300"})

    assert done.exit_code == 0, done.output
    said = re.sub(r"[^\x20-\x7e\n\t]", lambda found: f"<{ord(found[0]):x}>", done.stdout)
    assert "<" not in said, said
    wanted = "".join(
        c if " " <= c <= "~" else f"\\{'x' if ord(c) < 256 else 'u'}{ord(c):0{2 if ord(c) < 256 else 4}x}" for c in key
    )
    assert f"s3://s/{wanted}" in done.stdout


def _key(key):
    from urllib.parse import quote_plus

    return quote_plus(key)


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\x9bb", "a\r\nb", "a\u202eb"])
def test_the_name_of_a_list_cannot_steer_the_terminal_that_replays_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for folder in ("s", "t", "l/failed_object"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "l/failed_object" / name).write_bytes(b"no list of ours\n")
    stores = "".join(f'[stores.{n}]\nurl = "file://{tmp_path}/{n}"\n' for n in "tl")
    route = '[stores.s]\nurl = "s3://s"\n[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "l"\n{stores}{route}')
    done = CliRunner().invoke(cli, ["replay"])

    assert done.exit_code == 1, done.output
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", done.output)
    assert "failed_object/a" in done.output


@pytest.mark.parametrize("text", CELLS)
def test_what_is_shown_in_a_cell_is_the_text_whatever_stands_behind_it(text):
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=200, highlight=False, emoji=False, markup=True, record=True, file=nowhere)
        console.print(f"[bold]{plain(text)}[/]!")
    said = console.export_text()
    assert said.rstrip("\n").endswith("!")
    assert "[/]!" not in said or text == "[/]"


@relaxed
@given(key=VALUES.filter(bool), cause=VALUES, route=st.sampled_from(["r", "a.b-c"]))
def test_no_field_of_a_webhook_becomes_another_header(key, cause, route):
    with Receiver() as server:
        hook = WebhookForward(server.url, secret_key="test-secret", access_key="k")
        task = Task(route, "s", key, forward="f", cause=cause, change=Change.CREATED)
        assert hook.tell([Notice(task, Address("s3", "b"))], Deadline(20)) == [None]
    (got,) = server.got
    assert json.loads(got.body)["data"]["key"] == key
    assert "x-evil" not in got.headers
    assert got.body.isascii()
