"""The head of a request, as bytes. Pure."""

from bucketrelay.http.faults import Unsendable
from bucketrelay.http.messages import Request


def head_of(request: Request, host: str, *, through: str = "", asking: bool = False) -> bytes:
    """Request line and headers, with the blank line.

    Args:
        host: as the Host header says it.
        through: the value of Proxy-Authorization, or " " without one, where a proxy passes the request on itself.
        asking: ask for `100 Continue` before the body.

    Raises:
        Unsendable: a line break or a letter outside of Latin-1. The message quotes nothing: it may be a key.
    """
    target, given, length = request.target, request.headers, request.length
    lines = [f"{request.method} {f'http://{host}' if through else ''}{target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"host: {host}")
    lines += [f"{name}: {value}" for name, value in given.items()]
    if length or request.method in ("PUT", "POST"):
        lines.append(f"content-length: {length}")
    lines.append("accept-encoding: identity")  # an object's bytes are wanted as they are stored
    if "user-agent" not in given:
        lines.append("user-agent: bucketrelay")
    if asking:
        lines.append("expect: 100-continue")
    if through.strip():
        lines.append(f"proxy-authorization: {through}")
    text = "\r\n".join(lines)
    if not text.count("\n") == text.count("\r") == len(lines) - 1 or lines[0].count(" ") != 2:
        raise Unsendable("a header or the target holds a line break or a blank: mend it")
    try:
        return f"{text}\r\n\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise Unsendable("a header holds letters that HTTP cannot carry: mend it") from None
