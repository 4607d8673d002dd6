"""The storms' S3 keeps versions where it is told to."""

import urllib.request
from contextlib import closing

from bucketrelay_emulators.engine.engine import Engine
from storms.s3_server import S3Emulator


def test_a_version_is_read_by_its_id_after_it_was_overwritten():
    with S3Emulator(Engine(), versioned=True) as server:
        server.create_bucket("b")
        versions = []
        for body in (b"1", b"2"):
            request = urllib.request.Request(f"{server.endpoint}/b/k", body, method="PUT")
            with closing(urllib.request.urlopen(request, timeout=20)) as answer:
                versions.append(answer.headers["x-amz-version-id"])
        with closing(urllib.request.urlopen(f"{server.endpoint}/b/k?versionId={versions[0]}", timeout=20)) as answer:
            assert answer.read() == b"1"
