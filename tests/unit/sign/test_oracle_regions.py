"""Our table of Oracle's regions says what the SDK's says."""

import oci.regions
import pytest
from oci import regions_definitions as known

from bucketrelay.clouds.oracle.regions import realm_of, region_name, service_endpoint

# As the SDK's clients of them have them, without the mark of dual stack.
TEMPLATES = {
    "objectstorage": "https://objectstorage.{region}.{secondLevelDomain}",
    "functions": "https://functions.{region}.oci.{secondLevelDomain}",
    "events": "https://events.{region}.oci.{secondLevelDomain}",
}


@pytest.mark.parametrize("region", [*known.REGIONS, "xx-new-1"])
def test_each_region_has_the_realm_and_the_endpoints_of_the_sdk(region):
    assert realm_of(region) == oci.regions.get_realm_from_region(region)
    for service, template in TEMPLATES.items():
        endpoint = oci.regions.endpoint_for(service, region, service_endpoint_template=template)
        assert service_endpoint(service, region) == endpoint


def test_three_letters_stand_for_a_region():
    assert {letters: region_name(letters) for letters in known.REGIONS_SHORT_NAMES} == known.REGIONS_SHORT_NAMES
    assert region_name("IAD") == "us-ashburn-1"
