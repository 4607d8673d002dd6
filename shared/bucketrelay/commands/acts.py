"""What a command changes is written down with the name of who called it, where the page and the API write it."""

import getpass
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timezone

from bucketrelay.config import Config
from bucketrelay.reports.acts import Act, words, write_down
from bucketrelay.store import Store
from bucketrelay.wiring_stores import NO_KEYS, Stores


def note(log: Store, what: str, chosen: Mapping[str, object], count: int | None = None) -> None:
    """Write a deed down before it is done. Raises RelayError where that is not possible: then it must not be done."""
    write_down(log, Act(datetime.now(timezone.utc), f"{_user()}@{socket.gethostname()}", what, words(chosen), count))


def note_in(config: Config, what: str, chosen: Mapping[str, object], count: int | None = None) -> None:
    """The same in the configuration's log store; nowhere, where it has none, as all copies are by message then."""
    if config.log:
        with closing(Stores(config.stores, lambda: NO_KEYS, config.log)) as stores:
            note(stores.get(config.log), what, chosen, count)


def _user() -> str:
    """The user of the operating system, not of the environment, in which anybody may call himself anything."""
    try:
        import pwd  # Windows has none
    except ImportError:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need have no name
        return f"uid {os.getuid()}"
