"""Cases of public reports that the other files do not hold: what other people's servers ask for."""

from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.model import Address, Meta
from unit.stores.scripted import Answer, Scripted

HEADERS = {"ETag": '"etag"', "Last-Modified": "Sat, 21 Nov 2026 09:15:00 GMT", "Content-Length": "0"}


def asked(**options):
    """The headers of a write and of a look, with these options of the store."""
    with Scripted() as server:
        store = s3_store(
            Address("s3", "bucket"), endpoint=server.url, region="eu-1", access_key="AK", secret_key="SK", **options
        )
        server.will(Answer(200, HEADERS), Answer(200, HEADERS))
        store.put("a", b"1", Meta())
        store.look("a")
        store.close()
        return [request.headers for request in server.asked]


def test_whoever_pays_for_the_requests_of_another_s_bucket_says_so_in_each():
    assert [headers.get("x-amz-request-payer") for headers in asked(request_payer=True)] == ["requester"] * 2
    assert [headers.get("x-amz-request-payer") for headers in asked()] == [None] * 2
