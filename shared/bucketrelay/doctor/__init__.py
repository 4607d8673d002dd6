"""Tries every store, permission and wiring that a configuration needs, each by a harmless call.

`examine` yields one Finding after the other. What it writes, it writes below `.bucketrelay-doctor/` in targets and in
the log store, and removes again; of sources only those of heartbeats are written to, under a name like theirs. `checks`
says what is asked and what to do about each failure.
"""

from bucketrelay.doctor.checks import CHECKS, Check, Finding, table
from bucketrelay.doctor.examine import World, examine

__all__ = ["CHECKS", "Check", "Finding", "World", "examine", "table"]
