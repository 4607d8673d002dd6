"""Other roads that speak S3 themselves: aiohttp with a signature of its own, fast-s3, obstore; of the extra `bench`.

Each is what somebody would write who wants to be fast and nothing else: connections are kept, so many objects are under
way at once, no object is looked at before or after. Functions take a job of `roads.py` and give what copies its keys.
"""

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from roads import Copy, Job

REGION = "us-east-1"
BLOCK = 256 * 1024
PART = 8 * 1024 * 1024
_EMPTY = hashlib.sha256(b"").hexdigest()


def trust(job: "Job") -> None:
    """Let what asks OpenSSL or Rust's certificates for authorities trust the servers'. Before their import."""
    if job.ca_file:
        os.environ["SSL_CERT_FILE"] = job.ca_file


async def share_out(keys: Sequence[str], at_once: int, one: Callable[[str], Awaitable[None]]) -> None:
    """Do *one* for each key, so many at once: as many tasks as that, not one for each key."""
    waiting = iter(keys)

    async def work() -> None:
        for key in waiting:
            await one(key)

    await asyncio.gather(*(work() for _ in range(min(at_once, len(keys)))))


def on_a_loop(
    one: Callable[[str], Awaitable[None]], at_once: int, run: Callable[[Coroutine[Any, Any, None]], None]
) -> "Copy":
    """What copies keys by *one* on a loop that stays."""
    return lambda keys: run(share_out(keys, at_once, one))


# aiohttp


class Signer:
    """Signature Version 4 for one server, with the day's key kept: what a lean client needs, and no more."""

    def __init__(self, job: "Job", url: str, bucket: str) -> None:
        parts = urlsplit(url)
        self._host, self._tls, self._root, self._url = parts.netloc, parts.scheme == "https", f"/{bucket}/", url
        self._id, self._secret, self._day, self._key = job.access_key, job.secret_key, "", b""

    def request(
        self, method: str, key: str, body: bytes | None = b"", size: int | None = None
    ) -> tuple[str, dict[str, str]]:
        """URL and headers. *body* None: it is streamed, and *size* bytes long. Over TLS no body is hashed."""
        path, now = self._root + quote(key, safe="/-_.~"), datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = (
            _EMPTY
            if body == b""
            else "UNSIGNED-PAYLOAD"
            if self._tls or body is None
            else hashlib.sha256(body).hexdigest()
        )
        names = "host;x-amz-content-sha256;x-amz-date"
        signed = f"host:{self._host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n"
        canonical = f"{method}\n{path}\n\n{signed}\n{names}\n{digest}".encode()
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()
        signature = hmac.new(self._of_day(now[:8]), text, hashlib.sha256).hexdigest()
        told = f"AWS4-HMAC-SHA256 Credential={self._id}/{scope}, SignedHeaders={names}, Signature={signature}"
        headers = {"authorization": told, "x-amz-content-sha256": digest, "x-amz-date": now}
        return self._url + path, headers if size is None else {**headers, "content-length": str(size)}

    def _of_day(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._secret}".encode()
            for word in (day, REGION, "s3", "aws4_request"):
                key = hmac.new(key, word.encode(), hashlib.sha256).digest()
            self._day, self._key = day, key
        return self._key


def aiohttp_get_put(job: "Job", *, at_once: int) -> "Copy":
    """A get and a put of whole objects, so many at once, in one session with as many connections to each server."""
    session, run, source, target = _aiohttp(job, at_once)

    async def one(key: str) -> None:
        url, headers = source.request("GET", key)
        async with session.get(url, headers=headers) as answer:
            body = await answer.read()
            answer.raise_for_status()
        url, headers = target.request("PUT", key, body)
        async with session.put(url, headers=headers, data=body) as answer:
            await answer.read()
            answer.raise_for_status()

    return on_a_loop(one, at_once, run)


def aiohttp_stream(job: "Job", *, at_once: int = 1) -> "Copy":
    """One get, whose blocks are the body of one put as they come."""
    session, run, source, target = _aiohttp(job, at_once)

    async def one(key: str) -> None:
        url, headers = source.request("GET", key)
        async with session.get(url, headers=headers) as answer:
            answer.raise_for_status()
            url, headers = target.request("PUT", key, None, answer.content_length)
            async with session.put(url, headers=headers, data=_blocks(answer)) as done:
                await done.read()
                done.raise_for_status()

    return on_a_loop(one, at_once, run)


async def _blocks(answer: Any) -> AsyncIterator[bytes]:
    async for block in answer.content.iter_chunked(BLOCK):
        yield block


def _aiohttp(job: "Job", at_once: int) -> tuple[Any, Callable[..., None], Signer, Signer]:
    trust(job)
    import aiohttp

    loop = asyncio.new_event_loop()

    async def opened() -> Any:
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=at_once)
        told = {"read_bufsize": BLOCK, "auto_decompress": False, "timeout": aiohttp.ClientTimeout(total=None)}
        return aiohttp.ClientSession(connector=connector, skip_auto_headers=("accept-encoding", "content-type"), **told)

    places = Signer(job, job.source, job.buckets[0]), Signer(job, job.target, job.buckets[1])
    return loop.run_until_complete(opened()), loop.run_until_complete, *places


# fast-s3


def fast_s3(job: "Job", *, at_once: int) -> "Copy":
    """`get_object` and `put_object` of the client that the package exports for use from asyncio."""
    trust(job)
    from fast_s3 import AsyncS3Client

    loop = asyncio.new_event_loop()

    async def opened(endpoint: str, bucket: str) -> Any:
        client = AsyncS3Client(endpoint, job.access_key, job.secret_key, REGION, bucket, max_connections=at_once)
        return await client.__aenter__()

    source = loop.run_until_complete(opened(job.source, job.buckets[0]))
    target = loop.run_until_complete(opened(job.target, job.buckets[1]))

    async def one(key: str) -> None:
        await target.put_object(key, await source.get_object(key))

    return on_a_loop(one, at_once, loop.run_until_complete)


# obstore: Rust below


def _obstores(job: "Job") -> tuple[Any, Any]:
    trust(job)
    from obstore.store import S3Store

    def store(bucket: str, endpoint: str) -> Any:
        keys = {"access_key_id": job.access_key, "secret_access_key": job.secret_key, "region": REGION}
        options: Any = {"allow_http": True}
        # Over TLS no other road hashes its body; over plain HTTP this one does, as it does by default.
        unsigned = endpoint.startswith("https")
        more: Any = {"virtual_hosted_style_request": False, "unsigned_payload": unsigned, "client_options": options}
        return S3Store(bucket, endpoint=endpoint, **more, **keys)

    return store(job.buckets[0], job.source), store(job.buckets[1], job.target)


def obstore_get_put(job: "Job", *, threads: int) -> "Copy":
    """`get` and `put` of whole objects; with more than one thread, so many at once."""
    source, target = _obstores(job)

    def one(key: str) -> None:
        target.put(key, source.get(key).bytes())

    def copy(keys: Sequence[str]) -> None:
        if threads == 1:
            for key in keys:
                one(key)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, keys))

    return copy


def obstore_stream(job: "Job") -> "Copy":
    """What `get` streams goes into a writer, which sends it in parts as they come."""
    import obstore

    source, target = _obstores(job)

    def copy(keys: Sequence[str]) -> None:
        for key in keys:
            with obstore.open_writer(target, key, buffer_size=PART) as writer:
                for block in source.get(key).stream(min_chunk_size=PART):
                    writer.write(block)

    return copy
