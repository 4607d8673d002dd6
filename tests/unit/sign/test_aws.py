"""SigV4 by ourselves is SigV4 by botocore, and by AWS's own examples."""

import hashlib
from datetime import datetime, timezone
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.aws.sign import EMPTY, UNSIGNED, Keys, sign

NOW = datetime(2026, 11, 21, 9, 15, 7, tzinfo=timezone.utc)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
NAMES = st.from_regex(r"x-amz-meta-[a-z0-9-]{1,10}|range|if-match|content-(type|md5)|x-amz-[a-z]{1,8}", fullmatch=True)
VALUES = st.lists(TEXT, min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\t"]).map(lambda blank: blank.join(words))
)
QUERY = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4)
KEYS = st.builds(Keys, TEXT, TEXT, st.just("") | TEXT)


@pytest.fixture
def at(monkeypatch):
    """The SDK takes the time from the machine."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None), raising=False)


def by_the_sdk(auth, method, url, headers, body):
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    auth.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def encoded(pairs: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs.items())


@given(
    st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE"]),
    st.text(st.characters(codec="utf-8"), max_size=20),
    QUERY,
    st.dictionaries(NAMES, VALUES, max_size=5),
    st.binary(max_size=20),
    KEYS,
    st.sampled_from(["us-east-1", "eu-central-1"]),
)
def test_s3_is_signed_as_the_sdk_signs_it(method, key, query, headers, body, keys, region):
    target = f"/bucket/{quote(key, safe='/~')}" + (f"?{encoded(query)}" if query else "")
    headers = {name: value for name, value in headers.items() if name not in ("x-amz-date", "x-amz-security-token")}
    auth = botocore.auth.S3SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token or None), "s3", region)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None), raising=False)
        expected = by_the_sdk(auth, method, f"http://s3.example.com:9000{target}", headers, body)

    payload = hashlib.sha256(body).hexdigest()
    signed = sign(method, target, {"host": "s3.example.com:9000", **headers}, payload, keys, (region, "s3"), NOW)

    assert signed.headers["authorization"] == expected["authorization"]
    assert {**signed.headers, "host": ""} == {**expected, "host": ""}


@given(st.text(st.characters(codec="utf-8"), max_size=12), st.binary(max_size=20), KEYS)
def test_other_services_paths_are_encoded_once_more(name, body, keys):
    target = f"/2015-03-31/functions/{quote(f'arn:aws:lambda:{name}', safe='')}/invocations"
    auth = botocore.auth.SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token or None), "lambda", "eu-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None), raising=False)
        expected = by_the_sdk(auth, "POST", f"https://lambda.example.com{target}", {}, body)

    payload = hashlib.sha256(body).hexdigest()
    signed = sign("POST", target, {"host": "lambda.example.com"}, payload, keys, ("eu-1", "lambda"), NOW)

    assert signed.headers["authorization"] == expected["authorization"]


# Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header": its example credentials, and the
# signatures that it gives for its four requests of 2013-05-24.
EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
MAY = datetime(2013, 5, 24, tzinfo=timezone.utc)
HOST = {"host": "examplebucket.s3.amazonaws.com"}


@pytest.mark.parametrize(
    ("method", "target", "headers", "payload", "signature"),
    [
        (
            "GET",
            "/test.txt",
            {"range": "bytes=0-9"},
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", {}, EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            {},
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_the_documentation(method, target, headers, payload, signature):
    signed = sign(method, target, {**HOST, **headers}, payload, EXAMPLE, ("us-east-1", "s3"), MAY)
    assert signed.seed == signature


def test_the_example_of_a_body_in_signed_chunks():
    """ "Signature Calculations … Transferring Payload in Multiple Chunks": 65 KiB of `a` in two chunks and an end."""
    headers = {
        **HOST,
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "content-length": "66824",
    }
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    signed = sign(
        "PUT",
        "/examplebucket/chunkObject.txt",
        {**headers, "host": "s3.amazonaws.com"},
        payload,
        EXAMPLE,
        ("us-east-1", "s3"),
        MAY,
    )
    assert signed.seed == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    first = signed.chunk(signed.seed, hashlib.sha256(b"a" * 65536).hexdigest())
    assert first == "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
    second = signed.chunk(first, hashlib.sha256(b"a" * 1024).hexdigest())
    assert second == "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
    assert signed.chunk(second, EMPTY) == "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"


@pytest.mark.parametrize(
    ("target", "headers", "signature"),
    [
        # The public suite "aws4_testsuite": get-vanilla, get-vanilla-query-order-key-case, get-header-value-trim
        ("/", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("/?Param2=value2&Param1=value1", {}, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        (
            "/",
            {"my-header1": " value1", "my-header2": ' "a   b   c"'},
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
    ],
)
def test_the_public_vectors(target, headers, signature):
    keys = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    when = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)
    signed = sign(
        "GET", target, {"host": "example.amazonaws.com", **headers}, EMPTY, keys, ("us-east-1", "service"), when
    )
    assert signed.seed == signature


def test_keys_show_themselves_to_nobody():
    keys = Keys("AK", "secret", "token")
    signed = sign("GET", "/", HOST, UNSIGNED, keys, ("us-east-1", "s3"), NOW)
    assert "secret" not in repr(keys) + repr(signed)
    assert "token" not in repr(keys)
