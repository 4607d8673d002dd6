"""What a request is sent as: its head as bytes, its body in blocks."""

from bucketrelay.errors import Damaged
from bucketrelay.http.faults import BodyFailed, Interrupted, Unsendable
from bucketrelay.http.messages import PLAIN, Body, Request
from bucketrelay.store import BLOCK, Write

_AS_STORED = "accept-encoding: identity\r\n\r\n"  # the last header; an object's bytes are wanted as they are stored


def head_of(request: Request, host: str, *, through: str = "", asking: bool = False) -> bytes:
    """Request line and headers, with the blank line.

    Args:
        host: as the Host header says it.
        through: the value of Proxy-Authorization, or " " without one, where a proxy passes the request on itself.
        asking: ask for `100 Continue` before the body.

    Raises:
        Unsendable: a line break or a letter outside of Latin-1. The message quotes nothing: it may be a key.
    """
    method, target, given, length = request.method, request.target, request.headers, request.length
    lines = [f"{method} {f'http://{host}' if through else ''}{target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"host: {host}")
    lines += [f"{name}: {value}" for name, value in given.items()]
    if length or method in ("PUT", "POST"):
        lines.append(f"content-length: {length}")
    if "user-agent" not in given:
        lines.append("user-agent: bucketrelay")
    if asking:
        lines.append("expect: 100-continue")
    if through.strip():
        lines.append(f"proxy-authorization: {through}")
    inside = "".join(lines)  # looked through by the word, where counting goes by the letter
    if "\n" in inside or "\r" in inside or lines[0].count(" ") != 2:
        raise Unsendable("a header or the target holds a line break or a blank: mend it")
    lines.append(_AS_STORED)
    try:
        return "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        raise Unsendable("a header holds letters that HTTP cannot carry: mend it") from None


def pour(body: Body, write: Write) -> None:
    """Hand a body to *write*, block by block, and see to it that it has as many bytes as it said.

    Raises:
        BodyFailed: it could not be had, or has more or fewer.
        Interrupted: as *write* says.
    """
    if isinstance(body, PLAIN):
        with memoryview(body) as view:
            for start in range(0, len(view), BLOCK):
                write(view[start : start + BLOCK])
        return
    left = body.length

    def count(block: memoryview) -> None:
        nonlocal left
        left -= len(block)
        if left < 0:
            raise Damaged(f"a body has more than its {body.length} bytes: start over")
        write(block)

    try:
        body.pour(count)
        if left > 0:
            raise Damaged(f"{left} of a body's {body.length} bytes are missing: start over")  # noqa: TRY301 — has failed, as one that raises
    except Interrupted:
        raise
    except Exception as error:
        raise BodyFailed(error) from error
