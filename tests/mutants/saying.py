"""Mistakes in what is remembered, carried and computed: `stamp.py`, `metadata.py`, `digest.py`."""

from mutants.change import Change

CONVERGE = "unit/core/test_converge.py"
STAMP = "unit/core/test_stamp.py"
CARRY = "unit/core/test_carry.py"
ROOM = "unit/core/test_room.py"
DIGEST = "unit/core/test_digest.py"
VERSIONS = "unit/core/test_versions.py"

_NAMES = "return source.etag == self.etag and same_size and when(source) == self.when"
_FITS = "return stamp if stamp.where == where and stamp.fits(info) else None"
_SAME = 'if self.size != info.size or (self.md5 and info.checksums.get("md5", self.md5) != self.md5):'

SAYING = (
    Change(
        "stamp-compared-without-etag",
        "core/stamp.py",
        _NAMES,
        "return same_size and when(source) == self.when",
        "new content of the same length and second is never copied",
        (VERSIONS,),
    ),
    Change(
        "stamp-compared-without-size",
        "core/stamp.py",
        _NAMES,
        "return source.etag == self.etag and when(source) == self.when",
        "where a store's ETag is not of the content, an object that has grown is never copied",
        (VERSIONS,),
    ),
    Change(
        "stamp-compared-without-time",
        "core/stamp.py",
        _NAMES,
        "return source.etag == self.etag and same_size",
        "a rewrite of the metadata alone is never copied",
        (STAMP,),
    ),
    Change(
        "version-id-ignored",
        "core/stamp.py",
        "    if info.version:\n        return info.version\n",
        "",
        "two versions of one second are taken for one",
        (VERSIONS,),
    ),
    Change(
        "size-that-was-not-said-is-compared",
        "core/stamp.py",
        "source.size in (-1, self.size)",
        "source.size == self.size",
        "each duplicate event reads the object again",
        (CONVERGE,),
    ),
    Change(
        "stamp-carried-to-another-key",
        "core/stamp.py",
        _FITS,
        "return stamp if stamp.fits(info) else None",
        "what a user copied by hand is taken for ours, and deleted",
        (STAMP,),
    ),
    Change(
        "stamp-on-other-bytes",
        "core/stamp.py",
        _SAME,
        'if self.md5 and info.checksums.get("md5", self.md5) != self.md5:',
        "a copy that somebody has edited is taken for equal",
        (STAMP,),
    ),
    Change(
        "stamp-on-bytes-of-another-md5",
        "core/stamp.py",
        _SAME,
        "if self.size != info.size:",
        "a copy that somebody has edited in place is taken for equal",
        (STAMP,),
    ),
    Change(
        "hops-forgotten",
        "core/stamp.py",
        "hops = (*(earlier.hops if earlier else ()), link.source)",
        "hops = (link.source,)",
        "a ring of three copies for ever",
        (STAMP,),
    ),
    Change(
        "hops-cut",
        "core/stamp.py",
        "    if len(hops) > MAX_HOPS:\n        raise",
        "    hops = hops[-MAX_HOPS:]\n    if not hops:\n        raise",
        "a ring of seventeen copies for ever",
        (STAMP,),
    ),
    Change(
        "stamp-taken-for-the-users-own",
        "core/face.py",
        "return {name: value for name, value in user.items() if name != NAME}",
        "return dict(user)",
        "where the room ends the stamp goes first, and the copy is nobody's",
        (ROOM,),
    ),
    Change(
        "lost-header-not-named",
        "core/metadata.py",
        "        if not fits:\n            lost.append(name)",
        "        if False:\n            lost.append(name)",
        "a strict route lets it pass, and the lists are silent",
        (CARRY,),
    ),
    Change(
        "lost-metadata-not-named",
        "core/metadata.py",
        "    lost += dropped\n",
        "",
        "a strict route lets it pass, and the lists are silent",
        (CARRY,),
    ),
    Change(
        "lost-tags-not-named",
        "core/metadata.py",
        'return {}, ["tags"]',
        "return {}, []",
        "a strict route lets it pass, and the lists are silent",
        (CARRY,),
    ),
    Change(
        "lost-storage-class-not-named",
        "core/metadata.py",
        'lost.append(f"storage_class={meta.storage_class}")',
        "pass",
        "an archived object becomes an expensive one in silence",
        (CARRY,),
    ),
    Change(
        "line-break-in-a-value",
        "core/metadata.py",
        "if _NAME.fullmatch(name) and not _CONTROL.search(value)}",
        "if _NAME.fullmatch(name)}",
        "metadata becomes a header of its own",
        (CARRY,),
    ),
    Change(
        "room-counted-in-letters",
        "core/metadata.py",
        "escaped = 3 * len(raw) - 2 * len(raw.translate(None, _ESCAPED))",
        "escaped = len(raw)",
        "the target refuses what was said to fit",
        (ROOM,),
    ),
    Change(
        "tree-of-pairs-the-wrong-way",
        "core/digest.py",
        'hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0]',
        'hashlib.sha256(b"".join(pair[::-1])).digest()',
        "the same bytes have another digest than the page says",
        (DIGEST,),
    ),
    Change(
        "tree-without-its-last-leaf",
        "core/digest.py",
        "for at in range(0, len(level), 2)]",
        "for at in range(0, len(level) - 1, 2)]",
        "a change in the last MiB is not seen",
        (DIGEST,),
    ),
    Change(
        "crcs-joined-without-their-place",
        "core/digest.py",
        "_times(name, _power(name, length), first) ^ second",
        "first ^ second",
        "good objects are called damaged, and parts that changed places are not",
        (DIGEST,),
    ),
    Change(
        "crc-of-the-last-part-alone",
        "core/digest.py",
        "whole = combine(name, whole, value, length)",
        "whole = combine(name, 0, value, length)",
        "good objects are called damaged",
        (DIGEST,),
    ),
    Change(
        "checksum-in-hex-alone",
        "core/digest.py",
        "for read in (bytes.fromhex, base64.b64decode):",
        "for read in (bytes.fromhex,):",
        "what a store writes as base64 is called damaged",
        (DIGEST,),
    ),
)
