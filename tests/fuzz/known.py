"""Targets in which defects are found and not mended yet."""

AWAITED: frozenset[str] = frozenset()
