"""A call of oneself that is not taken says whether to try later, or which permission or setting is missing."""

import json

import pytest

from bucketrelay.clouds.aws import invoke as aws
from bucketrelay.clouds.huawei import invoke as huawei
from bucketrelay.clouds.oracle import invoke as oracle
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay_emulators.oci.emulator import OciEmulator
from functions.invoke_apis import AGENCY, OCID, URN, InvokeApi
from functions.runtime_api import ARN

PAYLOAD = b'{"bucketrelay":{"version":1,"tasks":[]}}'


@pytest.fixture(scope="module")
def principal():
    with OciEmulator() as emulator:
        yield emulator.resource_principal()


@pytest.fixture
def role(monkeypatch):
    """What the platforms give to a function, and nothing of this machine's."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", huawei.URN, huawei.ENDPOINT, oracle.ENDPOINT, oracle.SERVICE):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "ROLEKEY", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "role-token"}
    for name, value in {**keys, "AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def ask(cloud, endpoint, role, principal):
    """Call the function again by way of *endpoint*."""
    if cloud == "s3":
        role.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        aws.invoke(ARN, PAYLOAD)
    elif cloud == "obs":
        huawei.invoke(AGENCY, {huawei.URN: URN, huawei.ENDPOINT: endpoint}.get, PAYLOAD)
    else:
        for name, value in {**principal, oracle.ENDPOINT: endpoint}.items():
            role.setenv(name, value)
        oracle.invoke(OCID, PAYLOAD)


CLOUDS = ["s3", "obs", "oci"]
NAMES = {"s3": ARN, "obs": URN, "oci": OCID}
WORDS = {"message": "by order", "code": "NoWay", "error_code": "FSS.0403", "error_msg": "by order"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_call_is_signed_as_the_service_checks_it_and_carries_the_payload(cloud, role, principal):
    with InvokeApi(cloud) as api:
        ask(cloud, api.endpoint, role, principal)

    assert api.complaints == []
    assert api.taken.get(timeout=5) == PAYLOAD


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_service_that_is_busy_may_take_it_later_and_is_asked_once(cloud, status, role, principal):
    with InvokeApi(cloud) as api:
        api.refuse = status, json.dumps(WORDS).encode()
        with pytest.raises(StoreUnavailable, match=str(status) if cloud != "s3" else "by order"):
            ask(cloud, api.endpoint, role, principal)

    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("cloud", "remedy"),
    [("s3", "lambda:InvokeFunction"), ("obs", "functiongraph:function:invokeAsync"), ("oci", "use fn-invocation")],
)
def test_a_refusal_names_the_function_what_the_service_said_and_the_permission(cloud, remedy, role, principal):
    with InvokeApi(cloud) as api:
        api.refuse = 403, json.dumps(WORDS).encode()
        with pytest.raises(StoreRefused) as told:
            ask(cloud, api.endpoint, role, principal)

    text = str(told.value)
    assert all(word in text for word in (NAMES[cloud], "by order", remedy))
    assert "\n" not in text
    assert not any(secret in text for secret in (*AGENCY, "secret", "role-token"))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_service_that_cannot_be_reached_is_unavailable(cloud, role, principal):
    with InvokeApi(cloud) as api:
        gone = api.endpoint
    with pytest.raises(StoreUnavailable):
        ask(cloud, gone, role, principal)


def test_lambdas_loop_detection_has_its_own_remedy(role, principal):
    with InvokeApi("s3") as api:
        api.refuse = 400, b'{"__type": "RecursiveInvocationException", "Message": "a loop"}'
        with pytest.raises(StoreRefused, match="recursive loop detection to Allow"):
            ask("s3", api.endpoint, role, principal)


def test_a_lambda_without_a_role_says_so(role, principal):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        role.delenv(name)
    role.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with InvokeApi("s3") as api, pytest.raises(StoreRefused, match="give the function a role"):
        ask("s3", api.endpoint, role, principal)

    assert api.asked == []


@pytest.mark.parametrize("urn", ["", "relay", "urn:fss:cn-north-4", f"{URN}\n", "urn:fss:evil.com/:p:function:a:b"])
def test_functiongraph_needs_its_urn_in_the_settings(urn, role):
    with pytest.raises(StoreRefused, match=r"BUCKETRELAY_FUNCTION_URN is .*copy the URN"):
        huawei.invoke(AGENCY, {huawei.URN: urn}.get, PAYLOAD)


def test_functiongraph_takes_its_settings_from_the_environment_too(role):
    with InvokeApi("obs") as api:
        role.setenv(huawei.URN, URN)
        role.setenv(huawei.ENDPOINT, api.endpoint)
        huawei.invoke(AGENCY, lambda name: None, PAYLOAD)

    assert api.complaints == []
    assert api.taken.get(timeout=5) == PAYLOAD


@pytest.mark.parametrize("keys", [("", "", ""), ("AK", "", "")])
def test_functiongraph_needs_an_agency(keys, role):
    with pytest.raises(StoreRefused, match="no agency"):
        huawei.invoke(keys, {huawei.URN: URN}.get, PAYLOAD)


@pytest.mark.parametrize("keys", [("AK", AGENCY[1], AGENCY[2]), (AGENCY[0], "other", AGENCY[2]), (*AGENCY[:2], "")])
def test_functiongraph_refuses_the_keys_of_somebody_else(keys, role):
    with InvokeApi("obs") as api, pytest.raises(StoreRefused, match="401"):
        huawei.invoke(keys, {huawei.URN: URN, huawei.ENDPOINT: api.endpoint}.get, PAYLOAD)

    assert len(api.complaints) == 1


def test_oracle_is_asked_for_the_invoke_endpoint_where_nobody_has_set_it(role, principal):
    with InvokeApi("oci") as api:
        for name, value in {**principal, oracle.SERVICE: api.endpoint}.items():
            role.setenv(name, value)
        oracle.invoke(OCID, PAYLOAD)

    assert api.complaints == []
    assert [path.rpartition("/")[2] for path in api.asked] == [OCID, "invoke"]
    assert api.taken.get(timeout=5) == PAYLOAD


def test_an_oci_function_without_a_resource_principal_says_so(role):
    role.delenv("OCI_RESOURCE_PRINCIPAL_VERSION", raising=False)
    with pytest.raises(StoreRefused, match="no resource principal"):
        oracle.invoke(OCID, PAYLOAD)
