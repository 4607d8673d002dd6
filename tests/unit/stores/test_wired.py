"""What the configuration says of classes, ACL and encryption reaches the store that it says it of."""

import pytest

from bucketrelay.config import load
from bucketrelay.wiring import NO_KEYS, Stores

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
