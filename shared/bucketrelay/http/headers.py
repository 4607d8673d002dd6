"""Text in headers, as S3 and Object Storage both write the values of metadata. Pure."""

import base64
import re

from bucketrelay.errors import StoreRefused

_WORDS = r"(?i:=\?[\w-]+\?[bq]\?[^?]*\?=(\s+=\?[\w-]+\?[bq]\?[^?]*\?=)*)"


def lasting(encoding: str) -> str:
    """A Content-Encoding without `aws-chunked`, which is about a transfer and not the object; some servers store it."""
    if "aws-chunked" not in encoding.lower():
        return encoding
    return ",".join(part for each in encoding.split(",") if (part := each.strip()).lower() not in ("aws-chunked", ""))


def encode_word(value: str) -> str:
    """A metadata value for a header, as S3 itself shows it: printable ASCII verbatim, all else as an RFC 2047 word."""
    plain = value.isascii() and (value.isprintable() or not value) and value == value.strip() and "=?" not in value
    try:
        return value if plain else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
    except UnicodeEncodeError as error:  # OBS can hold it
        words = f"metadata {value[:60]!a} has half of a surrogate pair, which no UTF-8 can say: mend the object"
        raise StoreRefused(words) from error


def decode_word(value: str) -> str:
    """The other way round; a value that is no RFC 2047 word comes back as it is.

    Headers are read as Latin-1; servers that send raw UTF-8 (MinIO, rclone) mean UTF-8.
    """
    try:
        if not value.isascii():
            return value.encode("latin-1").decode()
        return _decode(value) if "=?" in value and re.fullmatch(_WORDS, value) else value
    except (LookupError, ValueError):  # UnicodeError is a ValueError
        return value  # not what it looked like: verbatim


def _decode(value: str) -> str:
    from email.errors import HeaderParseError  # 10 ms, for metadata that is not ASCII
    from email.header import decode_header

    try:
        parts = decode_header(value)
    except HeaderParseError as error:
        raise ValueError(value) from error
    read = "".join(part if isinstance(part, str) else part.decode(charset or "ascii") for part, charset in parts)
    read.encode()  # UTF-7 and others can say half of a surrogate pair
    return read
