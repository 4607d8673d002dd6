"""Which proxy leads to a server, by the environment's usual variables. Pure.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, each in either case: as curl, the SDKs and `urllib` read them, and
alike for every store and forward.
"""

import base64
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from bucketrelay.errors import ConfigError
from bucketrelay.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens; `authorization` is the value of Proxy-Authorization, "" for none."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)


def proxy_for(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy on the way to a server; None where there is none.

    Raises:
        ConfigError: the variable holds no address of a proxy that is spoken to by plain HTTP.
    """
    named = [(f"{scheme}_proxy", environ.get(f"{scheme}_proxy")), ("all_proxy", environ.get("all_proxy"))]
    if scheme == "https" or "REQUEST_METHOD" not in environ:  # in CGI, HTTP_PROXY is a header of the request
        named.insert(1, (f"{scheme.upper()}_PROXY", environ.get(f"{scheme.upper()}_PROXY")))
    named.append(("ALL_PROXY", environ.get("ALL_PROXY")))
    name, value = next(((name, value) for name, value in named if value), ("", ""))
    if not value or _excepted(host, port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    with suppress(ValueError):
        parts = urlsplit(value if "//" in value else f"//{value}", scheme="http")
        if parts.scheme == "http" and parts.hostname:
            return Proxy(parts.hostname, parts.port or 80, _authorization(parts.username, parts.password))
    raise ConfigError([f"{name}: must be a proxy's address such as http://proxy.example.com:3128"])


def _authorization(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    both = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


def _excepted(host: str, port: int, listed: str) -> bool:
    """Whether NO_PROXY names the host: itself, a domain above it, a network that its address is in, or `*`."""
    if not listed:
        return False
    import ipaddress  # 3 ms, and few have a NO_PROXY

    host = host.lower().rstrip(".")
    for entry in listed.lower().replace(",", " ").split():
        name, _, of_port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
        name = (name or entry).strip("[]")
        if of_port and of_port != str(port):
            continue
        if entry == "*" or host == name.lstrip(".") or host.endswith(f".{name.lstrip('*').lstrip('.')}"):
            return True
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                return True
    return False
