"""Objects larger than this machine's memory: generated as they are read, checked and forgotten as they are written."""

import hashlib
from contextlib import contextmanager
from dataclasses import replace

from bucketrelay_emulators.engine.bucket import Bucket
from bucketrelay_emulators.engine.values import StoredPart
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from functions.three_clouds import NAMESPACE, SOURCE, TARGET, Emulated

BLOCK = 1 << 16


class Generated:
    """Bytes that are computed when they are looked at; every block of 64 KiB is another."""

    def __init__(self, size, start=0):
        self.size, self.start = size, start

    def __len__(self):
        return self.size

    def __bytes__(self):
        return self[0 : self.size]

    def __getitem__(self, span):
        first, last, _ = span.indices(self.size)
        first, last = self.start + first, self.start + last
        blocks = range(first // BLOCK, -(-last // BLOCK))
        whole = b"".join(block.to_bytes(8, "big") * (BLOCK // 8) for block in blocks)
        skip = first - blocks.start * BLOCK
        return whole[skip : skip + last - first]


class Well:
    """Gives an object of *size* out of *bucket*."""

    def __init__(self, bucket: Bucket, key: str, size: int):
        small = bucket.put(key, b"to be large", headers={})
        # Its ETag is one of an object that went up in parts: the small one's is the MD5 of other bytes.
        bucket._objects[key.encode()] = replace(small, body=Generated(size), etag=f"{small.etag}-2")


@contextmanager
def well(size):
    """OBS with a small object, and a huge one of *size*, in its bucket; OCI to copy to; and users' views of both."""
    with ObsEmulator() as obs, OciEmulator(namespace=NAMESPACE) as oci:
        of_obs = {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key}
        of_oci = {"endpoint": oci.endpoint, "auth": "api_key", "config_file": oci.config_file, "region": oci.region}
        views = {"obs": Emulated("obs", obs, "", of_obs), "oci": Emulated("oci", oci, NAMESPACE, of_oci)}
        for view, bucket in ((views["obs"], SOURCE), (views["oci"], TARGET), (views["oci"], "log-bucket")):
            view.create(bucket)
        Well(views["obs"].bucket(SOURCE), "huge", size)
        views["obs"].bucket(SOURCE).put("small", b"1", headers={})
        yield obs, oci, views


class Abyss:
    """Takes parts into *bucket*, compares each with what was to come, and keeps its length."""

    def __init__(self, bucket: Bucket, part_size: int):
        self.part_size, self.wrong, self.sent, self.published = part_size, [], [], None
        self.bucket = bucket
        bucket.uploads.put_part, bucket.commit = self.put_part, self.commit

    def put_part(self, key, upload_id, number, body):
        self.sent.append(number)
        if bytes(body) != Generated(len(body), (number - 1) * self.part_size)[0 : len(body)]:
            self.wrong.append(number)
        digest = hashlib.md5(body).digest()
        nothing = Generated(len(body), (number - 1) * self.part_size)
        part = StoredPart(
            number, nothing, self.bucket._engine.etag(digest, ()), digest.hex(), self.bucket._engine.now()
        )
        self.bucket.uploads._parts[upload_id][number] = part
        return part

    def commit(self, key, upload_id, chosen, **conditions):
        upload, parts = self.bucket.uploads.get(key, upload_id), self.bucket.uploads.choose(upload_id, chosen)
        self.published = sum(len(part.body) for part in parts)
        self.bucket.uploads.end(upload_id)
        return self.bucket.put(key, b"", headers=dict(upload.headers), user=dict(upload.user))
