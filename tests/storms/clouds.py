"""One cloud in a process of its own: `python -m storms.clouds s3`; told what to do by lines of JSON.

Two ways lead in: writers go straight to the server, the product through faults. In: `{"id": 1, "do": "rage", "with":
[…]}`. Out: `{"id": 1, "answer": …}`, and `{"event": …}` for each change in a watched bucket, before the writer has his
answer. It ends when its standard input does.
"""

import json
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import unquote

from bucketrelay_emulators.engine.engine import Engine
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.engine.values import Change, NoSuchKey, Obj
from bucketrelay_emulators.local_clouds import NAMESPACE, S3_KEYS, S3_REGION, Emulated
from bucketrelay_emulators.obs import events as obs_events
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci import events as oci_events
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.server.tls import Authority
from storms.changes import BUCKETS, LOGS, WATCHED, Tell, age, carried, changed
from storms.s3_server import S3Emulator, records
from storms.weather import take_over


class _Engined:
    """One engine beneath two emulators, of which one has the faults."""

    scheme, namespace = "", ""

    def __init__(
        self, straight: Any, through: Any, access: dict[str, str], options: dict[str, str], tell: Tell
    ) -> None:
        self.access = {"endpoint": straight.endpoint, **access}
        self.options = {"endpoint": through.endpoint, **access, **options}
        self._cloud, self._tell = Emulated(self.scheme, straight, self.namespace, self.options), tell
        self.url = self._cloud.url("{}")
        self.weather, self.record = take_over(through._server)
        straight.engine.subscribe(self._changed)

    def create(self, bucket: str) -> None:
        self._cloud.create(bucket)

    def empty(self) -> None:
        for bucket in BUCKETS:
            self._cloud.emulator.engine.delete_bucket(bucket, self.namespace, force=True)
            self.create(bucket)

    def dump(self, bucket: str) -> dict[str, Any]:
        return {obj.key: self._state(obj) for obj in self._cloud.bucket(bucket).list()}

    def edit(self, bucket: str, key: str, number: str) -> bool:
        """As consoles do: the metadata alone, with all that is there kept, our stamp as well."""
        held = self._cloud.bucket(bucket)
        try:
            obj = held.get(key)
        except NoSuchKey:
            return False
        held.put(key, obj.body, obj.headers, {**obj.user, "number": number}, storage_class=obj.storage_class)
        return True

    def second(self, bucket: str, key: str) -> int:
        """When the object was written, 0 where there is none."""
        try:
            return int(self._cloud.bucket(bucket).get(key).modified.timestamp())
        except NoSuchKey:
            return 0

    def uploads(self) -> int:
        return sum(len(list(self._cloud.bucket(bucket).uploads.list())) for bucket in BUCKETS)

    def _state(self, obj: Obj) -> list[Any]:
        return [obj.md5, carried(obj.headers), {name: self._user(value) for name, value in obj.user.items()}]

    def _user(self, value: str) -> str:
        return value

    def _changed(self, change: Change) -> None:
        if change.bucket in WATCHED:
            state = self._state(change.obj) if change.obj else None
            about = changed(change.bucket, change.key, int(change.time.timestamp()), state)
            self._tell(about | self._shapes(replace(change, time=change.time - age(change.key))))

    def _shapes(self, change: Change) -> dict[str, Any]:
        raise NotImplementedError


def _secure(stack: ExitStack, *, tls: bool) -> tuple[Any, dict[str, str]]:
    """What a server needs for HTTPS, and the option by which its clients trust it."""
    if not tls:
        return None, {}
    authority = Authority()
    stack.callback(authority.cleanup)
    return authority.server_context("127.0.0.1"), {"ca_file": authority.ca_file}


class S3(_Engined):
    """S3 with conditions, which moto has for some operations only."""

    scheme = "s3"

    def __init__(self, stack: ExitStack, tell: Tell, *, tls: bool = False, versioned: bool = False) -> None:
        self._numbers, engine = count(1), Engine()
        context, trust = _secure(stack, tls=tls)
        straight = stack.enter_context(S3Emulator(engine, versioned=versioned))
        through = stack.enter_context(S3Emulator(engine, context))
        super().__init__(straight, through, {**S3_KEYS, "region": S3_REGION}, trust, tell)

    def _shapes(self, change: Change) -> dict[str, Any]:
        return {"records": records(change, next(self._numbers))}


class Obs(_Engined):
    """OBS; its own SDKs percent-encode the values of user metadata."""

    scheme = "obs"

    def __init__(self, stack: ExitStack, tell: Tell, *, tls: bool = False, versioned: bool = False) -> None:
        del versioned  # its emulator has none
        straight = stack.enter_context(ObsEmulator(min_part=1))
        through = stack.enter_context(ObsEmulator(min_part=1, engine=straight.engine, tls=tls))
        for emulator in (straight, through):
            emulator._unsubscribe()  # its queue of events would only grow
        keys = {"access_key": straight.access_key, "secret_key": straight.secret_key}
        super().__init__(straight, through, keys, {"ca_file": through.ca_file} if tls else {}, tell)

    def _user(self, value: str) -> str:
        return unquote(value)

    def _shapes(self, change: Change) -> dict[str, Any]:
        return {shape: obs_events.event(change, shape) for shape in ("v2", "v3", "eventgrid")}


class Oci(_Engined):
    """OCI."""

    scheme, namespace = "oci", NAMESPACE

    def __init__(self, stack: ExitStack, tell: Tell, *, tls: bool = False, versioned: bool = False) -> None:
        del versioned  # its emulator has none
        context, trust = _secure(stack, tls=tls)
        straight = stack.enter_context(OciEmulator(namespace=NAMESPACE))
        through = stack.enter_context(OciEmulator(namespace=NAMESPACE, engine=straight.engine, tls=context))
        more = {"config_file": through.config_file, "auth": "api_key", **trust}
        access = {"config_file": straight.config_file, "region": straight.region}
        super().__init__(straight, through, access, more, tell)

    def _shapes(self, change: Change) -> dict[str, Any]:
        return {"event": oci_events.event(change)}


class Told:
    """What a cloud can be told to do, by the name of the method."""

    def __init__(self, cloud: Any) -> None:
        self._cloud = cloud
        self.dump, self.edit, self.second, self.uploads = cloud.dump, cloud.edit, cloud.second, cloud.uploads

    def facts(self) -> dict[str, Any]:
        return {"url": self._cloud.url, "access": self._cloud.access, "options": self._cloud.options}

    def rage(self, storm: str, faults: list[dict[str, Any]]) -> None:
        self._cloud.weather.rage(storm, [Fault(**fault) for fault in faults])

    def calm(self, storm: str) -> None:
        self._cloud.weather.calm(storm)

    def sync(self) -> None:
        """Answer, behind all events that were told before."""

    def lines(self, storm: str) -> list[str]:
        return self._cloud.record.lines(storm)

    def counts(self) -> dict[str, int]:
        return dict(self._cloud.record.counts)

    def lists(self) -> list[str]:
        return sorted(self._cloud.dump(LOGS))

    def empty(self) -> None:
        self._cloud.record.forget()
        self._cloud.empty()


def main(name: str, words: list[str]) -> None:
    """Serve until standard input ends."""
    lock = threading.Lock()

    def say(said: dict[str, Any]) -> None:
        line = json.dumps(said) + "\n"
        with lock:
            sys.stdout.write(line)
            sys.stdout.flush()

    with ExitStack() as stack:
        cloud = _cloud(name, stack, lambda event: say({"event": event}), words)
        for bucket in BUCKETS:
            cloud.create(bucket)
        told = Told(cloud)
        for line in sys.stdin:
            asked = json.loads(line)
            say({"id": asked["id"], "answer": getattr(told, asked["do"])(*asked["with"])})


def _cloud(name: str, stack: ExitStack, tell: Tell, words: list[str]) -> Any:
    if name == "s3" and "moto" in words:
        from storms.moto_cloud import Moto  # 0.5 s, which the other clouds' processes need not pay

        return Moto(stack, tell)
    makers: dict[str, Any] = {"s3": S3, "obs": Obs, "oci": Oci}
    return makers[name](stack, tell, tls="tls" in words, versioned="versioned" in words)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
