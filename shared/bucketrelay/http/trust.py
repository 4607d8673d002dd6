"""Whose certificates are trusted: one TLS context a process for each authority, as it takes some 20 ms to make one."""

import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from bucketrelay.errors import StoreRefused

if TYPE_CHECKING:
    import ssl

_making = threading.Lock()


def context(ca_file: str) -> "ssl.SSLContext":
    """The context that trusts the authorities in *ca_file*; "" for those of the system (`SSL_CERT_FILE`).

    Raises:
        StoreRefused: there are no certificates in it.
    """
    with _making:  # `cache` alone would let each of the first threads make one
        return _make(ca_file)


@cache
def _make(ca_file: str) -> "ssl.SSLContext":
    import ssl  # 10 ms that plain HTTP need not pay

    try:
        made = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # SSLError is one
        raise StoreRefused(f"{ca_file}: no readable certificates in PEM: mend ca_file: {error}") from error
    if not ca_file and not made.cert_store_stats()["x509_ca"]:
        # A slim image may have no certificates of its own; the SDKs bring certifi. A directory of the system's, read
        # only when it is needed, counts as none here, and stays trusted.
        with suppress(ImportError):
            import certifi  # only where there is nothing else

            made.load_verify_locations(certifi.where())
    made.set_alpn_protocols(["http/1.1"])  # some front doors would rather speak HTTP/2
    return made
