"""What a configuration needs: which kinds of stores and forwards it names. Its other mistakes are the function's."""

import sys
from collections.abc import Callable
from typing import Any

from contents import FORWARDS, SDKS
from packages import Refused

CONFIG = "relay.toml"
NOT_HERE = ("rclone",)  # of these nothing goes in
Needs = tuple[tuple[str, ...], tuple[str, ...]]  # schemes of stores, types of forwards
EVERYTHING: Needs = (tuple(SDKS), tuple(FORWARDS))


def needs(text: str) -> Needs:
    """What a configuration names; all stores, where a URL is known to the function's environment alone."""
    try:
        read = _toml()(text)
        urls = {name: str(store["url"]) for name, store in read["stores"].items()}
        forwards = {str(forward.get("type")) for forward in read.get("forwards", {}).values()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(f"{CONFIG}: not TOML, or a store without url: {error}") from error
    kinds = tuple(kind for kind in FORWARDS if kind in forwards)
    if any("$" in url.partition("://")[0] for url in urls.values()):
        return EVERYTHING[0], kinds
    named = {name: url.partition("://")[0] for name, url in urls.items()}
    if unknown := [name for name, scheme in named.items() if scheme not in (*SDKS, *NOT_HERE)]:
        raise Refused(f"{CONFIG}: stores.{unknown[0]}.url is no s3://, obs://, oci://, file:// or rclone://")
    return tuple(scheme for scheme in SDKS if scheme in named.values()), kinds


def _toml() -> Callable[[str], dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - what comes below is the other half

        return tomllib.loads
    try:
        import tomli  # noqa: PLC0415 - only where it is needed
    except ImportError as error:
        raise Refused(f"reading {CONFIG} needs Python 3.11, or the package tomli; or name --stores") from error
    found: Callable[[str], dict[str, Any]] = tomli.loads
    return found
