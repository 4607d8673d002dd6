"""Mistakes in going on with what an earlier invocation has left: `copy.py`, `converge.py`, `checkpoints.py`."""

from mutants.change import Change

CONVERGE = "unit/core/test_converge.py"
IN_TIME = "unit/core/test_in_time.py"
RESUME = "unit/core/test_resume.py"
PARTS = "unit/core/test_parts_of_one_version.py"

_FINGERPRINT = "return f\"{pair.link.source};{info.etag};{info.size};{stamps.when(info)};{digest(';'.join(written))}\""
# What is written has the stamp in it, and that the fingerprint: who forgets the one must forget the other.
_STAMPLESS = "digest(';'.join(written[:1]))"
_OURS = "if left and left.upload.id and left.upload.key == copy.key and left.store == copy.target_name:"
_CUT = "if (left.fingerprint, left.part_size) == (copy.fingerprint(), self._size):"

RESUMING = (
    # What an upload's parts depend on.
    Change(
        "checkpoint-of-any-cut",
        "core/upload.py",
        _CUT,
        "if left.fingerprint == copy.fingerprint():",
        "a last part is taken for a middle one of another cut",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-content",
        "core/prepare.py",
        _FINGERPRINT,
        f'return f"{{pair.link.source}};{{info.size}};{{stamps.when(info)}};{{{_STAMPLESS}}}"',
        "parts of two versions are put together",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-size",
        "core/prepare.py",
        _FINGERPRINT,
        f'return f"{{pair.link.source}};{{info.etag}};{{stamps.when(info)}};{{{_STAMPLESS}}}"',
        "where a store's ETag is not of the content, parts of two versions are put together",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-time",
        "core/prepare.py",
        _FINGERPRINT,
        f'return f"{{pair.link.source}};{{info.etag}};{{info.size}};{{{_STAMPLESS}}}"',
        "what is published has the stamp of an older version, and is copied again",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-any-metadata",
        "core/prepare.py",
        _FINGERPRINT,
        'return f"{pair.link.source};{info.etag};{info.size};{stamps.when(info)}"',
        "metadata said when the upload was opened is published, though it has changed",
        (RESUME,),
    ),
    Change(
        "checkpoint-of-another-key",
        "core/upload.py",
        _OURS,
        "if left and left.upload.id and left.store == copy.target_name:",
        "an upload of another key is gone on with, and published there",
        (PARTS,),
    ),
    Change(
        "checkpoint-of-another-store",
        "core/upload.py",
        _OURS,
        "if left and left.upload.id and left.upload.key == copy.key:",
        "an upload that was opened under another store's name is abandoned or gone on with",
        (PARTS,),
    ),
    Change(
        "held-parts-taken-whatever-their-size",
        "core/upload.py",
        " if part.size == length_of(whole, size, part.number)",
        "",
        "a part that arrived short is published",
        (PARTS,),
    ),
    Change(
        "sums-of-earlier-parts-forgotten",
        "core/upload.py",
        "self._held_parts(left.upload), left.sums)",
        "self._held_parts(left.upload))",
        "an object over several invocations is never compared with its checksum",
        (PARTS,),
    ),
    # What is kept and what is thrown away.
    Change(
        "out-of-time-abandons",
        "core/upload.py",
        "except (OutOfTime, StoreUnavailable):",
        "except StoreUnavailable:",
        "a large object begins anew in each invocation and never ends",
        (IN_TIME,),
    ),
    Change(
        "outage-abandons",
        "core/upload.py",
        "except (OutOfTime, StoreUnavailable):",
        "except OutOfTime:",
        "one 503 costs all parts that have arrived",
        (RESUME,),
    ),
    Change(
        "checkpoint-not-saved-on-the-way-out",
        "core/upload.py",
        "            quietly(lambda: self._keep(left))\n",
        "            quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, opened.upload))\n",
        "the parts stay at the target, paid for and forgotten",
        (IN_TIME,),
    ),
    Change(
        "damaged-keeps-the-upload",
        "core/upload.py",
        "except (OutOfTime, StoreUnavailable):",
        "except (OutOfTime, StoreUnavailable, Damaged):",
        "the next invocation goes on with the damaged parts",
        (RESUME,),
    ),
    Change(
        "upload-of-another-version-stays-open",
        "core/upload.py",
        "                quietly(lambda: self._target.abandon(left.upload))\n",
        "                pass\n",
        "its parts are paid for until somebody finds them",
        (RESUME,),
    ),
    Change(
        "checkpoint-outlives-the-commit",
        "core/upload.py",
        "        quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, opened.upload))\n"
        "        return compared",
        "        return compared",
        "the log store fills up, one object for each large copy",
        (RESUME,),
    ),
    Change(
        "published-and-not-tidied-up",
        "core/converge.py",
        "            tidy_up(pair, source, self.resources.checkpoints)",
        "            pass",
        "what a process left that was killed between the commit and the end stays until housekeeping's week is over",
        (RESUME,),
    ),
    Change(
        "tidied-up-whatever-the-version",
        "core/prepare.py",
        ' and left.fingerprint.startswith(f"{pair.link.source};{info.etag};")',
        "",
        "the parts of a newer version are thrown away by an older event that comes late",
        (PARTS,),
    ),
    Change(
        "tidied-up-whosever-upload",
        "core/prepare.py",
        "if left and left.store == pair.task.target and left",
        "if left and left",
        "an upload that was opened under another store's name is ended there or forgotten",
        (PARTS,),
    ),
    Change(
        "upload-that-nobody-will-find",
        "core/upload.py",
        "        except BaseException:\n            quietly(lambda: self._target.abandon(upload))\n            raise",
        "        except BaseException:\n            raise",
        "an upload whose checkpoint could not be saved stays open for ever",
        (PARTS,),
    ),
    Change(
        "upload-that-was-refused-stays-open",
        "core/upload.py",
        "        except BaseException:\n            self._give_up(opened.upload)\n            raise",
        "        except BaseException:\n            raise",
        "its parts are paid for until somebody finds them",
        (f"{CONVERGE}::test_an_upload_that_is_refused_leaves_nothing_open",),
    ),
    Change(
        "upload-of-a-deleted-object-stays-open",
        "core/upload.py",
        "is None:\n                self._give_up(opened.upload)\n                raise",
        "is None:\n                raise",
        "its parts are paid for until somebody finds them",
        (RESUME,),
    ),
    Change(
        "upload-ended-by-another-fails-the-task",
        "core/upload.py",
        "            raise TargetChanged(f",
        "            raise StoreRefused(f",
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
