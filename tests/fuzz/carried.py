"""What was read from one store is written to another: whatever was read, each store takes it or says why not."""

from contextlib import suppress
from urllib.parse import parse_qsl

from bucketrelay.clouds.aws import fields as s3_wire
from bucketrelay.clouds.huawei import fields as obs_wire
from bucketrelay.clouds.oracle import fields as oci_wire
from bucketrelay.errors import RelayError
from bucketrelay.model import Meta


def carried(meta: Meta) -> None:
    """Make the requests of all stores from *meta*. What they hold can be sent: http.client wants Latin-1."""
    with suppress(RelayError):
        found = s3_wire.headers_of(meta, "s3://b/k")
        # A class is in the store's own words: which they are the configuration sees to.
        assert all(value.isascii() for name, value in found.items() if not name.endswith("storage-class"))
    with suppress(RelayError):
        found = oci_wire.headers_of(meta, "oci://b/k")
        assert all(value.isascii() or value.encode("latin-1") for value in found.values())
    with suppress(RelayError):
        oci_wire.details_of("k", meta, "oci://b/k")
    for prefix in ("x-obs-", "x-amz-"):
        for name, value in obs_wire.headers_for(meta, prefix).items():
            if name.endswith("storage-class"):
                continue
            assert name.isascii()
            assert value.isascii()
            assert value.isprintable() or not value
            if name.endswith("tagging"):
                assert dict(parse_qsl(value, keep_blank_values=True)) == {n: v for n, v in meta.tags.items() if n or v}
