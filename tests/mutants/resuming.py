"""Mistakes in going on with what an earlier invocation has left: `copy.py`, `converge.py`, `checkpoints.py`."""

from mutants.change import Change

CONVERGE = "unit/core/test_converge.py"
IN_TIME = "unit/core/test_in_time.py"
RESUME = "unit/core/test_resume.py"
PARTS = "unit/core/test_parts_of_one_version.py"

_FINGERPRINT = (
    '        said = sha256(repr(meta).encode("utf-8", "surrogatepass")).hexdigest()[:12]\n'
    '        of = f"{link.source};{info.etag};{info.size};{stamps.when(info)};{said}"'
)
# The metadata has the stamp in it, and that the fingerprint: who forgets the one must forget the other.
_STAMPLESS = (
    "        plain = replace(meta, user=stamps.without(meta.user))\n"
    '        said = sha256(repr(plain).encode("utf-8", "surrogatepass")).hexdigest()[:12]\n'
)
_OURS = "if left and left.upload.key == copy.key and left.store == copy.store:"

RESUMING = (
    # What an upload's parts depend on.
    Change(
        "checkpoint-of-any-cut",
        "core/copy.py",
        'of = f"{copy.of};{size}"',
        "of = copy.of",
        "a last part is taken for a middle one of another cut",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-content",
        "core/converge.py",
        _FINGERPRINT,
        _STAMPLESS + '        of = f"{link.source};{info.size};{stamps.when(info)};{said}"',
        "parts of two versions are put together",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-size",
        "core/converge.py",
        _FINGERPRINT,
        _STAMPLESS + '        of = f"{link.source};{info.etag};{stamps.when(info)};{said}"',
        "where a store's ETag is not of the content, parts of two versions are put together",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-time",
        "core/converge.py",
        _FINGERPRINT,
        _STAMPLESS + '        of = f"{link.source};{info.etag};{info.size};{said}"',
        "what is published has the stamp of an older version, and is copied again",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-metadata",
        "core/converge.py",
        '{stamps.when(info)};{said}"',
        '{stamps.when(info)}"',
        "metadata said when the upload was opened is published, though it has changed",
        (RESUME,),
    ),
    Change(
        "checkpoint-of-another-key",
        "core/copy.py",
        _OURS,
        "if left and left.store == copy.store:",
        "an upload of another key is gone on with, and published there",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-another-store",
        "core/copy.py",
        _OURS,
        "if left and left.upload.key == copy.key:",
        "an upload that was opened under another store's name is abandoned or gone on with",
        (PARTS,),
    ),
    Change(
        "held-parts-taken-whatever-their-size",
        "core/copy.py",
        " if part.size == _length(copy.info.size, size, part.number)",
        "",
        "a part that arrived short is published",
        (PARTS,),
    ),
    Change(
        "sums-of-earlier-parts-forgotten",
        "core/copy.py",
        "_whole_parts(copy, target, left.upload, size), left.sums)",
        "_whole_parts(copy, target, left.upload, size))",
        "an object over several invocations is never compared with its checksum",
        (PARTS,),
    ),
    # What is kept and what is thrown away.
    Change(
        "out-of-time-abandons",
        "core/copy.py",
        "except (OutOfTime, StoreUnavailable):",
        "except StoreUnavailable:",
        "a large object begins anew in each invocation and never ends",
        (IN_TIME,),
    ),
    Change(
        "outage-abandons",
        "core/copy.py",
        "except (OutOfTime, StoreUnavailable):",
        "except OutOfTime:",
        "one 503 costs all parts that have arrived",
        (RESUME,),
    ),
    Change(
        "checkpoint-not-saved-on-the-way-out",
        "core/copy.py",
        "quietly(lambda: road.checkpoints.save(copy.name, parts.checkpoint()))",
        "quietly(lambda: road.checkpoints.drop(copy.name))",
        "the parts stay at the target, paid for and forgotten",
        (IN_TIME,),
    ),
    Change(
        "damaged-keeps-the-upload",
        "core/copy.py",
        "except (OutOfTime, StoreUnavailable):",
        "except (OutOfTime, StoreUnavailable, Damaged):",
        "the next invocation goes on with the damaged parts",
        (RESUME,),
    ),
    Change(
        "upload-of-another-version-stays-open",
        "core/copy.py",
        "elif left.upload.id:",
        "elif False:",
        "its parts are paid for until somebody finds them",
        (RESUME,),
    ),
    Change(
        "checkpoint-outlives-the-commit",
        "core/copy.py",
        "    quietly(lambda: road.checkpoints.drop(copy.name))\n    return written",
        "    return written",
        "the log store fills up, one object for each large copy",
        (RESUME,),
    ),
    Change(
        "upload-that-nobody-will-find",
        "core/copy.py",
        "    except BaseException:\n        quietly(lambda: target.abandon(upload))\n        raise",
        "    except BaseException:\n        raise",
        "an upload whose checkpoint could not be saved stays open for ever",
        (PARTS,),
    ),
    Change(
        "upload-that-was-refused-stays-open",
        "core/copy.py",
        "    except BaseException:\n        _give_up(copy, target, opened.upload, road.checkpoints)\n        raise",
        "    except BaseException:\n        raise",
        "its parts are paid for until somebody finds them",
        (f"{CONVERGE}::test_an_upload_that_is_refused_leaves_nothing_open",),
    ),
    Change(
        "upload-of-a-deleted-object-stays-open",
        "core/copy.py",
        "is None:\n            _give_up(copy, target, opened.upload, road.checkpoints)\n            raise",
        "is None:\n            raise",
        "its parts are paid for until somebody finds them",
        (RESUME,),
    ),
    Change(
        "upload-ended-by-another-fails-the-task",
        "core/copy.py",
        "        raise TargetChanged(f",
        "        raise StoreRefused(f",
        "of two tasks that share an upload, the second fails for good",
        (RESUME,),
    ),
    Change(
        "checkpoint-without-sums",
        "core/checkpoints.py",
        '"sums": {str(number): dict(sums) for number, sums in checkpoint.sums.items()},',
        '"sums": {},',
        "an object over several invocations is never compared with its checksum",
        (RESUME,),
    ),
    Change(
        "sweep-takes-what-is-young",
        "core/checkpoints.py",
        "if info.modified is None or now - info.modified < age:",
        "if info.modified is None:",
        "the schedule abandons uploads that are under way",
        (RESUME,),
    ),
)
