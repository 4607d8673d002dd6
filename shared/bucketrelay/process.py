"""A warm process of a function: what it keeps from one invocation to the next."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bucketrelay import config, wiring
from bucketrelay.config import Config
from bucketrelay.system import Defer, System
from bucketrelay.values import replace
from bucketrelay.wiring_stores import NO_KEYS, Keys


class Process:
    """One warm process of a function: reads its configuration once, keeps its clients.

    Args:
        beside: the folder of the handler, where `relay.toml` lies.
        environ: the process's environment.
    """

    def __init__(self, beside: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._beside, self._environ = beside, environ
        self._lock = threading.Lock()
        self._system: System | None = None
        self._found: Config | None = None
        self._keys = NO_KEYS

    def system(
        self,
        lookup: Callable[[str], str | None] | None = None,
        keys: Keys = NO_KEYS,
        defer: Defer | None = None,
    ) -> System:
        """The system, made at the first call.

        Args:
            lookup: where values are that the environment does not have (FunctionGraph: `context.getUserData`).
            keys: this invocation's temporary keys; clients are given the newest before each use.
            defer: how this invocation calls the function again; see `clouds/*/invoke.py`.

        Raises:
            ConfigError: with all mistakes; the next call tries again.
        """
        with self._lock:
            self._keys = keys
            if self._system is None:
                environ = Environment(self._environ, lookup) if lookup else self._environ
                metrics = "AWS_LAMBDA_FUNCTION_NAME" in environ  # CloudWatch reads them; elsewhere they are noise
                settings = config.find(environ, self._beside, Path.cwd())
                project = environ.get("RUNTIME_PROJECT_ID", "")  # FunctionGraph's word for where it runs
                self._found = settings
                self._system = wiring.system(
                    settings, keys=lambda: self._keys, metrics=metrics, project=project, environ=environ
                )
            return replace(self._system, defer=defer, alarms=self._tell_alarms)

    def _tell_alarms(self) -> None:
        if self._found is None or self._system is None or not self._found.alarms.webhook:
            return
        from bucketrelay import wiring_status  # only where a schedule asks, and somebody is to be told

        wiring_status.tell_alarms(self._found, self._system)

    def messages(self, payload: object, system: System, seconds: float) -> dict[str, object] | None:
        """What to answer to a payload that brings requests for copies; None where it brings none.

        Raises:
            StoreUnavailable: they have to come again.
        """
        if self._found is None or self._found.copier is None:
            return None
        from bucketrelay import wiring_invocation  # only where copies are asked for by message

        return wiring_invocation.invoke(self._found.copier, system, payload, seconds)


class Environment(Mapping[str, str]):
    """The environment, and behind it values that can be asked for one by one only."""

    def __init__(self, first: Mapping[str, str], lookup: Callable[[str], str | None]) -> None:
        self._first, self._lookup = first, lookup

    def __getitem__(self, name: str) -> str:
        if name in self._first:
            return self._first[name]
        value = self._lookup(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)
