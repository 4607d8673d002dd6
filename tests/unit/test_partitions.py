"""Amazon's partitions as a table of ours, compared with botocore's."""

import json
from pathlib import Path

import botocore
import pytest

from bucketrelay.clouds.aws.partitions import is_amazons, partition

KNOWN = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["id"])
def test_every_region_and_server_of_botocores_table_is_in_its_partition(known):
    domains = known["outputs"]["dnsSuffix"], known["outputs"]["dualStackDnsSuffix"]
    regions = [region for region in known["regions"] if not region.endswith("-global")]

    assert regions
    for region in regions:
        assert partition("", region) == known["id"]
        for domain in domains:
            assert is_amazons(f"s3.{region}.{domain}")
            assert partition(f"s3.{region}.{domain}", "") == known["id"]


@pytest.mark.parametrize("host", ["minio", "amazonaws.com.example.org", "notamazonaws.com", "127.0.0.1"])
def test_other_servers_are_not_amazons(host):
    assert not is_amazons(host)
