"""`[copier]` and `[datasets]`, and the files of the programs that ours takes the place of."""

import json
from pathlib import Path

import pytest

from bucketrelay import config
from bucketrelay.config import medusa, sda
from bucketrelay.errors import ConfigError

STORES = '[stores.a]\nurl = "s3://a"\n[stores.b]\nurl = "s3://b"\n'
COPIER = STORES + '[copier]\nbroker = "amqp://u:${PW}@host/v"\nrequests = "in"\nreplies = "out"\nroots = { x = "a" }\n'
DATASETS = (
    STORES
    + """
[datasets]
broker = "amqps://u:${PW}@host:5671/sda"
queue = "mapping_stream"
database = "postgresql://u:${PW}@host/sda?sslmode=require"
center_prefix = "EGA-SE"
archive = "a"
target = "b"
key_file = "keys/c4gh.sec"
passphrase = "${PW}"
receiver_key = "/partner.pub"
remote = { url = "https://partner.example/api/", user = "sync", password = "${PW}" }
"""
)
PW = {"PW": "p@ss/word"}


def mistakes(text: str, environ: dict[str, str] = PW) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(text, environ)
    assert "p@ss" not in str(caught.value)
    return "\n".join(caught.value.mistakes)


def test_a_configuration_may_consist_of_a_copier_and_its_stores():
    found = config.load(COPIER, PW)
    assert (found.log, found.routes) == ("", ())
    assert found.copier.broker.url.reveal() == "amqp://u:p%40ss%2Fword@host/v"
    assert found.copier.broker.shown == "amqp://host/v"
    assert (found.copier.requests, found.copier.replies, dict(found.copier.roots)) == ("in", "out", {"x": "a"})
    assert "p%40ss" not in repr(found)


def test_with_routes_the_lists_have_to_go_somewhere():
    assert "log: is missing" in mistakes(COPIER + '[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n')


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('broker = "amqp://u:${PW}@host/v"', "", "copier.broker: is missing"),
        ("amqp://u:${PW}@host/v", "http://host", "copier.broker: is no broker's URL"),
        ("amqp://u:${PW}@host/v", "amqp://host:port", "copier.broker: is no broker's URL"),
        ("amqp://u:${PW}@host/v", "amqp:///v", "copier.broker: is no broker's URL"),
        ('requests = "in"', "", "copier.requests: is missing"),
        ('replies = "out"', 'replies = "in"', "copier.replies: is the queue of the requests, too"),
        ('roots = { x = "a" }', "", "copier.roots: is missing"),
        ('x = "a"', 'x = "c"', 'copier.roots.x: no store is named "c"'),
        ('x = "a"', "x = 1", "copier.roots.x: must be a text"),
        ('replies = "out"', "prefetch = 0", "copier.prefetch: must be a number"),
        ('replies = "out"', "replays = 1", "copier.replays: is an unknown key"),
    ],
)
def test_every_mistake_of_a_copier_has_its_path(old, new, word):
    assert word in mistakes(COPIER.replace(old, new))


def test_sqs_is_a_broker_of_the_copier_and_not_of_datasets():
    assert config.load(COPIER.replace("amqp://u:${PW}@host/v", "sqs://?region=eu-west-1"), {}).copier.broker
    assert "datasets.broker: is no broker's URL" in mistakes(
        DATASETS.replace("amqps://u:${PW}@host:5671/sda", "sqs://?region=x")
    )


def test_datasets_have_defaults_and_paths_beside_the_file():
    found = config.load(DATASETS, PW, Path("/etc/relay")).datasets
    assert (found.exchange, found.offset) == ("sda", "first")
    assert (found.key_file, found.receiver_key) == (Path("/etc/relay/keys/c4gh.sec"), Path("/partner.pub"))
    assert found.remote.url == "https://partner.example/api"
    assert found.database.reveal() == "postgresql://u:p%40ss%2Fword@host/sda?sslmode=require"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('queue = "mapping_stream"', "", "datasets.queue: is missing"),
        ("postgresql://u:${PW}@host/sda?sslmode=require", "mysql://host/sda", "datasets.database: is no PostgreSQL"),
        ('archive = "a"', 'archive = "c"', 'datasets.archive: no store is named "c"'),
        ('key_file = "keys/c4gh.sec"', "", "datasets.key_file: is missing"),
        ('receiver_key = "/partner.pub"', "", "datasets.receiver_key: is missing"),
        ('password = "${PW}" }', "}", "datasets.remote.password: is missing"),
        ("https://partner.example/api/", "ftp://partner", "datasets.remote.url: must be an address"),
        ('center_prefix = "EGA-SE"', 'centre_prefix = "EGA-SE"', "datasets.centre_prefix: is an unknown key"),
    ],
)
def test_every_mistake_of_datasets_has_its_path(old, new, word):
    assert word in mistakes(DATASETS.replace(old, new).replace(", }", " }"))


def test_check_needs_no_secrets():
    for text in (COPIER, DATASETS):
        found = config.load(text, {}, secrets=False)
        assert found.copier or found.datasets


MEDUSA = """
server: {name: medusa_copier, sleep_on_empty: 60, max_total_requests: 100}
amqp:
  incoming_queue: medusa_to_copier
  outgoing_queue: copier_to_medusa
  connection: {":port": 5671, ":ssl": true, ":host": mq.example, ":user": me, ":password": "p@ss/word", ":vhost": v}
log: {level: :info, destination: stdout, show_requests: false}
rclone_config_path: config/rclone.conf
roots:
  medusa-prod-main: {rclone_config: prod-main}
  staging-2: {rclone_config: staging}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "its.yaml").write_text(text)
    return folder / "its.yaml"


def test_medusas_file_is_read_as_it_is(tmp_path):
    found = medusa.load(written(tmp_path, MEDUSA), {})
    assert found.copier.broker.url.reveal() == "amqps://me:p%40ss%2Fword@mq.example:5671/v"
    assert (found.copier.requests, found.copier.replies) == ("medusa_to_copier", "copier_to_medusa")
    assert dict(found.copier.roots) == {"medusa-prod-main": "prod-main", "staging-2": "staging"}
    assert found.stores["staging"].address.url == "rclone://staging"
    assert found.stores["staging"].options["config"] == "config/rclone.conf"
    assert found.queue.path == tmp_path / "relay.db"


def test_medusas_file_may_name_sqs_and_no_replies(tmp_path):
    text = "sqs: {incoming_queue: in, connection: {region: us-east-2}}\nroots: {a: {rclone_config: b}}\n"
    found = medusa.load(written(tmp_path, text), {}).copier
    assert (found.broker.url.reveal(), found.replies) == ("sqs://?region=us-east-2", "")


def test_all_that_is_wrong_with_medusas_file_is_said_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        medusa.load(written(tmp_path, "amqp: {connection: {}}\nroots: {a: {}, b: {rclone_config: '-x:y'}}\n"), {})
    said = "\n".join(caught.value.mistakes)
    assert said.count("its.yaml: ") == 3
    for word in ("amqp.incoming_queue: is missing", "roots.a.rclone_config", "roots.b.rclone_config"):
        assert word in said
    for text in ("", "[1]", "a: [", "a: &x [*x]"):
        with pytest.raises(ConfigError, match=r"its\.yaml"):
            medusa.load(written(tmp_path, text), {})


SDA = """
broker: {host: mq, port: 5671, user: sync, vhost: /sda, queue: mapping_stream, ssl: true, cacert: /ca.pem}
db: {host: pg, user: sync, database: sda, sslmode: verify-full, cacert: /ca.pem, clientcert: /c.pem, clientkey: /k.pem}
c4gh: {filepath: /c4gh.sec, syncPubKeyPath: /partner.pub}
sync: {centerPrefix: EGA-SE, remote: {host: "https://partner.example/x", port: 8443, user: sync}}
storage:
  archive:
    s3: [{endpoint: "https://s3:9000", access_key: a, secret_key: b, bucket_prefix: archive, max_buckets: 2}]
  sync:
    s3: [{endpoint: "s3.partner:9000", access_key: a, secret_key: b, bucket_prefix: sync, disable_https: true}]
"""
SECRETS = {"BROKER_PASSWORD": "p@ss/word", "DB_PASSWORD": "p w", "C4GH_PASSPHRASE": "x", "SYNC_REMOTE_PASSWORD": "y"}


def test_the_archives_file_and_variables_are_read_as_they_are(tmp_path):
    found = sda.load(written(tmp_path, SDA), SECRETS)
    section = found.datasets
    assert section.broker.url.reveal() == "amqps://sync:p%40ss%2Fword@mq:5671/sda"
    assert section.broker.prefetch == 2
    assert section.database.reveal() == (
        "postgresql://sync:p%20w@pg:5432/sda?sslmode=verify-full&sslrootcert=%2Fca.pem&sslcert=%2Fc.pem&sslkey=%2Fk.pem"
    )
    assert section.remote.url == "https://partner.example:8443"
    assert section.locations == {
        "https://s3:9000/archive1": "archive-0-archive1",
        "https://s3:9000/archive2": "archive-0-archive2",
    }
    assert found.stores[section.target].address.bucket == "sync1"
    assert found.stores[section.target].options["endpoint"] == "http://s3.partner:9000"


def test_a_variable_goes_before_the_file_and_both_names_of_the_database_are_known(tmp_path):
    environ = {**SECRETS, "DATABASE_HOST": "other", "BROKER_VHOST": "v", "SYNC_CENTERPREFIX": "X"}
    section = sda.load(written(tmp_path, SDA), environ).datasets
    assert "@other:5432/" in section.database.reveal()
    assert section.broker.url.reveal().endswith("/v")
    assert section.center_prefix == "X"


def test_all_that_the_archives_settings_lack_is_said_at_once_with_the_variable():
    with pytest.raises(ConfigError) as caught:
        sda.load(None, {"DB_SSLMODE": "maybe"})
    said = "\n".join(caught.value.mistakes)
    for word in ("BROKER_HOST", "DB_PASSWORD", "C4GH_FILEPATH", "SYNC_CENTERPREFIX", "storage.archive", "db.sslmode"):
        assert word in said


def test_commands_that_need_no_lists_do_without_and_the_others_say_what_is_missing(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from bucketrelay.cli import cli

    (tmp_path / "a").mkdir()
    text = (
        COPIER.replace("@host/", "@127.0.0.1:9/")
        .replace('"s3://a"', f'"file://{tmp_path}/a"')
        .replace('[stores.b]\nurl = "s3://b"\n', "")
    )
    (tmp_path / "relay.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PW", "x")
    run = CliRunner().invoke
    assert run(cli, ["check"]).exit_code == 0
    tried = [json.loads(line) for line in run(cli, ["doctor", "--json"]).stdout.splitlines()]
    assert [each["check"] for each in tried if each["ok"] is False] == ["broker"]  # nobody listens there
    done = run(cli, ["replay"])
    assert (done.exit_code, "log: is missing: all copies here are by message" in done.output) == (2, True)
    assert run(cli, ["worker", "--drain"]).exit_code == 0


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", "first"),
        ('offset = "next"', "next"),
        ('offset = "2026-11-29T00:00:00Z"', "2026-11-29T00:00:00+00:00"),
        ('offset = "2026-11-29T01:30:00+01:00"', "2026-11-29T01:30:00+01:00"),
        ("offset = 2026-11-29T00:00:00Z", "2026-11-29T00:00:00+00:00"),
        ('offset = "2026-11-29"', "2026-11-29T00:00:00+00:00"),
    ],
)
def test_a_stream_is_begun_at_a_word_or_a_time(written, found):
    offset = config.load(DATASETS + written, PW).datasets.offset
    assert (offset if isinstance(offset, str) else offset.isoformat()) == found


@pytest.mark.parametrize("written", ['"last"', '"2026-13-01T00:00:00Z"', '"yesterday"', '"17"'])
def test_an_offset_that_is_neither_is_a_mistake(written):
    assert 'datasets.offset: must be "first", "next", or a time' in mistakes(f"{DATASETS}offset = {written}")
