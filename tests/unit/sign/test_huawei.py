"""Our signatures for Huawei Cloud are those of Huawei's own SDKs, whatever is signed."""

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st
from obs import const
from obs.auth import Authentication
from obs.convertor import Adapter
from obs.util import encode_object_key

from bucketrelay.clouds.huawei.sign import NATIVE, S3, api_authorization, obs_authorization

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=30)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)
# Those that OBS documents as part of the resource, and others that must be left out.
ASKED = st.sampled_from([*const.ALLOWED_RESOURCE_PARAMTER_NAMES, "uploadId", "partNumber", "versionId"]) | NAMES
QUERIES = st.dictionaries(ASKED, st.none() | TEXT, max_size=5)
DATE = "Sat, 21 Nov 2026 09:15:00 GMT"


@pytest.mark.parametrize("path_style", [True, False])
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    key=TEXT,
    query=QUERIES,
    plain=st.fixed_dictionaries({}, optional={"content-type": PLAIN, "content-md5": PLAIN, "range": PLAIN}),
    own=st.dictionaries(NAMES | NAMES.map("meta-{}".format) | st.just("date"), PLAIN, max_size=5),
    keys=st.tuples(KEYS, KEYS, st.just("") | KEYS),
)
def test_obs_is_signed_for_as_its_sdk_does_in_both_dialects(path_style, method, key, query, plain, own, keys):
    prefix = S3 if path_style else NATIVE
    headers = {**plain, **{prefix + name: value for name, value in own.items()}, "date": DATE}
    if keys[2]:
        headers[f"{prefix}security-token"] = keys[2]
    oracle = Authentication(keys[0], keys[1], path_style, Adapter("v2" if path_style else "obs"), "", is_cname=False)
    said = oracle.doAuth(method, "photos", key, query, dict(headers))
    slash = "" if path_style and not key else "/"
    resource = f"/photos{slash}{encode_object_key(key)}"

    assert obs_authorization(method, resource, query, headers, keys, prefix) == said[const.AUTHORIZATION_HEADER]


@given(
    method=st.sampled_from(["GET", "POST", "put"]),
    path=st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)) | TEXT, max_size=5),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    more=st.dictionaries(st.from_regex(r"X-[A-Za-z][A-Za-z0-9_-]{0,9}", fullmatch=True), PLAIN, max_size=3),
    body=st.binary(max_size=50),
    keys=st.tuples(KEYS, KEYS, st.just("") | KEYS),
)
def test_other_services_are_signed_for_as_their_sdk_does(method, path, query, more, body, keys):
    headers = {"Content-Type": "application/json", **more}
    if len({name.lower() for name in (*headers, "host", "x-sdk-date")}) != len(headers) + 2:
        return  # one name twice in another case is no request
    headers |= {"Host": "oms.example.com", "X-Sdk-Date": "20261121T091500Z"}
    if keys[2]:
        headers["X-Security-Token"] = keys[2]
    resource = "/" + "/".join(path)
    request = SdkRequest(
        method=method,
        schema="https",
        host="oms.example.com",
        resource_path=resource,
        query_params=list(query),
        header_params=dict(headers),
        body=body,
    )

    class Pair:
        ak, sk = keys[:2]

    said = Signer(Pair).sign(request).header_params["Authorization"]
    assert api_authorization(method, resource, query, headers, body, keys) == said
