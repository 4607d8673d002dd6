"""Who signs: the store's own keys, the environment's, or what the SDK's chain finds.

A function's keys are in its environment, and the SDK is not imported for them. Profiles, SSO, web identity, container
and instance roles are the SDK's, which also renews them before they end.
"""

import os
import threading
from typing import Any

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.sign import Keys


class Credentials:
    """The keys of one access, good at the moment; for many threads.

    Args:
        url: of the store, for the text of errors.
    """

    def __init__(self, access: Access, url: str) -> None:
        self._access, self._url = access, url
        self._own = Keys(access.access_key, access.secret_key, access.session_token) if access.access_key else None
        self._lock = threading.Lock()
        self._chain: Any = None

    @property
    def local(self) -> bool:
        """Whether nobody has had to be asked for them."""
        return self._chain is None

    def current(self) -> Keys:
        """The keys to sign with now.

        Raises:
            StoreRefused: there are none, or they cannot be had.
            StoreUnavailable: who hands them out does not answer.
        """
        if self._own:
            return self._own
        if not self._access.profile and (keys := _of_environment()):
            return keys
        from bucketrelay.clouds.aws import sdk  # loads botocore, which a function does not need

        with self._lock:
            if self._chain is None:
                self._chain = sdk.chain(self._access, self._url)
        return sdk.keys_of(self._chain, self._url)


def _of_environment() -> Keys | None:
    """What AWS_ACCESS_KEY_ID and its siblings say; asked each time, as a process may be given new ones."""
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Keys(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or os.environ.get("AWS_SECURITY_TOKEN", ""))
