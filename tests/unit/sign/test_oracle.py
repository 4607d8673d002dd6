"""Our signatures for Oracle are those of Oracle's own SDK, whatever is signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oci._vendor import requests
from oci.auth.signers.security_token_signer import SecurityTokenSigner
from oci.signer import Signer

from bucketrelay.clouds.oracle.sign import Identity, authorization, body_headers
from bucketrelay_emulators.oci.sign import pem, private_key

KEY = private_key("signer")
USER = ("ocid1.tenancy.oc1..a", "ocid1.user.oc1..b", ":".join(["ab"] * 16))
SIGNERS = {
    "api key": (Signer(*USER, "", private_key_content=pem(KEY)), Identity("/".join(USER), KEY)),
    "token": (SecurityTokenSigner("a.b.c", KEY), Identity("ST$a.b.c", KEY)),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=30)
HOSTS = st.sampled_from(["objectstorage.us-ashburn-1.oraclecloud.com", "127.0.0.1:8080"])
DATE = "Sat, 21 Nov 2026 09:15:00 GMT"


@pytest.mark.parametrize("kind", list(SIGNERS))
@given(
    method=st.sampled_from(["GET", "HEAD", "DELETE", "PUT", "POST", "PATCH"]),
    host=HOSTS,
    key=TEXT,
    query=st.dictionaries(TEXT, TEXT, max_size=3),
    body=st.binary(max_size=50),
    whole=st.booleans(),
)
def test_a_request_is_signed_for_as_the_sdk_does(kind, method, host, key, query, body, whole):
    oracle, identity = SIGNERS[kind]
    url = f"https://{host}/n/ns/b/b/o/{requests.utils.quote(key, safe='')}"
    named = {"date": DATE, "content-type": "text/plain", "host": host}
    request = requests.Request(method, url, headers=named, params=query, data=body or None).prepare()
    target = request.path_url
    said = oracle(request, enforce_content_headers=whole).headers["authorization"]

    headers = {**named, **(body_headers(body) if whole and method in ("PUT", "POST", "PATCH") else {})}
    assert authorization(identity, method, target, headers) == said
