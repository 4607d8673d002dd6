"""Store URLs, endpoints and the addresses of forwards. No message quotes a URL: it may hold credentials."""

import posixpath
import re
from urllib.parse import SplitResult, urlsplit

from bucketrelay.clouds.registry import SCHEMES, facts
from bucketrelay.model import Address

_FORMS = {scheme: facts(scheme).form for scheme in SCHEMES}
_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
_NAMESPACE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
_REMOTE = r"\w[\w.+@ -]{0,254}"  # rclone.org/docs: names of remotes
_HOST = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9.])?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
_ACCESS_POINT = r"(?s:(arn:aws[a-z-]*:s3:[a-z0-9-]*:[0-9]{12}:accesspoint)[:/]([a-z0-9.-]{1,50})(?:/(.*))?)"


class BadURL(ValueError):
    """What is wrong with a URL, without a word of it."""


def store_address(url: str) -> Address:
    """Where a store is, by its URL; the prefix ends in "/" or is empty. Nothing is percent-decoded.

    Raises:
        BadURL: it is none.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise BadURL(f"is not the URL of a store: write one of {', '.join(_FORMS.values())}")
    form = _FORMS[scheme]
    if re.search("[\ud800-\udfff]", rest):
        raise BadURL("has half of a surrogate pair in it, which no UTF-8 can say")
    if "?" in rest:
        raise BadURL(f"has a ? in it: write {form}, and its options as keys of their own")
    if scheme == "file":
        return Address("file", _directory(rest, form))
    place, _, path = rest.partition("/")
    if scheme == "s3" and rest.startswith("arn:") and (point := re.fullmatch(_ACCESS_POINT, rest)):
        return Address(scheme, f"{point[1]}:{point[2]}", "", _prefix(point[3] or ""))
    bucket, at, namespace = place.partition("@") if scheme == "oci" else (place, "", "")
    if not re.fullmatch(_REMOTE if scheme == "rclone" else _BUCKET, bucket):
        raise BadURL(f"does not name a bucket as a bucket can be named: write {form}")
    if at and not re.fullmatch(_NAMESPACE, namespace):
        raise BadURL(f"does not name a namespace as one can be named: write {form}")
    return Address(scheme, bucket, namespace, _prefix(path))


def scheme_of(url: str) -> str:
    """The scheme, if it is one of ours, else ""."""
    scheme, separator, _ = url.partition("://")
    return scheme if separator and scheme in SCHEMES else ""


def endpoint_url(text: str) -> str:
    """An endpoint as `https://host[:port][/path]`; where the scheme is left out it is https.

    Raises:
        BadURL: it is none.
    """
    url = (text if "://" in text else f"https://{text}").rstrip("/")
    parts = _web(url, "https://host[:port]")
    if parts.query or "?" in url:
        raise BadURL("must be an address such as https://host[:port], without a query")
    return url


def forward_url(text: str) -> str:
    """The http(s) address to which events are forwarded, unchanged.

    Raises:
        BadURL: it is none.
    """
    _web(text, "https://host/path")
    return text


def server(endpoint: str) -> str:
    """The server of an endpoint as `host[:port][/path]`, as two spellings of one are to be compared."""
    parts = urlsplit(endpoint)
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return host + parts.path.rstrip("/")


def _web(url: str, form: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # without `from`: urllib's message quotes the URL
        raise BadURL(f"must be an address such as {form}") from None
    if parts.scheme not in ("http", "https") or not re.fullmatch(_HOST, parts.hostname or "") or port == 0:
        raise BadURL(f"must be an address such as {form}")
    if "@" in parts.netloc:
        raise BadURL("has a user or a password in it: give them as access_key and secret_key")
    if "#" in url or re.search(r"\s", url):
        raise BadURL(f"has a # or white space in it: write {form}")
    return parts


def _directory(rest: str, form: str) -> str:
    if not rest.startswith("/") or ".." in rest.split("/"):
        raise BadURL(f"is not an absolute directory: write {form}, with three slashes and without ..")
    directory = "/" + posixpath.normpath(rest).lstrip("/")
    if directory == "/":
        raise BadURL(f"names the root of the file system: write {form}")
    return directory


def _prefix(path: str) -> str:
    segments = path.removesuffix("/").split("/") if path else []
    if any(segment in ("", ".", "..") for segment in segments) and path != "/":
        raise BadURL('has an empty segment, "." or ".." in its prefix: servers do not agree on what that means')
    if len(path.encode()) > 1000:
        raise BadURL("has a prefix that leaves no room for keys: 1,024 bytes are the limit of both together")
    return "/".join(segments) + "/" if path.strip("/") else ""
