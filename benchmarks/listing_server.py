"""A server of S3's protocol that has only listings, made once: what two clients spend on it is the clients' own.

    python benchmarks/listing_server.py 200000

Says its port on its first line. The source has so many keys; the target lacks one in a hundred and has another
size for one in a hundred; each object has a time of its own, and its copy one that is some seconds later. `rclone serve
s3` reads its whole folder for each page, so a wall time there is the server's.
"""

import sys
from bisect import bisect_right
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from s3_servers import SOURCE, TARGET

PAGE = 1000
BEGAN = datetime(2026, 1, 1)  # noqa: DTZ001 — S3 writes UTC, and this is only ever printed as that
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
KEYS = {
    SOURCE: [f"invoice-{n:09}.pdf" for n in range(COUNT)],
    TARGET: [f"invoice-{n:09}.pdf" for n in range(COUNT) if n % 100 != 1],
}


@cache
def page(bucket: str, start: int) -> bytes:
    """A page from the key of that number on."""
    keys = KEYS[bucket][start : start + PAGE]
    rows = "".join(_row(bucket, key) for key in keys)
    more = start + PAGE < len(KEYS[bucket])
    token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix></Prefix><KeyCount>{len(keys)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{rows}{token}</ListBucketResult>"
    ).encode()


def _row(bucket: str, key: str) -> str:
    number = int(key[8:17])
    other = bucket == TARGET and number % 100 == 2
    later = 1 + number % 5 if bucket == TARGET else 0
    time = BEGAN + timedelta(seconds=number * 7919 % 25_000_000 + later)
    return (
        f"<Contents><Key>{key}</Key><LastModified>{time.isoformat()}.000Z</LastModified>"
        f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{number % 7 + 10 * other}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


class Handler(BaseHTTPRequestHandler):
    """Answers listings; there is nothing else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """ListObjectsV2."""
        parts = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        bucket = parts.path.strip("/")
        if "continuation-token" in asked:
            start = int(asked["continuation-token"])
        else:
            start = bisect_right(KEYS[bucket], asked.get("start-after", ""))
        self._answer(200, page(bucket, start))

    def do_HEAD(self) -> None:
        """Nobody has to ask: the listings tell all."""
        self._answer(404, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Say nothing."""


def main() -> None:
    """Serve until killed."""
    for bucket, keys in KEYS.items():
        for start in range(0, len(keys), PAGE):
            page(bucket, start)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
