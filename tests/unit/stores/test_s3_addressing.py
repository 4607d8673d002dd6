"""Where a bucket answers: what the SDK's rule set says, over all that it can be asked; and what is refused by name."""

import pytest
from botocore.session import Session
from hypothesis import assume, given
from hypothesis import strategies as st

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.addressing import place
from bucketrelay.errors import StoreRefused

REGIONS = [
    "us-east-1",
    "eu-central-1",
    "ap-southeast-7",
    "cn-north-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
    "eusc-de-east-1",
]
NAMES = ["bucket", "a.b.c", "abc", "a" * 63, "with-dash", "Upper", "under_score", "my-alias-s3alias", "1.2.3"]


@pytest.fixture(scope="module")
def rules():
    client = Session().create_client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    yield client._ruleset_resolver._provider.resolve_endpoint
    client.close()


@pytest.fixture(scope="module")
def same(rules):
    """Compare with the SDK's word."""

    def compare(bucket: str, region: str, endpoint: str, *, path: bool, dual: bool, fips: bool) -> None:
        asked = {"UseDualStack": dual, "UseFIPS": fips, "ForcePathStyle": path, "UseGlobalEndpoint": False}
        told = rules(Bucket=bucket, Region=region, **asked, **({"Endpoint": endpoint} if endpoint else {}))
        found = place(bucket, region, endpoint=endpoint, path_style=path, dual_stack=dual, fips=fips)
        assert found.url + found.path == told.url.rstrip("/")
        scheme = told.properties.get("authSchemes", [{}])[0]
        assert found.region == scheme.get("signingRegion", region)

    return compare


@given(
    bucket=st.sampled_from(NAMES),
    region=st.sampled_from(REGIONS),
    path=st.booleans(),
    dual=st.booleans(),
    fips=st.booleans(),
)
def test_aws_answers_where_the_sdk_says(same, bucket, region, path, dual, fips):
    same(bucket, region, "", path=path, dual=dual, fips=fips and not region.startswith("cn-"))


@given(
    bucket=st.sampled_from(NAMES),
    endpoint=st.sampled_from(
        [
            "https://minio.example.com",
            "http://minio.example.com:9000",
            "https://gate.example.com/s3",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "https://s3.eu-central-1.amazonaws.com",
            "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
        ]
    ),
    path=st.booleans(),
)
def test_others_answer_where_the_sdk_says(same, bucket, endpoint, path):
    address = "[::1]" in endpoint or "127.0.0.1" in endpoint
    assume(not (address and "." in bucket and not path))  # the SDK makes a.b.127.0.0.1 of it
    same(bucket, "eu-central-1", endpoint, path=path, dual=False, fips=False)


@given(
    region=st.sampled_from(["us-east-1", "eu-central-1"]),
    dual=st.booleans(),
    fips=st.booleans(),
    sign=st.sampled_from([":", "/"]),
    own=st.sampled_from(["", "https://vpce-1a2b.s3.eu-central-1.vpce.amazonaws.com"]),
)
def test_an_access_point_answers_where_the_sdk_says(same, region, dual, fips, sign, own):
    arn = f"arn:aws:s3:{region}:123456789012:accesspoint{sign}my-point"
    same(arn, region, own, path=False, dual=dual and not own, fips=fips and not own)


def test_an_access_point_is_signed_for_in_its_own_region():
    assert place("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:p", "us-east-1").region == "cn-north-1"


@pytest.mark.parametrize(
    ("bucket", "region", "word"),
    [
        ("bucket--use1-az4--x-s3", "us-east-1", "S3 Express"),
        ("arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", "us-east-1", "multi-region"),
        ("arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint:p", "us-east-1", "access point"),
        ("arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-1/accesspoint/p", "us-east-1", "access point"),
        ("bucket", "eu central 1", "mend the store's region"),
        ("bucket", "eu-1/x", "mend the store's region"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(bucket, region, word):
    with pytest.raises(StoreRefused, match=word):
        place(bucket, region)


class TestAccess:
    @pytest.fixture(autouse=True)
    def _clean(self, monkeypatch, tmp_path):
        for name in (
            *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"),
            *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
        ):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        self.file = tmp_path / "config"

    def test_a_foreign_server_is_not_given_the_region_of_the_lambda(self, monkeypatch):
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        assert Access("https://account.r2.cloudflarestorage.com").complete().region == "us-east-1"
        assert Access().complete().region == "eu-central-1"
        assert Access("https://s3.eu-west-1.amazonaws.com").complete().region == "eu-central-1"
        assert Access("https://r2.example.com", "auto").complete().region == "auto"

    def test_whose_server_it_is_is_decided_by_the_endpoint_that_a_profile_names(self):
        self.file.write_text(
            "[profile b2]\nregion = us-west-004\nservices = b2\n"
            "[services b2]\ns3 =\n  endpoint_url = https://s3.us-west-004.backblazeb2.com\n"
            "[profile minio]\nendpoint_url = http://minio.example.com\ns3 =\n  addressing_style = virtual\n"
        )
        b2, minio = Access(profile="b2"), Access(profile="minio")
        assert not b2.on_aws
        assert b2.complete().place("bucket").url == "https://s3.us-west-004.backblazeb2.com"
        assert b2.complete().region == "us-west-004"
        assert minio.complete().place("bucket").url == "http://bucket.minio.example.com"
        assert Access("https://s3.eu-west-1.amazonaws.com", profile="b2").on_aws

    def test_settings_of_the_configuration_file_count_without_a_profile_too(self):
        self.file.write_text("[default]\nregion = eu-west-3\nca_bundle = /authorities.pem\nuse_fips_endpoint = true\n")
        access = Access().complete()
        assert (access.region, access.ca_file, access.fips) == ("eu-west-3", "/authorities.pem", True)

    def test_a_profile_that_is_not_there_is_refused(self):
        with pytest.raises(StoreRefused, match="no-such-profile"):
            Access(profile="no-such-profile").complete()

    def test_dual_stack_and_fips_may_come_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
        monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
        url = Access(region="us-east-1").complete().place("bucket").url
        assert url == "https://bucket.s3-fips.dualstack.us-east-1.amazonaws.com"

    @pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_an_authority_of_the_environment_counts_and_an_empty_variable_is_none(self, monkeypatch, name):
        monkeypatch.setenv(name, "/authorities.pem")
        assert Access().complete().ca_file == "/authorities.pem"
        assert Access(ca_file="/own.pem").complete().ca_file == "/own.pem"
        monkeypatch.setenv(name, " ")
        assert Access().complete().ca_file == ""
