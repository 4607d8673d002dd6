"""`/openapi.json` is kept to: schemathesis makes up requests, and every answer must be one that the document has."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bucketrelay.drivers.serve.openapi import DOCUMENT
from jobs.test_serve import Opened
from jobs.world import World

# Statuses of requests that were not what the document has are whatever HTTP says; what must never come is a 5xx, an
# answer that the document does not have, or one that is not as it says.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    from bucketrelay_emulators.local_clouds import local_clouds

    with local_clouds() as clouds:
        world = World(tmp_path_factory.mktemp("openapi"), clouds["s3"])
        world.write("a.jpg")
        with Opened(world) as client:
            yield str(client.base_url)


@pytest.mark.parametrize("most", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_no_request_makes_an_error_of_ours_or_an_answer_that_is_not_in_the_document(url, most):
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    missing = {f"{m.upper()} {p}" for p, some in DOCUMENT["paths"].items() for m in some} - {
        o.label for o in operations
    }
    assert missing <= {"GET /openapi.json"}  # it has been read from there

    for operation in operations:
        named = {"store": "photos", "route": "photos", "id": "photos"}
        for names in ({}, named) if "{" in operation.path else ({},):
            check = _check(operation, url, names, most)
            check()


def _check(operation, url, names, most):
    """*most* requests of one operation; with *names* that there are in its path, which nobody makes up."""

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy())
    def check(case):
        for name in names.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = names[name]
        case.call_and_validate(base_url=url, checks=CHECKS)

    return check
