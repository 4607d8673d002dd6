"""Local directories, as data: they have no options of their own, and the file system's permissions."""

from bucketrelay.clouds.facts import Facts

FACTS = Facts("file", "a local directory", "file:///directory")
