"""What rclone's answers mean. It has one status for most failures, and the backend's own words."""

import re

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable

# Words of backends for what the same call will not get again: rclone hands them on as they are, with status 500.
_REFUSALS = re.compile(
    r"didn't find (section in config|backend)|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket"
    r"|permission denied|StatusCode: 40[013]|\b40[13] |unauthorized|invalid_grant|read-only file system"
    r"|file name too long|is a directory|not a directory|directory not found|no such file or directory",
    re.IGNORECASE,
)
_MISSING = "object not found"
_LONGEST = 400  # characters of rclone's words that are repeated


def is_missing(status: int, words: str) -> bool:
    """Whether an answer says that there is no such object."""
    return (status == 404 and _MISSING in words) or "not a directory" in words  # below what is an object itself


def error_of(url: str, status: int, words: str) -> RelayError:
    """The error of an answer that is none of 2xx."""
    shown = " ".join(words.split())[:_LONGEST] or f"status {status}"
    if status in (400, 401, 403, 404) or _REFUSALS.search(words):
        return StoreRefused(
            f"{url}: rclone: {shown}: mend the remote in rclone's configuration, or grant the permission"
        )
    return StoreUnavailable(f"{url}: rclone: {shown}: try again later")
