"""What a configuration needs: which kinds of stores and forwards it names."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from contents import BROKERS, FORWARDS, POSTGRES, ROLE, SDKS
from packages import Refused

CONFIG = "relay.toml"
CHECKED = "relay.checked.json"
SHARED = Path(__file__).resolve().parents[1] / "shared"
_NOT_SET = "is not set in the environment"
NOT_PACKED = ("rclone",)  # of these nothing goes in
Needs = tuple[tuple[str, ...], tuple[str, ...]]  # schemes of stores, types of forwards
EVERYTHING: Needs = (tuple(SDKS), tuple(kind for kind in FORWARDS if kind not in (*BROKERS, POSTGRES)))


def needs(text: str) -> Needs:
    """What a configuration names; all stores, where a URL is known to the function's environment alone.

    Raises:
        Refused: with every mistake that the function would find in it, but for variables that only it has.
    """
    _check(text)
    try:
        read = _toml()(text)
        urls = {name: str(store["url"]) for name, store in read["stores"].items()}
        forwards = {str(forward.get("type")) for forward in read.get("forwards", {}).values()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(f"{CONFIG}: not TOML, or a store without url: {error}") from error
    named = forwards | set(_broker(read)) | _role(read["stores"].values()) | _database(read)
    kinds = tuple(kind for kind in FORWARDS if kind in named)
    if any("$" in url.partition("://")[0] for url in urls.values()):
        return EVERYTHING[0], kinds
    schemes = {name: url.partition("://")[0] for name, url in urls.items()}
    if unknown := [name for name, scheme in schemes.items() if scheme not in (*SDKS, *NOT_PACKED)]:
        raise Refused(f"{CONFIG}: stores.{unknown[0]}.url is no s3://, obs://, oci://, file:// or rclone://")
    return tuple(scheme for scheme in SDKS if scheme in schemes.values()), kinds


def _role(stores: Iterable[dict[str, Any]]) -> set[str]:
    """Whether the keys of a store of S3 are the SDK's to find: by a profile, or by what gives the function a role."""
    s3 = [store for store in stores if str(store["url"]).startswith(("s3://", "$"))]
    return {ROLE} if any("profile" in store or "access_key" not in store for store in s3) else set()


def _broker(read: dict[str, Any]) -> tuple[str, ...]:
    """The kind of broker that `[copier]` names; both where its URL is known to the environment alone."""
    url = str(read.get("copier", {}).get("broker", ""))
    scheme = url.partition("://")[0].removesuffix("s") if url.startswith("amqp") else url.partition("://")[0]
    return BROKERS if "$" in scheme else (scheme,)


def _database(read: dict[str, Any]) -> set[str]:
    """Whether `[queue]` names PostgreSQL, or what the function's environment alone knows."""
    return {POSTGRES} if str(read.get("queue", {}).get("url", "")).startswith(("postgres", "$")) else set()


def checked_form(text: str) -> bytes | None:
    """What the function loads in place of the configuration, without checking it anew; None where it has to."""
    sys.path.insert(0, str(SHARED))
    try:
        from bucketrelay.config.checked import checked_form as write  # as below

        written = write(text)
    finally:
        sys.path.remove(str(SHARED))
    return None if written is None else written.encode()


def _check(text: str) -> None:
    sys.path.insert(0, str(SHARED))
    try:
        from bucketrelay.config import load  # the package may not be installed where this runs
        from bucketrelay.errors import ConfigError

        load(text, {}, where=CONFIG, secrets=False)
    except ConfigError as error:
        wrong = [mistake for mistake in error.mistakes if _NOT_SET not in mistake]
        if wrong:
            raise Refused(f"{CONFIG}: {'; '.join(mistake.removeprefix(f'{CONFIG}: ') for mistake in wrong)}") from error
    except ModuleNotFoundError as error:
        raise Refused(f"reading {CONFIG} needs Python 3.11, or the package {error.name}; or name --stores") from error
    finally:
        sys.path.remove(str(SHARED))


def _toml() -> Callable[[str], dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib  # what comes below is the other half

        return tomllib.loads
    try:
        import tomli  # only where it is needed
    except ImportError as error:
        raise Refused(f"reading {CONFIG} needs Python 3.11, or the package tomli; or name --stores") from error
    found: Callable[[str], dict[str, Any]] = tomli.loads
    return found
