"""A refused HEAD has no body, so no code: asked once with a GET, it names the reason and the remedy, on each cloud."""

import json
from datetime import datetime, timezone

import pytest

from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.errors import StoreRefused
from bucketrelay.http.dates import date_header
from bucketrelay.model import Address
from bucketrelay_emulators.oci.emulator import OciEmulator
from fakes import at_once
from unit.stores.scripted import Answer, Scripted, said

KEYS = {"access_key": "AK", "secret_key": "SK"}


@pytest.fixture
def server():
    with Scripted() as server:
        yield server
        assert server.answers == [], "the script was not played to its end"


@pytest.fixture(scope="module")
def config_file():
    with OciEmulator() as cloud:
        yield cloud.config_file


@pytest.fixture
def asked(server, config_file):
    """What a look at a key is refused with, on a store of a cloud, and the requests that it took."""
    made = []

    def asked(cloud):
        usual = {"endpoint": server.url, "retries": 0, "timeout": 5, "pace": at_once()}
        if cloud == "s3":
            store = s3_store(Address("s3", "bucket"), region="eu-1", **KEYS, **usual)
        elif cloud == "obs":
            store = obs_store(Address("obs", "bucket"), path_style=True, **KEYS, **usual)
        else:
            store = oci_store(Address("oci", "bucket", "ns"), config_file=config_file, **usual)
        made.append(store)
        with pytest.raises(StoreRefused) as refused:
            store.look("k", trust_bare_404=cloud == "obs")  # OBS's other look is a GET anyway
        assert [request.method for request in server.asked] == ["HEAD", "GET"]
        return str(refused.value)

    yield asked
    for store in made:
        store.close()


def oci_says(status, code):
    return Answer(status, {"Content-Type": "application/json"}, json.dumps({"code": code, "message": "no"}).encode())


CASES = [
    ("s3", 400, said(400, "ExpiredToken"), "ExpiredToken", "the credentials have expired"),
    ("s3", 403, said(403, "InvalidAccessKeyId"), "InvalidAccessKeyId", "check access_key"),
    ("s3", 403, said(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch", "check secret_key"),
    ("s3", 301, said(301, "PermanentRedirect", "<Region>eu-west-3</Region>"), "", 'region = "eu-west-3"'),
    ("s3", 400, said(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"), "", 'region = "eu-west-3"'),
    ("obs", 403, said(403, "ExpiredToken"), "ExpiredToken", "the temporary keys have expired"),
    ("obs", 403, said(403, "InvalidAccessKeyId"), "InvalidAccessKeyId", "check access_key"),
    ("obs", 403, said(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch", "check secret_key"),
    ("obs", 301, said(301, "PermanentRedirect", "<Endpoint>obs.test</Endpoint>"), "", "set the store's endpoint to"),
    ("oci", 401, oci_says(401, "NotAuthenticated"), "NotAuthenticated", "check user, tenancy, fingerprint, key_file"),
    ("oci", 404, oci_says(404, "BucketNotFound"), "BucketNotFound", "check the store's url and region"),
    ("oci", 404, oci_says(404, "NotAuthorizedOrNotFound"), "NotAuthorizedOrNotFound", "the policies"),
]  # fmt: skip


@pytest.mark.parametrize(("cloud", "status", "answer", "code", "remedy"), CASES)
def test_names_the_reason_and_the_remedy(server, asked, cloud, status, answer, code, remedy):
    answer.headers["Date"] = date_header(datetime.now(timezone.utc))
    server.will(Answer(status), answer)
    words = asked(cloud)

    assert code in words
    assert remedy in words
    assert "grant" not in words
    assert "mend the configuration or the object" not in words
