"""Before any request is looked into: who asks, from where, and how much he sends."""

import asyncio
import base64
import binascii
import contextlib
import hmac
import ipaddress
import re
import sys
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bucketrelay.drivers.serve.world import LONGEST, Guarding

_PATIENCE = 30.0  # seconds between two pieces of a body
_OPEN = frozenset({"/healthz", "/readyz", "/ready", "/openapi.json"})  # say nothing about anybody
# COMS's clients ask for work by GET; whoever may only look must not.
_CHANGING_GETS = "/api/v1/"
_LOOKING_GETS = frozenset({"/api/v1/sync/status"})
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="bucketrelay", Basic realm="bucketrelay", charset="UTF-8"'}


class TooLarge(Exception):
    """The body is longer than `LONGEST`."""


class Guard:
    """Lets requests through to *app*, or answers them itself."""

    def __init__(self, app: ASGIApp, guarding: Guarding) -> None:
        self._app, self._guarding = app, guarding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._refusal(scope, headers)
        if answer is None and _length(headers) > LONGEST:
            answer = too_large()
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, _limit(receive), send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if _is_foreign(headers):
            return error_response(403, "a page of another origin sent this request through your browser: refused")
        if self._guarding.open and not is_loopback(_host(headers)):
            return error_response(
                403, "without [serve] token or user only this machine is served, by its name localhost"
            )
        if scope["path"] in _OPEN or self._guarding.open:
            return None
        may_change, may_look = rights(headers.get("authorization", ""), self._guarding)
        if may_change or (may_look and not _changes(scope)):
            return None
        if may_look:
            return error_response(403, "this token may look, and change nothing")
        return error_response(401, "say who you are: Authorization: Bearer TOKEN, or a user and a password", _CHALLENGE)


def rights(authorization: str, guarding: Guarding) -> tuple[bool, bool]:
    """Whether the caller may change things, and whether he may look. Takes as long whatever is wrong about it."""
    scheme, _, rest = authorization.partition(" ")
    given = rest.strip().encode("utf-8", "surrogateescape")
    token = _same(given, guarding.token) & (scheme.lower() == "bearer")
    read_token = _same(given, guarding.read_token) & (scheme.lower() == "bearer")
    basic = _same(_decode(given), f"{guarding.user}:{guarding.password}" if guarding.user else "")
    may_change = token | (basic & (scheme.lower() == "basic"))
    return may_change, may_change | read_token


def who(request: Request) -> str:
    """The name of whoever asks, for the log: the user, or that a token was shown, or where the request came from."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user = base64.b64decode(rest, validate=True).decode(errors="replace").partition(":")[0]
        except (binascii.Error, ValueError):
            user = ""
        return re.sub(r"[^\w.@+-]", "_", user)[:64] or "somebody"
    host = request.client.host if request.client else "somewhere"
    return f"token, from {host}" if scheme else f"somebody on {host}"


def _same(given: bytes, secret: str) -> bool:
    return hmac.compare_digest(given, secret.encode()) & bool(secret)


def _decode(given: bytes) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _changes(scope: Scope) -> bool:
    path = scope["path"]
    if scope["method"] in ("GET", "HEAD"):
        return bool(path.startswith(_CHANGING_GETS)) and path not in _LOOKING_GETS
    return bool(scope["method"] != "OPTIONS")


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that a page from elsewhere sends this. Other clients send neither header."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _host(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine is meant. A page whose own name leads here (DNS rebinding) has another name."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _length(headers: Headers) -> int:
    said_length = headers.get("content-length", "")
    return int(said_length) if said_length.isascii() and said_length.isdigit() and len(said_length) < 20 else 0


def _limit(receive: Receive) -> Receive:
    """The same body, but not too long a one, and none that trickles for ever."""
    taken, refused = 0, False

    async def take() -> Message:
        nonlocal taken, refused
        try:
            message = await _in_time(receive)
        except asyncio.TimeoutError as error:
            raise ClientDisconnect from error
        taken += len(message.get("body", b""))
        if taken > LONGEST and not refused:
            refused = True
            raise TooLarge
        return message

    return take


async def _in_time(receive: Receive) -> Message:
    if sys.version_info >= (
        3,
        11,
    ):  # before 3.12 `wait_for` makes a task for each piece, an eighth of what an event costs
        async with asyncio.timeout(_PATIENCE):
            return await receive()
    return await asyncio.wait_for(receive(), _PATIENCE)


def too_large() -> Response:
    """The answer to a body that is longer than we take."""
    return _AnswerAfterTheRequest(
        {"error": f"the body has more than {LONGEST // 2**20} MiB"}, 413, {"Connection": "close"}
    )


class _AnswerAfterTheRequest(JSONResponse):
    """An answer that is given before the request has come to its end.

    A connection that is closed while its client still sends is reset, and the reset may take the answer from the
    client before it was read. So what still comes is taken and dropped, for a while.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if "expect" not in Headers(scope=scope):  # a client that waits for `100 Continue` will not send its body now
            with contextlib.suppress(asyncio.TimeoutError, ClientDisconnect):
                await asyncio.wait_for(_drop(receive), _PATIENCE)
        await send({"type": "http.response.body", "body": b""})


async def _drop(receive: Receive) -> None:
    dropped, more = 0, True
    while more and dropped <= 4 * LONGEST:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)


def error_response(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says in one line what is wrong."""
    return JSONResponse({"error": error}, status, headers)
