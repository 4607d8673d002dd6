"""The manifest of an S3 Batch Operations job: a line `bucket,key` for each object, the key URL-encoded.

Source: Amazon S3 user guide, "Specifying a manifest", and "Invoking an AWS Lambda function".
"""

from collections.abc import Callable, Iterator
from urllib.parse import quote

from bucketrelay.abilities import Part, PartStore
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import MiB, Store

MANIFEST = "manifest"  # the kind of these lines among those of a mark
_META = Meta(content_type="text/csv")
_PART = 8 * MiB  # held at once; ten thousand of them are 80 GB of keys


def row_of(source: Address) -> Callable[[str], str]:
    """Gives the line of a key that is relative to the store."""

    def row(key: str) -> str:
        # A blank is %20 and not +, a plus is %2B: whoever decodes, in whichever way, gets the same key.
        return f"{source.bucket},{quote(source.prefix + key, safe='/', errors='surrogatepass')}"

    return row


def put_whole(log: Store, key: str, pieces: Iterator[bytes]) -> None:
    """Write one object of whatever length, of which 8 MiB are held at once.

    Raises:
        StoreRefused: it is longer than that, and the log store takes no parts.
    """
    parts = _parts(pieces)
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        log.put(key, first, _META)
    elif isinstance(log, PartStore):
        _in_parts(log, key, [first, second], parts)
    else:
        raise StoreRefused(f"{log.address.of(key)}: longer than {_PART} bytes, and the log store takes no parts")


def _in_parts(log: PartStore, key: str, begun: list[bytes], rest: Iterator[bytes]) -> None:
    upload = log.begin(key, _META)
    sent: list[Part] = []
    try:
        while body := begun.pop(0) if begun else next(rest, None):
            sent.append(log.put_part(upload, len(sent) + 1, body))
        log.commit(upload, sent)
    except BaseException:
        log.abandon(upload)
        raise


def _parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _PART:
            yield bytes(held[:_PART])
            del held[:_PART]
    if held:
        yield bytes(held)


def job(log: Address, info: ObjectInfo, *, count: int) -> dict[str, object]:
    """What `aws s3control create-job --cli-input-json` takes to have the manifest worked off by the function.

    Args:
        info: the manifest, as the log store has it.
        count: how many lines it has.
    """
    partition = log.endpoint if log.endpoint.startswith("aws-") else "aws"
    bucket = f"arn:{partition}:s3:::{log.bucket}"
    return {
        "AccountId": "ACCOUNT_ID",
        "Description": f"bucketrelay: {count} objects of {info.key}",
        "Operation": {"LambdaInvoke": {"FunctionArn": "FUNCTION_ARN", "InvocationSchemaVersion": "2.0"}},
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"{bucket}/{log.prefix}{info.key}", "ETag": info.etag},
        },
        "Report": {
            "Bucket": bucket,
            "Prefix": f"{log.prefix}batch",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "ReportScope": "FailedTasksOnly",
        },
        "Priority": 10,
        "RoleArn": "ROLE_ARN",
        "ConfirmationRequired": False,
        "ClientRequestToken": info.etag,
    }
