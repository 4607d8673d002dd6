# ruff: noqa: INP001 - a script, no package
"""Prints docs/what-travels.md, from what is known of each cloud (`clouds/*/facts.py`).

python docs/generate.py > docs/what-travels.md
"""

import sys
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter

from bucketrelay.clouds.registry import facts
from bucketrelay.store import Abilities, MiB

STORES: Mapping[str, Abilities] = {scheme: facts(scheme).abilities for scheme in ("s3", "obs", "oci", "file")}
USUAL = frozenset({"STANDARD", "Standard"})
HEAD = """\
<!-- Generated: python docs/generate.py > docs/what-travels.md -->
# What travels with an object

The bytes always do, whole; the end of this page says what they are compared with. What belongs to an object besides
them travels as far as the target can hold it; what it cannot hold is named in the result's `degraded`, or fails the
task on a route with `strict = true`. Every
copy also carries our stamp in its user metadata, which takes its place from what is left for the object's own.

"""
FOOT = """
Not in the table, because no store hands it on to another:

* **ACL and owner**: a copy belongs to who writes it; `acl` of an S3 or OBS store sets a canned ACL, nothing else does.
* **Encryption**: the target's own, by its bucket or by `sse` and `kms_key`.
* **ETag, time and versions**: the target makes its own; old versions and delete markers stay.
* **Retention, legal holds, redirects of websites**: of the bucket they are set in; an object that has them is copied
  without, and `degraded` says `retention`, `legal hold`, `website redirect`.
* **What a server does not tell**: metadata that it only counts (`x-amz-missing-meta`) is `degraded`. Tags are counted
  for whoever may read them, and not by every server: where no count is told they are asked for, once on AWS and OBS,
  for each object elsewhere. What may not be read is `degraded` as `tags`, whether there are any or not.
* **Tags at servers that refuse them** (Cloudflare R2, Backblaze B2): found out by the first refusal; `degraded` from
  then on.
* **`aws-chunked` in Content-Encoding**: about a transfer, and not kept; what stands beside it is.
* **Archives**: no class is mapped to an archive unasked, as what is there cannot be compared again without being
  restored. Say so with `storage_classes = { GLACIER = "COLD" }` if that is wanted; objects that *are* archived at the
  source must be restored before they can be read.
* **S3 servers that are not AWS's**: their classes are theirs to name, so none is mapped unless `storage_classes` does;
  some (`rclone serve s3`) accept tags and forget them, and do not say so.

## What the bytes are compared with
Before anything is published, with what the source's store says of the whole object. What cannot be compared is copied,
pinned to its version and counted, and the result's `note` says *unverified*.

* **AWS S3**: its MD5, where the ETag is one (one piece, not under KMS or a customer's key); CRC-32; SHA-1 and
  SHA-256 of what was written in one piece; CRC-32C and CRC-64/NVME where `awscrt` is installed.
* **OBS**: the MD5 of what was written in one piece and is not encrypted.
* **OCI**: the MD5 of what was written in one piece.
* **Other S3 servers**: nothing, as their ETag may be an MD5 or not.
* **Directories**: the MD5 of what was written by us.
* **By the server itself**: whatever the server does.

Of an object in parts the CRCs are joined. A hash cannot be joined: where only that is known, the parts pass in their
order through one lane, and an object that took several invocations has nothing to be compared with. What arrives is
always compared by the target, as each request carries a checksum of its own.
"""


def page() -> str:
    """The whole text."""
    head = ["from", "to", "headers", "user metadata", "tags", "storage class", "largest object", "by the server itself"]
    rows = [head, ["---"] * len(head)]
    rows += [[a, b, *row(STORES[a], STORES[b], a, b)] for a in STORES for b in STORES]
    return HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in rows) + FOOT


def row(source: Abilities, target: Abilities, a: str, b: str) -> list[str]:
    """What of an object of one kind of store arrives at another."""
    return [
        headers(source, target),
        user(source, target),
        tags(source, target),
        classes(a, target),
        size(min(source.max_object, target.max_object)),
        copies(a) if a == b else "–",
    ]


def headers(source: Abilities, target: Abilities) -> str:
    """All, or those that are lost."""
    lost = sorted(name.replace("_", "-").title() for name in source.headers - target.headers)
    return f"all but {', '.join(lost)}" if lost else "all"


def user(source: Abilities, target: Abilities) -> str:
    """The longest values go first where there is not enough room."""
    return "all" if target.user_bytes >= source.user_bytes else f"up to {target.user_bytes:,} bytes"


def tags(source: Abilities, target: Abilities) -> str:
    """None there, all, some or lost."""
    if not source.tags:
        return "has none"
    if not target.tags:
        return "**lost**"
    return "all" if source.tag_text == target.tag_text else "those that the target's rules allow"


def classes(a: str, target: Abilities) -> str:
    """Which class becomes which; STANDARD is what needs no word."""
    words = sorted(facts(a).storage_classes - USUAL)
    if not words:
        return "has none"
    kept = sorted((target.classes[word], word) for word in words if word in target.classes)
    groups = [(name, [word for _, word in found]) for name, found in groupby(kept, key=itemgetter(0))]
    shown = [name if found == [name] else f"{', '.join(found)} → {name}" for name, found in groups]
    lost = [word for word in words if word not in target.classes]
    return "; ".join(shown + ([f"**lost**: {', '.join(lost)}"] if lost else []))


def copies(a: str) -> str:
    """What the server copies by itself."""
    known = facts(a).copies
    return known.reach.format(least=f"{known.least // MiB} MiB") if known else "–"


def size(count: int) -> str:
    """In the unit that the store's own documentation uses."""
    for unit, factor in (("TiB", 2**40), ("TB", 10**12)):
        if count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count / 2**40:.1f} TiB"


if __name__ == "__main__":
    sys.stdout.write(page())
