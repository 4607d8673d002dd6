"""The archive's tables, read and never written: where a file is, how large, whose, and its header.

`sda.files`, `sda.checksums`, `sda.datasets` and `sda.file_dataset` of the sensitive-data-archive, by their columns'
names. `archive_location` came with its second storage layer; where the column is missing there is but one place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from bucketrelay.database.postgres import Cursor, Postgres
from bucketrelay.errors import StoreRefused
from bucketrelay.values import dataclass

_FILES = """
SELECT file.stable_id, file.submission_user, file.submission_file_path, file.archive_file_path, file.archive_file_size,
       coalesce(to_jsonb(file) ->> 'archive_location', ''), file.header,
       (SELECT sum.checksum FROM sda.checksums AS sum
        WHERE sum.file_id = file.id AND sum.source::text = 'UNENCRYPTED' AND upper(sum.type::text) = 'SHA256' LIMIT 1)
FROM sda.files AS file WHERE file.stable_id = ANY (%(ids)s::text[])
"""
_DATASETS = """
SELECT dataset.stable_id, array_agg(file.stable_id ORDER BY file.stable_id)
FROM sda.datasets AS dataset
JOIN sda.file_dataset AS member ON member.dataset_id = dataset.id
JOIN sda.files AS file ON file.id = member.file_id
WHERE starts_with(dataset.stable_id, %(prefix)s) AND file.stable_id IS NOT NULL
GROUP BY dataset.stable_id ORDER BY dataset.stable_id
"""
_KNOWN = "SELECT stable_id FROM sda.files WHERE stable_id = ANY (%(ids)s::text[])"


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file of the archive."""

    id: str
    user: str
    path: str  # as it was submitted, and as the partner finds it
    place: str  # its key in the archive's store
    size: int | None  # of the body
    location: str  # which of the archive's stores; "" where there is but one
    header: bytes
    sha256: str  # of the decrypted file


class Archive:
    """The archive's database.

    Args:
        url: postgresql://…, with its password and its options.
        shown: the same for messages.
    """

    def __init__(self, url: str, shown: str) -> None:
        self._shown = shown
        self._database = Postgres(url, shown, "", ())

    def files(self, ids: Sequence[str]) -> dict[str, ArchivedFile]:
        """The files that there are of *ids*, by their stable ids.

        Raises:
            StoreUnavailable: the database may answer later.
            StoreRefused: it does not want us, or is not the archive's.
        """
        return {row[0]: self._file(row) for row in self._rows(_FILES, {"ids": list(ids)})}

    def known_ids(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of *ids* that have a file. Errors as of `files`."""
        return frozenset(row[0] for row in self._rows(_KNOWN, {"ids": list(ids)}))

    def datasets(self, prefix: str) -> list[tuple[str, tuple[str, ...]]]:
        """The datasets whose ids begin with *prefix*, each with the stable ids of its files. Errors as of `files`."""
        return [(row[0], tuple(row[1])) for row in self._rows(_DATASETS, {"prefix": prefix})]

    def check(self) -> None:
        """Ask everything that is ever asked, of no file: whether tables, columns and permissions are there.

        Errors as of `files`.
        """
        self.files([])
        self.known_ids([])
        self._rows(_DATASETS + " LIMIT 0", {"prefix": ""})

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def _rows(self, query: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        def read(cursor: Cursor) -> list[tuple[Any, ...]]:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query, values)
            return cursor.fetchall()

        try:
            return self._database.run(read)
        except psycopg.Error as error:  # those that may pass have been tried again
            raise StoreRefused(f"{self._shown}: is not the archive's database: {str(error).splitlines()[0]}") from error

    def _file(self, row: tuple[Any, ...]) -> ArchivedFile:
        stable, user, path, place, size, location, header, sha256 = row
        try:
            raw = bytes.fromhex(header or "")
        except ValueError as error:
            raise StoreRefused(f"{self._shown}: {stable}: its header is not hexadecimal; nothing was copied") from error
        return ArchivedFile(stable, user or "", path or "", place or "", size, location, raw, sha256 or "")
