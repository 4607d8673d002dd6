"""`${NAME}` in a value, and how secrets are kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.config import Secret, load
from bucketrelay.errors import ConfigError
from configurations import ENVIRON, EXAMPLE, mistakes, store, store_mistakes

MiB = 1024 * 1024


def test_a_variable_is_filled_in_wherever_a_value_stands():
    text = EXAMPLE.replace('"photos"\nt', '"${WHO}"\nt').replace('"in/**"', '"${DIR}/**"').replace("= 16", '= "${N}"')
    text = text.replace("margin = 5", 'margin = "${S}"').replace("strict = false", 'strict = "${T}"')

    config = load(text, {**ENVIRON, "WHO": "photos", "DIR": "in", "N": "3", "S": "2.5", "T": "true"})

    assert (config.routes[0].source_store, config.routes[0].include, config.routes[0].strict) == (
        "photos",
        ("in/**",),
        True,
    )
    assert (config.limits.concurrency, config.limits.margin) == (3, 2.5)


def test_a_variable_in_a_variable_stays_as_it_is():
    assert store('url = "s3://b"\nregion = "${R}"'.replace("${R}", "$${HW_AK}")).options["region"] == "${HW_AK}"


def test_what_a_variable_holds_is_not_looked_through_for_more():
    text = EXAMPLE.replace("eu-central-1", "${R}")

    assert load(text, {**ENVIRON, "R": "${HW_SK}"}).stores["photos"].options["region"] == "${HW_SK}"


@pytest.mark.parametrize("written", ["${", "${}", "${A-B}", "a${HW_AK", "${HW AK}"])
def test_a_variable_that_is_not_written_as_one_is_a_mistake(written):
    assert "has ${ that begins no variable" in store_mistakes(f'url = "s3://b"\nregion = "{written}"')[0]


def test_all_missing_variables_of_a_value_are_reported():
    found = store_mistakes('url = "s3://b"\nregion = "${ONE}${TWO}"')

    assert [m.split(" is not set")[0] for m in found] == ["stores.s.region: ${ONE}", "stores.s.region: ${TWO}"]


@pytest.mark.parametrize(("value", "said"), [("", "is empty"), ("a\n", "line break"), (" a", "white space")])
def test_a_secret_that_was_cut_out_badly_is_a_mistake(value, said):
    found = mistakes(EXAMPLE, {**ENVIRON, "HW_SK": value})

    assert len(found) == 2
    assert all(said in mistake for mistake in found)


def test_an_environment_is_asked_by_get_alone():
    class Asked(dict):
        def __getitem__(self, key):
            raise AssertionError(key)

        __contains__ = __iter__ = keys = items = __getitem__

    assert load(EXAMPLE, Asked(ENVIRON)) == load(EXAMPLE, ENVIRON)


def test_a_secret_shows_itself_only_to_who_asks():
    secret = Secret("hunter2")

    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret == Secret("hunter2") != "hunter2"
    assert bool(secret)
    assert not Secret("")
    with pytest.raises(TypeError):
        json.dumps(secret)


MARK = "hunter2-MARKER"
FIELDS = [
    *[
        "endpoint",
        "region",
        "access_key",
        "secret_key",
        "session_token",
        "ca_file",
        "timeout",
        "retries",
        "path_style",
        "profile",
        "sse",
        "kms_key",
    ],
    *["auth", "config_file", "user", "tenancy", "fingerprint", "key_file", "compartment", "storage_class"],
    *["storage_classes", "acl"],
]


@given(
    st.sampled_from(["s3://b", "obs://b", "oci://b@n", f"s3://x:{MARK}@b", f"s3://b?secret_key={MARK}", "${M}"]),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from([f"https://u:{MARK}@h", "${M}", "x${M}"]), max_size=6),
    st.sampled_from(["https://h/${M}", f"https://h/?token={MARK}", f"https://u:{MARK}@h/", "${M}"]),
    st.sampled_from(["deletes", "source", "forward", "strict", "max_deletes"]),
    st.booleans(),
)
def test_no_secret_is_in_a_message_or_a_repr(url, options, hook, field, broken):
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in options.items())
    secret = f'access_key = "{MARK}"\nsecret_key = "{MARK}"\n'
    text = f'log = "l"\n[stores.l]\nurl = "s3://lists"\n[stores.s]\nurl = "{url}"\n{lines}\n[stores.t]\nurl = "s3://t"\n{secret}'
    text += '[[routes]]\nname = "r"\nsource = "s"\nforward = "f"\n'.replace(f"{field} =", "exclude =")
    text += f'{field} = "${{M}}"\n' if broken else ""
    text += f'[forwards.f]\ntype = "webhook"\nurl = "{hook}"\n{secret}'

    try:
        shown = repr(load(text, {"M": MARK}))
    except ConfigError as error:
        shown = str(error) + repr(error)

    assert MARK not in shown


def test_a_webhooks_address_is_shown_without_what_may_be_secret_in_it():
    text = EXAMPLE.replace('type = "oms"', 'type = "webhook"').replace("sync-tasks/42/events", "${HW_SK}/x?token=abc")

    forward = load(text, ENVIRON).forwards["oms"]

    assert forward.url.endswith("/v2/0123/the-secret-key/x?token=abc")
    assert forward.shown == "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/${HW_SK}/x"
