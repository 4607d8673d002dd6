"""`bucketrelay wire`: what is typed, what is printed, how it exits, and what is there afterwards."""

import json

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay_emulators.obs import settings as obs_settings
from unit.wire.conftest import SECRET

QUEUE = "arn:aws:sqs:us-east-1:123456789012:wire-relay"
URN = "urn:fss:cn-north-4:0123:function:default:relay:latest"
FUNCTION = "ocid1.fnfunc.oc1.phx.relay"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(folder, url, **options):
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    (folder / "relay.toml").write_text(
        f'log = "logs"\n[stores.source]\nurl = "{url}"\n{text}'
        f'[stores.target]\nurl = "file://{folder}/t"\n[stores.logs]\nurl = "file://{folder}/l"\n'
        '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
    )


@pytest.fixture
def s3(moto, folder):
    client = moto.client("s3")
    client.create_bucket(Bucket="wire-source")
    theirs = {"Id": "theirs", "QueueArn": f"{QUEUE}-theirs", "Events": ["s3:ObjectCreated:*"]}
    theirs["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "out/"}]}}
    client.put_bucket_notification_configuration(
        Bucket="wire-source", NotificationConfiguration={"QueueConfigurations": [theirs]}
    )
    keys = {"access_key": "test", "secret_key": SECRET}
    configure(folder, "s3://wire-source/in", endpoint=moto.endpoint, region="us-east-1", **keys)

    def ids():
        said = client.get_bucket_notification_configuration(Bucket="wire-source")
        assert [rule for rule in said["QueueConfigurations"] if rule["Id"] == "theirs"] == [theirs]
        return [rule["Id"] for rule in said["QueueConfigurations"]]

    yield ids
    client.delete_bucket(Bucket="wire-source")


def run(*words):
    done = CliRunner().invoke(cli, ["wire", *words])
    assert SECRET not in done.output
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_route_is_wired_and_what_changed_is_printed(s3):
    done = run("r", "--queue", QUEUE)

    assert done.exit_code == 0, done.output
    assert "add" in done.stdout
    assert "bucketrelay-r" in done.stdout
    assert s3() == ["theirs", "bucketrelay-r"]


def test_the_second_run_changes_nothing(s3):
    run("r", "--queue", QUEUE)
    done = run("r", "--queue", QUEUE)

    assert (done.exit_code, done.output) == (0, "s3://wire-source/in: nothing to change\n")
    assert s3() == ["theirs", "bucketrelay-r"]


def test_undo_removes_ours_alone_and_once(s3):
    run("r", "--queue", QUEUE)
    done = run("r", "--undo", "--json")

    assert json.loads(done.stdout)["change"] == "remove"
    assert s3() == ["theirs"]
    assert run("r", "--undo", "--json").stdout == ""


def test_a_dry_run_prints_and_touches_nothing(s3):
    done = run("r", "--queue", QUEUE, "--dry-run", "--json")
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]

    assert (line["route"], line["source"], line["change"], line["done"]) == ("r", "s3://wire-source/in", "add", False)
    assert s3() == ["theirs"]
    assert run("r", "--queue", QUEUE, "--dry-run").stderr == "1 change to make; nothing was touched\n"


def test_verbose_shows_the_document_that_is_sent(s3):
    done = run("r", "--queue", QUEUE, "--dry-run", "-v")

    assert f"<Queue>{QUEUE}</Queue>" in done.stderr


def test_a_foreign_rule_in_the_way_is_exit_1_with_its_name(s3, moto):
    theirs = {"Id": "thumbnails", "QueueArn": f"{QUEUE}-theirs", "Events": ["s3:ObjectCreated:Put"]}
    moto.client("s3").put_bucket_notification_configuration(
        Bucket="wire-source", NotificationConfiguration={"QueueConfigurations": [theirs]}
    )
    done = run("r", "--queue", QUEUE)

    assert done.exit_code == 1
    assert "thumbnails" in done.stderr
    assert "nothing was changed" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["r"], "--queue"),
        (["r", "--queue", QUEUE, "--function", "x"], "give one of"),
        (["r", "--undo", "--queue", QUEUE], "leave the target out"),
        (["nowhere", "--queue", QUEUE], "there is r"),
        (["r", "--queue", "relay"], "no ARN"),
        (["r", "--config", "missing.toml"], "missing.toml"),
    ],
)
def test_wrong_usage_is_exit_2_with_one_line(s3, words, said):
    done = run(*words)

    assert done.exit_code == 2
    assert said in done.stderr
    assert s3() == ["theirs"]


def test_a_directory_has_nothing_to_wire(folder):
    configure(folder, f"file://{folder}/s")
    done = run("r", "--queue", QUEUE)

    assert done.exit_code == 2
    assert "reconcile r" in done.stderr


def test_obs_is_wired_and_undone(obs, folder):
    configure(folder, "obs://src", endpoint=obs.endpoint, access_key=obs.access_key, secret_key=obs.secret_key)
    assert run("r", "--function", URN).exit_code == 0
    assert URN.encode() in obs_settings.setting(obs.engine.bucket("src"), "notification")
    assert run("r", "--undo").exit_code == 0
    assert URN.encode() not in obs_settings.setting(obs.engine.bucket("src"), "notification")


def test_obs_without_a_target_prints_the_step_on_the_functions_side(obs, folder):
    configure(folder, "obs://src", endpoint=obs.endpoint, access_key=obs.access_key, secret_key=obs.secret_key)
    done = run("r")

    assert done.exit_code == 2
    assert 'type = "EVENTGRID"' in done.stderr
    assert obs.requests.count("SetBucketNotification") == 0


def test_oci_is_wired_and_undone(oci, folder):
    configure(folder, "oci://src@mytenancy", endpoint=oci.endpoint, config_file=oci.config_file)
    done = run("r", "--function", FUNCTION)

    assert done.exit_code == 0, done.output
    assert [rule["displayName"] for rule in oci.rules.all()] == ["bucketrelay-r"]
    assert "cloudEvents" in done.stderr
    assert run("r", "--undo").exit_code == 0
    assert oci.rules.all() == []
