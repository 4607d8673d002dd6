"""Store URLs and the options of each kind of store."""

import json

import pytest

from bucketrelay.config import Secret, load
from bucketrelay.model import Address
from configurations import store, store_mistakes


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://b", Address("s3", "b")),
        ("s3://b/", Address("s3", "b")),
        ("s3://b/a/b ü%20+", Address("s3", "b", prefix="a/b ü%20+/")),
        ("obs://b/a/", Address("obs", "b", prefix="a/")),
        ("oci://B_1@ns/p", Address("oci", "B_1", "ns", "p/")),
        ("oci://b@ns", Address("oci", "b", "ns")),
        ("file:///data/x/", Address("file", "/data/x")),
        ("file:///data//x/.", Address("file", "/data/x")),
        ("rclone://my remote/a/b", Address("rclone", "my remote", prefix="a/b/")),
    ],
)
def test_a_store_url_becomes_an_address(url, address):
    assert store(f'url = "{url}"').address == address


@pytest.mark.parametrize(
    "url",
    [
        "photos",
        "https://b.s3.amazonaws.com",
        "S3://b",
        "s3:/b",
        "s3://",
        "s3:///b",
        "s3://b c",
        "s3://b@ns",
        "s3://key:secret@b",
        "s3://*",
        "s3://b?region=x",
        "s3://b//a",
        "s3://b/../a",
        "s3://b/" + "x" * 1001,
        "oci://b@",
        "oci://b@n@m",
        "oci://@ns",
        "file://data",
        "file:///",
        "file:///data/../etc",
        "rclone://",
        "rclone://:s3,env_auth:/b",
    ],
)
def test_what_is_no_store_url_is_a_mistake_of_the_url_alone(url):
    (mistake,) = store_mistakes(f'url = "{url}"')

    assert mistake.startswith("stores.s.url: ")
    assert "key:secret" not in mistake


def test_the_options_of_an_unknown_kind_of_store_are_not_a_second_mistake():
    assert len(store_mistakes('url = "gs://b"\npath_style = true\ncompartment = "c"')) == 1


@pytest.mark.parametrize(
    ("endpoint", "read", "host"),
    [
        ("https://s3.eu-central-1.amazonaws.com", "https://s3.eu-central-1.amazonaws.com", "aws"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "https://s3.cn-north-1.amazonaws.com.cn", "aws-cn"),
        ("https://Minio.Example.org:9000/", "https://Minio.Example.org:9000", "minio.example.org:9000"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000", "[::1]:5000"),
        ("https://minio:443", "https://minio:443", "minio"),
        ("minio.example.org", "https://minio.example.org", "minio.example.org"),
        ("https://amazonaws.com.example.org", "https://amazonaws.com.example.org", "amazonaws.com.example.org"),
        ("https://x.example.org/storage/v1/s3", "https://x.example.org/storage/v1/s3", "x.example.org/storage/v1/s3"),
    ],
)
def test_an_s3_bucket_is_known_by_its_partition_or_its_server(endpoint, read, host):
    made = store(f'url = "s3://b"\nendpoint = "{endpoint}"')

    assert (made.options["endpoint"], made.address.endpoint) == (read, host)


@pytest.mark.parametrize(
    ("options", "realm"),
    [
        ('url = "s3://b"', ""),
        ('url = "s3://b"\nregion = "eu-central-1"', "aws"),
        ('url = "s3://b"\nregion = "cn-north-1"', "aws-cn"),
        ('url = "s3://b"\nregion = "us-gov-west-1"', "aws-us-gov"),
        ('url = "s3://b"\nendpoint = "https://s3-us-gov-west-1.amazonaws.com"', "aws-us-gov"),
        ('url = "s3://b"\nendpoint = "https://s3.eusc-de-east-1.amazonaws.eu"', "aws-eusc"),
        ('url = "s3://b"\nendpoint = "https://s3.us-iso-east-1.c2s.ic.gov"', "aws-iso"),
        ('url = "s3://b"\nendpoint = "https://s3.dualstack.eu-west-1.api.aws"', "aws"),
        ('url = "s3://b"\nendpoint = "https://obs.cn-north-4.myhuaweicloud.com"', "huawei"),
        ('url = "obs://b"\nendpoint = "https://obs.cn-north-4.myhuaweicloud.com"', "huawei"),
        ('url = "obs://b"\nregion = "eu-west-101"', "huawei"),
        ('url = "obs://b"\nendpoint = "https://obs.eu-west-101.myhuaweicloud.eu"', "huawei-eu"),
        ('url = "obs://b"\nendpoint = "http://127.0.0.1:1"', "127.0.0.1:1"),
        ('url = "obs://b"\nendpoint = "https://obs.eu-de.otc.t-systems.com"', "obs.eu-de.otc.t-systems.com"),
        ('url = "oci://b@ns"', ""),
        ('url = "oci://b@ns"\nregion = "IAD"', "us-ashburn-1"),
        ('url = "oci://b@ns"\nregion = "us-ashburn-1"', "us-ashburn-1"),
        ('url = "oci://b@ns"\nendpoint = "https://objectstorage.us-ashburn-1.oraclecloud.com"', "us-ashburn-1"),
        (
            'url = "oci://b@ns"\nendpoint = "https://ns.objectstorage.us-ashburn-1.oci.customer-oci.com"',
            "us-ashburn-1",
        ),
        ('url = "oci://b@ns"\nregion = "us-ashburn-1"\nendpoint = "http://127.0.0.1:1/a"', "127.0.0.1:1/a"),
    ],
)
def test_a_bucket_is_known_by_all_that_tells_it_apart(options, realm):
    assert store(options).address.endpoint == realm


def test_an_s3_bucket_without_a_region_is_where_the_sdk_would_look():
    text = 'log = "a"\n[stores.a]\nurl = "s3://b"\n[[routes]]\nname = "r"\nsource = "a"\nforward = "f"\n'
    text += '[forwards.f]\ntype = "webhook"\nurl = "http://hook/"\n'

    assert load(text, {"AWS_REGION": "cn-north-1"}).stores["a"].address.endpoint == "aws-cn"
    assert load(text, {"AWS_DEFAULT_REGION": "eu-west-1"}).stores["a"].address.endpoint == "aws"


def test_a_bucket_of_oci_names_its_namespace():
    (mistake,) = store_mistakes('url = "oci://b"')

    assert mistake.startswith("stores.s.url: names no namespace: write oci://bucket@namespace")


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://h",
        "https://",
        "https://h:99999",
        "https://h:x",
        "https://u:p@h",
        "https://h?x=1",
        "https://h#x",
        "https://[::1",
        "a b",
    ],
)
def test_what_is_no_endpoint_is_a_mistake(endpoint):
    (mistake,) = store_mistakes(f'url = "s3://b"\nendpoint = "{endpoint}"')

    assert mistake.startswith("stores.s.endpoint: ")
    assert "u:p" not in mistake


COMMON = {
    "endpoint": "https://h",
    "region": "r",
    "ca_file": "ca.pem",
    "timeout": 2.5,
    "retries": 0,
}
KEYS = {"access_key": "a", "secret_key": "b", "session_token": "c"}
OPTIONS = [
    ("s3://b", KEYS),
    ("s3://b", {"path_style": True, "profile": "p", "storage_class": "GLACIER", "sse": "aws:kms", "kms_key": "k"}),
    (
        "s3://b",
        {"storage_classes": {"WARM": "ONEZONE_IA", "Archive": "DEEP_ARCHIVE"}, "acl": "bucket-owner-full-control"},
    ),
    ("obs://b", {**KEYS, "path_style": False}),
    ("obs://b", {"storage_classes": {"GLACIER": "COLD"}, "acl": "public-read", "sse": "kms", "kms_key": "k"}),
    ("oci://b@n", {"storage_classes": {"GLACIER": "Archive"}}),
    ("oci://b@n", {"auth": "resource_principal", "compartment": "c"}),
    ("oci://b@n", {"auth": "api_key", "config_file": "f", "profile": "P"}),
    ("oci://b@n", {"auth": "api_key", "user": "u", "tenancy": "t", "fingerprint": "aa:bb", "key_file": "k"}),
    ("file:///d", {}),
    ("rclone://r/p", {}),
]


@pytest.mark.parametrize(("url", "options"), OPTIONS)
def test_each_kind_of_store_takes_the_common_options_and_its_own(url, options):
    given = {**COMMON, **options}
    if url == "s3://b":
        del given["endpoint"]  # of AWS, whose classes are known
    lines = "\n".join(f"{key} = {toml(value)}" for key, value in {"url": url, **given}.items())

    expected = {key: Secret(value) if key in KEYS else value for key, value in given.items()}
    assert dict(store(lines).options) == expected


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def test_a_server_that_is_not_aws_may_have_classes_of_its_own():
    lines = 'url = "s3://b"\nendpoint = "https://ceph"\nstorage_class = "SLOW"\nstorage_classes = {FAST = "SLOW"}'

    assert store(lines).options["storage_classes"] == {"FAST": "SLOW"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('url = "obs://b"\nprofile = "p"', "stores.s.profile: is an option of s3:// and oci:// stores, not of obs://"),
        ('url = "file:///d"\npath_style = true', "stores.s.path_style: is an option of s3:// and obs:// stores"),
        ('url = "s3://b"\nregoin = "r"', 'stores.s.regoin: is an unknown key; did you mean "region"?'),
        ('url = "s3://b"\naccess_key = 1', "stores.s.access_key: must be a text in quotes, not a number"),
        ('url = "s3://b"\nsecret_key = "x"', "stores.s.access_key: is missing, though secret_key is given"),
        ('url = "s3://b"\nsession_token = "x"', "stores.s.session_token: needs the access_key"),
        ('url = "s3://b"\naccess_key = "x"\nsecret_key = "y"\nprofile = "p"', "stores.s.profile: and access_key are"),
        ('url = "s3://b"\nkms_key = "x"', 'stores.s.kms_key: needs sse = "aws:kms"'),
        ('url = "obs://b"\nkms_key = "x"', 'stores.s.kms_key: needs sse = "kms"'),
        ('url = "obs://b"\nacl = "public"', 'stores.s.acl: "public" is not a choice; did you mean "public-read"?'),
        ('url = "oci://b@n"\nacl = "private"', "stores.s.acl: is an option of s3:// and obs:// stores, not of oci://"),
        ('url = "s3://b"\nstorage_class = "COLD"', "stores.s.storage_class: is not a choice; known: DEEP_ARCHIVE, "),
        ('url = "s3://b"\nstorage_classes = "WARM"', "stores.s.storage_classes: must be a table, not a text"),
        ('url = "s3://b"\nstorage_classes = {WARM = 1}', "stores.s.storage_classes.WARM: must be a text in quotes"),
        ('url = "obs://b"\nstorage_classes = {GLACIER = "Kalt"}', "stores.s.storage_classes.GLACIER: is not a choice;"),
        ('url = "oci://b@n"\nstorage_classes = {x = "Archive"}', "stores.s.storage_classes.x: is no cloud's"),
        ('url = "oci://b@n"\nstorage_classes = {WARN = "Archive"}', "stores.s.storage_classes.WARN: is no cloud's"),
        ('url = "s3://b"\nsse = "none"', "stores.s.sse: is not a choice; known: AES256"),
        ('url = "s3://b"\ntimeout = 0', "stores.s.timeout: must be a number from 0.1 to 3600"),
        ('url = "s3://b"\nretries = 1.0', "stores.s.retries: must be a number from 0 to 100, without a fraction"),
        ('url = "oci://b@n"\naccess_key = "x"', "stores.s.access_key: means nothing to oci:// stores: use auth"),
        ('url = "oci://b@n"\nauth = "apikey"', 'stores.s.auth: "apikey" is not a choice; did you mean "api_key"?'),
        ('url = "oci://b@n"\nuser = "u"', "stores.s.tenancy: is missing, though user is given"),
        ('url = "oci://b@n"\nuser = "u"\nprofile = "p"', "stores.s.profile: and user are two sets of credentials"),
        ('url = "oci://b@n"\nauth = "instance_principal"\nprofile = "p"', "stores.s.profile: goes with auth = "),
    ],
)  # fmt: skip
def test_options_that_do_not_go_with_the_store_or_each_other_are_mistakes(lines, said):
    found = store_mistakes(lines)

    assert any(mistake.startswith(said) for mistake in found), found
