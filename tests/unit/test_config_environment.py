"""Where the configuration is found, and the environment as a configuration of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.config import Config, ForwardConfig, Secret, StoreConfig, find, from_environment
from bucketrelay.config.environment import OMS_VARIABLES, RELAY_VARIABLES
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, Change, Deletes, ObjectEvent
from bucketrelay.routes import Route, plan, resolve
from bucketrelay.routes.log_folders import log_folders

OMS = {
    "sync_url": "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events",
    "sync_task_id": "42",
    "log_bucket": "ops-logs",
    "obs_endpoint": "obs.cn-north-4.myhuaweicloud.com",
    "hw_ak": "the-access-key",
    "hw_sk": "the-secret-key",
}
RELAY = {
    "RELAY_SOURCE": "s3://photos?region=eu-central-1",
    "RELAY_TARGETS": "oci://target1@ns?region=us-ashburn-1  s3://target2/copy?endpoint=http://minio:9000&path_style=true",
    "RELAY_LOG": "s3://lists/relay",
}


def text(bucket):
    return (
        f'log = "l"\n[stores.l]\nurl = "s3://lists"\n[stores.s]\nurl = "s3://{bucket}"\n[stores.t]\nurl = "s3://t"\n'
        '[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t"]\n'
    )


def mistakes(environ):
    with pytest.raises(ConfigError) as refused:
        from_environment(environ)
    return refused.value.mistakes


def paths(environ):
    return [mistake.split(": ")[0] for mistake in mistakes(environ)]


@pytest.fixture
def places(tmp_path):
    """Every place where a configuration can be, each with a bucket of its own; as (environ, beside, cwd)."""
    for name in ("beside", "cwd"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "relay.toml").write_text(text(name))
    (tmp_path / "cwd" / "other.toml").write_text(text("named"))
    environ = {"BUCKETRELAY_TOML": text("inline"), "BUCKETRELAY_CONFIG": "other.toml", **RELAY}
    return environ, tmp_path / "beside", tmp_path / "cwd"


def test_the_first_place_that_has_a_configuration_wins(places):
    environ, beside, cwd = places
    found = []

    def look():
        found.append(find(environ, beside, cwd).routes[0].source.bucket)

    look()
    environ["BUCKETRELAY_TOML"] = ""
    look()
    environ["BUCKETRELAY_CONFIG"] = ""
    look()
    (beside / "relay.toml").unlink()
    look()
    (cwd / "relay.toml").unlink()
    look()

    assert found == ["inline", "named", "beside", "cwd", "photos"]


def test_an_absolute_path_in_the_environment_is_taken_as_it_is(places):
    _, beside, cwd = places

    assert find({"BUCKETRELAY_CONFIG": str(cwd / "other.toml")}, beside, beside).routes[0].source.bucket == "named"


def test_a_named_file_that_is_not_there_is_a_mistake_and_no_other_is_taken(places):
    _, beside, cwd = places

    with pytest.raises(
        ConfigError, match=r"BUCKETRELAY_CONFIG=nowhere\.toml: there is no file .*nowhere\.toml: correct the path"
    ):
        find({"BUCKETRELAY_CONFIG": "nowhere.toml"}, beside, cwd)


def test_without_any_configuration_the_message_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ConfigError) as refused:
        find({}, tmp_path / "a", tmp_path / "b")

    for place in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "a/relay.toml", "b/relay.toml", "RELAY_SOURCE", "sync_url"):
        assert place in str(refused.value)


def test_a_file_that_is_not_text_is_a_mistake(places):
    _, beside, cwd = places
    (beside / "relay.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        find({}, beside, cwd)


def test_a_folder_in_the_place_of_the_file_is_a_mistake_and_not_passed_over(places):
    _, beside, cwd = places
    (beside / "relay.toml").unlink()
    (beside / "relay.toml").mkdir()

    with pytest.raises(ConfigError, match="cannot be read, Is a directory"):
        find({}, beside, cwd)


def test_a_mistake_in_the_first_file_does_not_lead_to_the_next(places):
    _, beside, cwd = places
    (beside / "relay.toml").write_text("oops")

    with pytest.raises(ConfigError, match="line 1, column 5"):
        find({}, beside, cwd)


def test_an_environment_without_any_of_the_variables_is_no_configuration():
    assert from_environment({"PATH": "/bin", "sync_url": "", "RELAY_LOG": " "}) is None


# --- the six variables of the OMS template ---------------------------------------------------------------------------


def test_the_six_variables_of_the_oms_template_are_a_configuration():
    keys = Secret("the-access-key"), Secret("the-secret-key")
    log = Address("obs", "ops-logs", prefix="oms_source_record/")
    options = {"endpoint": "https://obs.cn-north-4.myhuaweicloud.com", "access_key": keys[0], "secret_key": keys[1]}

    assert from_environment(OMS) == Config(
        log="log",
        stores={
            "source": StoreConfig("source", Address("obs", "*")),
            "source-s3": StoreConfig("source-s3", Address("s3", "*")),
            "source-oci": StoreConfig("source-oci", Address("oci", "*")),
            "log": StoreConfig("log", log, options),
        },
        routes=(
            Route("oms", Address("obs", "*"), "source", forward="oms", ignores=(log, *log_folders(log))),
            Route("oms-s3", Address("s3", "*"), "source-s3", forward="oms", ignores=(log, *log_folders(log))),
            Route("oms-oci", Address("oci", "*"), "source-oci", forward="oms", ignores=(log, *log_folders(log))),
        ),
        forwards={"oms": ForwardConfig("oms", "oms", OMS["sync_url"], OMS["sync_url"], "42", *keys)},
    )


def test_with_the_oms_template_every_created_object_of_the_events_bucket_is_forwarded():
    config = from_environment(OMS)
    event = ObjectEvent("obs", "whichever", "in/a b.jpg", Change.CREATED)

    (task,) = plan(event, config.routes)

    assert (task.forward, task.key) == ("oms", "in/a b.jpg")
    assert config.address(task.source) == Address("obs", "whichever")


@pytest.mark.parametrize(
    ("cloud", "namespace", "route"), [("obs", "", "oms"), ("s3", "", "oms-s3"), ("oci", "ns", "oms-oci")]
)
def test_with_the_oms_template_every_cloud_may_call(cloud, namespace, route):
    config = from_environment(OMS)

    (task,) = plan(ObjectEvent(cloud, "whichever", "a", Change.CREATED, namespace), config.routes)
    assert (task.route, task.forward) == (route, "oms")
    assert config.address(task.source) == Address(cloud, "whichever", namespace)


def test_with_the_oms_template_a_record_that_may_be_of_obs_or_s3_is_of_obs():
    assert resolve(ObjectEvent("s3", "whichever", "a", Change.CREATED), from_environment(OMS).routes) == "obs"


def test_with_the_oms_template_what_changes_nothing_is_not_forwarded():
    assert plan(ObjectEvent("obs", "whichever", "a", Change.IGNORED), from_environment(OMS).routes) == ()


def test_an_endpoint_with_its_scheme_is_kept_as_it_is():
    config = from_environment({**OMS, "obs_endpoint": "http://127.0.0.1:9000"})

    assert config.stores["log"].options["endpoint"] == "http://127.0.0.1:9000"


@pytest.mark.parametrize("name", OMS_VARIABLES)
@pytest.mark.parametrize("unset", [None, "", " "])
def test_five_of_the_six_variables_name_the_sixth(name, unset):
    (mistake,) = mistakes({**OMS, name: unset})

    assert mistake.startswith(f"{name}: is not set in the environment: the ")


def test_a_line_break_within_a_key_of_the_six_is_a_mistake():
    assert "control character" in mistakes({**OMS, "hw_sk": "two\nlines"})[0]


def test_all_mistakes_of_the_six_variables_are_reported_at_once():
    environ = {**OMS, "sync_url": "oms", "log_bucket": "obs://ops-logs/x", "obs_endpoint": "a b", "hw_sk": ""}

    assert sorted(paths(environ)) == ["hw_sk", "log_bucket", "obs_endpoint", "sync_url"]


# --- RELAY_SOURCE and its companions ----------------------------------------------------------------------------------


def test_a_source_targets_and_a_log_in_the_environment_are_a_configuration():
    source, logs = Address("s3", "photos", endpoint="aws"), Address("s3", "lists", prefix="relay/")
    minio = {"endpoint": "http://minio:9000", "path_style": True}

    assert from_environment(RELAY) == Config(
        log="log",
        stores={
            "source": StoreConfig("source", source, {"region": "eu-central-1"}),
            "target1": StoreConfig(
                "target1", Address("oci", "target1", "ns", "", "us-ashburn-1"), {"region": "us-ashburn-1"}
            ),
            "target2": StoreConfig("target2", Address("s3", "target2", "", "copy/", "minio:9000"), minio),
            "log": StoreConfig("log", logs),
        },
        routes=(Route("relay", source, "source", ("target1", "target2"), ignores=log_folders(logs)),),
    )


def test_deletes_can_be_followed_by_a_variable():
    assert from_environment({**RELAY, "RELAY_DELETES": "follow"}).routes[0].deletes is Deletes.FOLLOW


def test_options_of_a_query_are_percent_decoded_and_a_plus_is_a_plus():
    keys = "access_key=a%26b&secret_key=x+y/z%3D=&timeout=2.5&retries=3"

    options = from_environment({**RELAY, "RELAY_LOG": f"s3://lists?{keys}"}).stores["log"].options

    assert options == {"access_key": Secret("a&b"), "secret_key": Secret("x+y/z=="), "timeout": 2.5, "retries": 3}


def test_a_variable_in_a_query_is_filled_in_after_the_query_was_taken_apart():
    environ = {**RELAY, "RELAY_LOG": "s3://lists?access_key=${AK}&secret_key=${SK}", "AK": "a&b=c", "SK": "x%41 ?y"}

    options = from_environment(environ).stores["log"].options

    assert options == {"access_key": Secret("a&b=c"), "secret_key": Secret("x%41 ?y")}


@pytest.mark.parametrize("name", ["RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"])
def test_a_variable_that_is_left_out_is_named(name):
    assert paths({key: value for key, value in RELAY.items() if key != name}) == [name]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"RELAY_TARGETS": "s3://a photos"}, "RELAY_TARGETS[1]: is not the URL of a store"),
        ({"RELAY_TARGETS": "s3://a?regoin=x"}, 'RELAY_TARGETS[0]: has an unknown option; did you mean "region"?'),
        ({"RELAY_TARGETS": "s3://a?region"}, "RELAY_TARGETS[0]: has an option without ="),
        ({"RELAY_TARGETS": "s3://a?region=x&region=y"}, "RELAY_TARGETS[0]: has an option without = or twice"),
        ({"RELAY_TARGETS": "s3://a?timeout=soon"}, "RELAY_TARGETS[0]?timeout: must be a number from 0.1 to 3600"),
        ({"RELAY_TARGETS": "s3://a?path_style=yes"}, "RELAY_TARGETS[0]?path_style: must be true or false"),
        ({"RELAY_TARGETS": "s3://a?region=${NOWHERE}"}, "RELAY_TARGETS[0]?region: ${NOWHERE} is not set"),
        ({"RELAY_TARGETS": "s3://a s3://photos/copy"}, 'RELAY_TARGETS[1]: "target2" and the source "source" overlap'),
        ({"RELAY_SOURCE": "s3://lists/relay/verify"}, 'RELAY_LOG: the source of route "relay" lies inside the lists'),
        ({"RELAY_LOG": "obs://lists"}, "RELAY_LOG: an obs:// store needs its endpoint or its region"),
        ({"RELAY_DELETES": "folow"}, 'RELAY_DELETES: "folow" is not a choice; did you mean "follow"?'),
        ({"sync_url": "https://x"}, "sync_url and RELAY_SOURCE, RELAY_TARGETS, RELAY_LOG: are two configurations"),
    ],
)
def test_a_mistake_in_the_environment_is_named_with_its_variable(environ, said):
    (mistake,) = mistakes({**RELAY, **environ})

    assert mistake.startswith(said)


MARK = "hunter2"


@given(
    st.dictionaries(
        st.sampled_from([*OMS_VARIABLES, *RELAY_VARIABLES]),
        st.sampled_from(
            [
                f"https://{MARK}:x@h",
                f"s3://b?secret_key={MARK}",
                f"s3://b?secret_key=a&{MARK}=b",
                f"s3://b?{MARK}",
                f"s3://{MARK}@b",
                f"{MARK} {MARK}",
                "s3://b?region=${M}&timeout=${M}&sse=${M}",
                "${M}",
            ]
        ),
    )
)
def test_no_secret_of_the_environment_is_in_a_message(environ):
    try:
        shown = repr(from_environment({**environ, "M": MARK}))
    except ConfigError as error:
        shown = str(error)

    assert MARK not in shown


@given(st.dictionaries(st.sampled_from([*OMS_VARIABLES, *RELAY_VARIABLES]), st.text(max_size=30)))
def test_any_environment_is_a_configuration_or_none_or_a_config_error(environ):
    try:
        config = from_environment(environ)
    except ConfigError:
        return

    assert config is None or config.routes
