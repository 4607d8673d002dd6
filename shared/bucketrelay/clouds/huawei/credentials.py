"""How to reach a bucket of OBS, and as whom."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bucketrelay.errors import StoreRefused


@dataclass(frozen=True, slots=True)
class Access:
    """Endpoint, keys and ways of an `ObsStore`; see there."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(repr=False)
    keys: Callable[[], tuple[str, str, str]] | None = field(repr=False)
    region: str
    path_style: bool
    ca_file: str
    timeout: float

    @property
    def server(self) -> str:
        """Host and port: those of one region."""
        at = urlsplit(self.endpoint if "://" in self.endpoint else f"https://{self.endpoint}")
        return f"{at.hostname}:{at.port or (80 if at.scheme == 'http' else 443)}"

    def current(self) -> tuple[str, str, str]:
        """Access key, secret key and token ("" for none) for the next request.

        Raises:
            StoreRefused: there are none; an unsigned request would be answered as if the bucket were foreign.
        """
        found = self.keys() if self.keys else (self.access_key, self.secret_key, self.security_token)
        if not (found[0] and found[1]):
            raise StoreRefused(
                f"{self.endpoint}: no access key: set access_key and secret_key, or give the function an agency"
            )
        return found
