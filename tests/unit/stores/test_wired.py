"""What the configuration says of classes, ACL and encryption reaches the store that it says it of."""

import sys

import pytest

from bucketrelay.config import load
from bucketrelay.errors import ConfigError
from bucketrelay.wiring_stores import NO_KEYS, Stores

TEXT = """
log = "s3"
[stores.s3]
url = "s3://photos"
storage_class = "STANDARD_IA"
storage_classes = {Archive = "DEEP_ARCHIVE"}
acl = "bucket-owner-full-control"
[stores.obs]
url = "obs://photos"
endpoint = "https://obs.cn-north-4.myhuaweicloud.com"
storage_classes = {GLACIER = "COLD"}
acl = "bucket-owner-full-control"
sse = "kms"
kms_key = "id"
[stores.oci]
url = "oci://photos@mytenancy"
storage_classes = {WARM = "Standard"}
[[routes]]
name = "r"
source = "obs"
targets = ["oci"]
"""


@pytest.fixture(scope="module")
def stores():
    return Stores(load(TEXT, {}).stores, lambda: NO_KEYS)


def test_the_configured_classes_are_added_to_the_usual_ones(stores):
    assert stores.get("s3").abilities.classes["Archive"] == "DEEP_ARCHIVE"
    assert stores.get("s3").abilities.classes["WARM"] == "STANDARD_IA"
    assert stores.get("obs").abilities.classes["GLACIER"] == "COLD"
    assert stores.get("oci").abilities.classes["WARM"] == "Standard"


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ("", "https://photos.s3.eu-central-1.amazonaws.com"),
        ("dual_stack = true", "https://photos.s3.dualstack.eu-central-1.amazonaws.com"),
        ("fips = true", "https://photos.s3-fips.eu-central-1.amazonaws.com"),
        ("dual_stack = true\nfips = true", "https://photos.s3-fips.dualstack.eu-central-1.amazonaws.com"),
    ],
)
def test_aws_is_asked_at_the_address_that_the_file_chooses(options, address):
    text = TEXT.replace('url = "s3://photos"', f'url = "s3://photos"\nregion = "eu-central-1"\n{options}')
    made = Stores(load(text, {}).stores, lambda: NO_KEYS)

    assert made.get("s3")._requests.place.url == address
    made.close()


@pytest.mark.parametrize("said", ["true", "false"])
def test_who_pays_for_requests_is_what_the_file_says(said):
    text = TEXT.replace('url = "s3://photos"', f'url = "s3://photos"\nrequest_payer = {said}')
    made = Stores(load(text, {}).stores, lambda: NO_KEYS)

    assert made.get("s3")._requests._payer is (said == "true")
    made.close()


def test_an_adapter_that_an_archive_lacks_is_a_mistake_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "bucketrelay.clouds.huawei.store", None)
    made = Stores(load(TEXT, {}).stores, lambda: NO_KEYS)

    with pytest.raises(ConfigError, match=r"obs:// stores need what was left out.*--config or --stores obs"):
        made.get("obs")


def test_how_things_are_kept_is_what_is_configured(stores):
    assert stores.get("s3")._placed == {
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-acl": "bucket-owner-full-control",
    }
    assert stores.get("obs")._kept == {
        "x-obs-acl": "bucket-owner-full-control",
        "x-obs-server-side-encryption": "kms",
        "x-obs-server-side-encryption-kms-key-id": "id",
    }
