"""The specification of `Store`, `PartStore`, `Tagged` and `ServerSideCopy`: one test for each promise, for every store.

A test file takes all of it by `from bucketrelay.testing.contract import *`, with two fixtures: `rig`, which is
a `Rig` of `bucketrelay.testing.contract.rig`, and `store`, which is `rig.store()`. docs/adding-a-store.md says more.
"""

from bucketrelay.testing.contract.ahead import TestHandshake, TestLookAhead
from bucketrelay.testing.contract.copies import TestCopies, TestTags
from bucketrelay.testing.contract.keys import TestKeys, TestMissingBucket, TestPrefix, TestThreads
from bucketrelay.testing.contract.parts import TestParts
from bucketrelay.testing.contract.reading import TestFetch, TestList, TestLook, TestPour, TestRead
from bucketrelay.testing.contract.writing import TestDelete, TestPut, TestStream

__all__ = [
    "TestCopies",
    "TestDelete",
    "TestFetch",
    "TestHandshake",
    "TestKeys",
    "TestList",
    "TestLook",
    "TestLookAhead",
    "TestMissingBucket",
    "TestParts",
    "TestPour",
    "TestPrefix",
    "TestPut",
    "TestRead",
    "TestStream",
    "TestTags",
    "TestThreads",
]
