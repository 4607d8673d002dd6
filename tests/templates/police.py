"""IAM for moto's S3, as far as a role's policy goes: what the function asks for, and what its role may.

In front of moto's server: requests signed with the function's key are answered by 403 unless the policies allow them.
Which request needs which permission: Amazon S3 user guide, "Required permissions for Amazon S3 API operations".
"""

import fnmatch
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

FUNCTION_KEY = "AKIAFUNCTION"
_DENIED = "403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
_CHANGED = "412 Precondition Failed", b"<Error><Code>PreconditionFailed</Code><Message>changed</Message></Error>"
Permission = tuple[str, str]  # an action and the resource that it is needed for


@dataclass
class Police:
    """The statements in force, and what was needed since the last `clear`."""

    statements: list[Mapping[str, Any]] = field(default_factory=list)
    used: set[Permission] = field(default_factory=set)
    checkpoints: dict[str, bytes] = field(default_factory=dict)  # that the function has put, by path
    changes: int = 0  # so many copies of parts are told that their source has changed

    def allows(self, permission: Permission) -> bool:
        return any(
            matches(statement["Action"], permission[0]) and matches(statement["Resource"], permission[1])
            for statement in self.statements
        )

    def guard(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """*app*, a WSGI application, behind this."""
        lock = threading.Lock()

        def guarded(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if f"Credential={FUNCTION_KEY}/" not in environ.get("HTTP_AUTHORIZATION", ""):
                return app(environ, start)
            wanted = set(needed(environ))
            with lock:
                self.used |= wanted
                if environ["REQUEST_METHOD"] == "PUT" and "/checkpoints/" in environ["PATH_INFO"]:
                    self.checkpoints[environ["PATH_INFO"]] = _body(environ)
            if not all(map(self.allows, wanted)):
                return _answer(start, *_DENIED)
            if self.changes and "HTTP_X_AMZ_COPY_SOURCE" in environ:
                self.changes -= 1
                return _answer(start, *_CHANGED)
            return app(environ, self._hiding(environ, start))

        return guarded

    def _hiding(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Callable[..., Any]:
        """S3 says 403 in place of 404 to whoever may not list the bucket."""

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            listing = "s3:ListBucket", f"arn:aws:s3:::{environ['PATH_INFO'].split('/')[1]}"
            if status.startswith("404") and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
                self.used.add(listing)
                if not self.allows(listing):
                    status = "403 Forbidden"
            return start(status, headers, *rest)

        return started


def needed(environ: Mapping[str, Any]) -> Iterator[Permission]:
    """The permissions that a request of the S3 API needs, by path style."""
    method, query = environ["REQUEST_METHOD"], parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    place = f"arn:aws:s3:::{environ['PATH_INFO'].strip('/')}"
    if "/" not in environ["PATH_INFO"].strip("/"):
        yield "s3:ListBucket", place
    elif "tagging" in query:
        yield f"s3:GetObject{'Version' if 'versionId' in query else ''}Tagging", place
    elif method in ("GET", "HEAD"):
        yield "s3:ListMultipartUploadParts" if "uploadId" in query else "s3:GetObject", place
    elif method == "DELETE":
        yield "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", place
    else:
        yield "s3:PutObject", place
    if environ.get("HTTP_X_AMZ_TAGGING"):
        yield "s3:PutObjectTagging", place
    if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        yield "s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}"


def matches(patterns: str | list[str], value: str) -> bool:
    """IAM's wildcards: `*` also crosses slashes, as fnmatch's does; brackets mean nothing to it."""
    given = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in given)


def _answer(start: Callable[..., Any], status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _body(environ: dict[str, Any]) -> bytes:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
