"""Mistakes in looking, and in looking again: `converge.py`."""

from mutants.change import Change

BESIDE = "unit/core/test_beside.py"
CONVERGE = "unit/core/test_converge.py"
ROUNDS = "unit/core/test_rounds.py"

_STALE = "return held is None and pair.target.abilities.creates_once and pair.task.deletes is Deletes.KEEP"

LOOKING = (
    # The second look.
    Change(
        "no-second-look",
        "core/pair.py",
        "return same_version(info, self.source.look(self.task.key, trust_bare_404=True))",
        "return True",
        "an object overwritten while it is copied stays old at the target for ever",
        (f"{CONVERGE}::test_an_object_overwritten_while_it_is_copied_ends_as_its_last_version",),
    ),
    Change(
        "no-second-look-after-a-delete",
        "core/converge.py",
        "pair.source.look(pair.task.key, trust_bare_404=True) is None",
        "True",
        "an object created again while its copy is deleted is missing at the target",
        (f"{CONVERGE}::test_an_object_created_again_while_its_copy_is_deleted_ends_copied",),
    ),
    Change(
        "second-look-saved-for-any-conditional-store",
        "core/converge.py",
        _STALE,
        "return pair.target.conditional",
        "an ETag that stays or comes back lets an old version be the last",
        (ROUNDS,),
    ),
    Change(
        "second-look-saved-where-deletes-are-followed",
        "core/converge.py",
        _STALE,
        "return held is None and pair.target.abilities.creates_once",
        "absent before and absent after: an old copy of a deleted object stays",
        (f"{CONVERGE}::test_an_object_deleted_while_it_is_copied_ends_deleted",),
    ),
    Change(
        "second-look-saved-for-overwrites",
        "core/converge.py",
        _STALE,
        "return pair.target.abilities.creates_once and pair.task.deletes is Deletes.KEEP",
        "If-Match lets through a target that looks the same twice",
        (ROUNDS,),
    ),
    Change(
        "second-look-saved-for-conditions-found-by-trying",
        "core/converge.py",
        _STALE,
        "return held is None and pair.target.conditional and pair.task.deletes is Deletes.KEEP",
        "a server may honour If-Match and not If-None-Match",
        (CONVERGE,),
    ),
    Change(
        "second-look-saved-for-parts",
        "core/converge.py",
        "whole and not by_itself and _cannot_be_stale",
        "not by_itself and _cannot_be_stale",
        "some servers honour a condition for a put and not for a commit",
        (CONVERGE,),
    ),
    Change(
        "second-look-saved-for-copies-by-the-server",
        "core/converge.py",
        "whole and not by_itself and _cannot_be_stale",
        "whole and _cannot_be_stale",
        "a condition that holds for a put need not for a copy",
        (ROUNDS,),
    ),
    Change(
        "second-look-blind-for-the-etag",
        "core/pair.py",
        "(now.etag, now.size, when(now)) == (info.etag, info.size, when(info))",
        "(now.size, when(now)) == (info.size, when(info))",
        "new content of the same length and second is missed",
        (ROUNDS,),
    ),
    Change(
        "second-look-blind-for-the-time",
        "core/pair.py",
        "(now.etag, now.size, when(now)) == (info.etag, info.size, when(info))",
        "(now.etag, now.size) == (info.etag, info.size)",
        "a rewrite leaves a stamp behind that fits no version, and every event copies again",
        (ROUNDS,),
    ),
    Change(
        "second-look-blind-for-the-metadata",
        "core/pair.py",
        "        and (now.meta == info.meta or replace(now.meta, tag_count=info.meta.tag_count) == info.meta)\n",
        "",
        "metadata that changes within the second of the copy is missed",
        (ROUNDS,),
    ),
    Change(
        "second-look-not-acted-upon",
        "core/converge.py",
        "anew=turn > 0",
        "anew=False",
        "metadata that changes within the second of the copy is seen, and then not asked for",
        (ROUNDS,),
    ),
    # Both sides at once.
    Change(
        "source-seen-first-believed",
        "core/pair.py",
        "in_order = held is None or (fetched is not None and self._surely_older(held, fetched.info))",
        "in_order = held is None or fetched is not None",
        "the copy of a newer version, made between the two looks, is overwritten by an older one",
        (BESIDE,),
    ),
    Change(
        "absence-seen-first-believed",
        "core/pair.py",
        "in_order = held is None or (fetched is not None and self._surely_older(held, fetched.info))",
        "in_order = held is None or fetched is None or self._surely_older(held, fetched.info)",
        "what was created and copied between the two looks is deleted",
        (BESIDE,),
    ),
    Change(
        "one-second-taken-for-an-order",
        "core/pair.py",
        "stamp.born < int(info.modified.timestamp())",
        "stamp.born <= int(info.modified.timestamp())",
        "the copy of a newer version of the same second is overwritten by an older one",
        (BESIDE,),
    ),
    Change(
        "both-at-once-where-others-write",
        "core/pair.py",
        "return is_small(self.task) and not self.task.shared and",
        "return is_small(replace(self.task, meets=False)) and",
        "which of several writers is the newest is decided by looks in an unknown order",
        (BESIDE,),
    ),
    Change(
        "unwanted-answer-left-on-its-connection",
        "core/beside.py",
        "        self._asking.drop()\n",
        "        pass\n",
        "connections stay open, and busy, for answers that nobody takes",
        (BESIDE,),
    ),
    # What a round believes.
    Change(
        "403-of-the-source-taken-for-absent",
        "core/pair.py",
        "        now = self.source.fetch(self.task.key, length, unless=known, size=self.task.size)\n",
        "        from bucketrelay.errors import StoreRefused\n"
        "        try:\n"
        "            now = self.source.fetch(self.task.key, length, unless=known, size=self.task.size)\n"
        "        except StoreRefused:\n"
        "            return None\n",
        "a lost permission would delete the whole target",
        (CONVERGE,),
    ),
    Change(
        "503-of-the-source-taken-for-absent",
        "core/pair.py",
        "        now = self.source.fetch(self.task.key, length, unless=known, size=self.task.size)\n",
        "        from bucketrelay.errors import StoreUnavailable\n"
        "        try:\n"
        "            now = self.source.fetch(self.task.key, length, unless=known, size=self.task.size)\n"
        "        except StoreUnavailable:\n"
        "            return None\n",
        "an outage of the source would delete the whole target",
        (CONVERGE,),
    ),
    Change(
        "403-of-the-target-taken-for-absent",
        "core/converge.py",
        "        held = None if beside else pair.target.look(pair.task.target_key, trust_bare_404=True)\n",
        "        try:\n"
        "            held = None if beside else pair.target.look(pair.task.target_key, trust_bare_404=True)\n"
        "        except StoreRefused:\n"
        "            held = None\n",
        "a target that may not be read is overwritten unseen",
        (ROUNDS,),
    ),
    Change(
        "bare-404-of-the-target-taken-for-sure",
        "core/converge.py",
        "held = pair.target.look(pair.task.target_key)\n",
        "held = pair.target.look(pair.task.target_key, trust_bare_404=True)\n",
        "a target bucket that is gone is called up to date",
        (CONVERGE,),
    ),
    Change(
        "sure-look-not-listened-to",
        "core/converge.py",
        "held = pair.target.look(pair.task.target_key)\n",
        "pair.target.look(pair.task.target_key)\n",
        "a gateway's 404 makes a delete be taken for done",
        (ROUNDS,),
    ),
    Change(
        "not-modified-believed-of-another-source",
        "core/pair.py",
        "if stamp and held and stamp.hops[-1] == self.link.source and",
        "if stamp and held and",
        "a copy of another object with the same bytes is left standing",
        (ROUNDS,),
    ),
    Change(
        "not-modified-believed-without-the-rest",
        "core/pair.py",
        "or (stamp and stamp.describes(now.info))",
        "or stamp",
        "a rewrite of the metadata alone keeps the ETag and would be missed",
        (CONVERGE,),
    ),
    Change(
        "later-round-overrides",
        "core/converge.py",
        "last = last if last.outcome in WRITES and ending.outcome not in WRITES else ending",
        "last = ending",
        "the lists would call a copied object unchanged",
        (ROUNDS,),
    ),
    Change(
        "rounds-run-out-and-nobody-says",
        "core/converge.py",
        '        raise StoreUnavailable(\n            f"{pair.source_url}: it changed',
        '        return last or StoreUnavailable(\n            f"{pair.source_url}: it changed',
        "an object that never stands still is reported as copied",
        (CONVERGE,),
    ),
    Change(
        "unknown-outcome-reported-copied",
        "core/converge.py",
        "        verified = by_itself or carry(copy, first, self.resources)\n",
        "        verified = by_itself\n"
        "        try:\n"
        "            verified = verified or carry(copy, first, self.resources)\n"
        "        except StoreUnavailable as error:\n"
        "            if type(error) is StoreUnavailable:\n"
        "                raise\n",
        "a write without an answer may never have happened",
        (CONVERGE,),
    ),
)
