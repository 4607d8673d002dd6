"""The head of a request, as bytes. Pure."""

from bucketrelay.http.faults import Unsendable
from bucketrelay.http.messages import Request

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
