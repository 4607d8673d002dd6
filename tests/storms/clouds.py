"""One cloud in a process of its own: `python -m storms.clouds s3`; told what to do by lines of JSON.

Two ways lead in: writers go straight to the server, the product through faults. In: `{"id": 1, "do": "rage", "with":
[…]}`. Out: `{"id": 1, "answer": …}`, and `{"event": …}` for each change in the source bucket, before the writer has
his answer. It ends when its standard input does.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import md5
from itertools import count
from typing import Any
from unittest import mock
from urllib.parse import unquote

from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.engine.values import Change
from bucketrelay_emulators.obs import events as obs_events
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci import events as oci_events
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.server.proxy import FaultProxy
from storms.weather import take_over

SOURCE, TARGET, LOGS = "src-bucket", "target-bucket", "log-bucket"
NAMESPACE = "mytenancy"
ACCOUNT = "123456789012"  # moto's
CARRIED = ("content-type", "cache-control")

Tell = Callable[[dict[str, Any]], None]


class Moto:
    """S3 by moto behind a FaultProxy; one request at a time, for moto's objects appear before their metadata do."""

    def __init__(self, stack: ExitStack, tell: Tell) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app
        from moto.s3 import models  # 0.5 s, which the other clouds' processes need not pay

        logging.disable(logging.CRITICAL)  # a part of an upload that is gone is a KeyError there, told at length
        stack.enter_context(mock.patch.object(models, "S3_UPLOAD_PART_MIN_SIZE", 1))
        stack.enter_context(mock.patch.object(models.notifications, "send_event", self._changed))
        self._models, self._tell, self._numbers = models, tell, count(1)
        self.endpoint = stack.enter_context(_serving(create_backend_app("s3")))
        proxy = stack.enter_context(FaultProxy(self.endpoint))
        self.weather, self.record = take_over(proxy._server)
        keys = {"access_key": "test", "secret_key": "test-secret", "region": "us-east-1"}
        self.access = {"endpoint": self.endpoint, **keys}
        self.options = {"endpoint": proxy.endpoint, **keys}
        self.url = "s3://{}"

    @property
    def _buckets(self) -> Any:
        return self._models.s3_backends[ACCOUNT]["aws"].buckets

    def create(self, bucket: str) -> None:
        self._models.s3_backends[ACCOUNT]["aws"].create_bucket(bucket, "us-east-1")

    def empty(self) -> None:
        from moto.core.model_instances import reset_model_data

        for bucket in self._buckets.values():
            for key in list(bucket.keys):
                bucket.keys.pop(key)
            bucket.multiparts.clear()
        reset_model_data()

    def dump(self, bucket: str) -> dict[str, Any]:
        found = {}
        for name, key in self._buckets[bucket].keys.items():
            told = {header.lower(): value for header, value in key.metadata.items()}
            user = {h.removeprefix("x-amz-meta-"): v for h, v in told.items() if h.startswith("x-amz-meta-")}
            found[name] = [md5(key.value).hexdigest(), _carried(told), user]
        return found

    def uploads(self) -> int:
        return sum(len(bucket.multiparts) for bucket in self._buckets.values())

    def _changed(self, account: str, name: Any, bucket: Any, key: Any) -> None:
        """In place of moto's sender, which would want queues. Parts that became an object are told once, as by S3."""
        kind = name.value.removeprefix("s3:")
        twice = kind == "ObjectCreated:Put" and key.multipart
        if bucket.name != SOURCE or twice or not kind.startswith(("ObjectCreated:", "ObjectRemoved:")):
            return
        told = self._models.notifications._get_s3_event(name.value, bucket, key, "replicate")
        thing = told["Records"][0]["s3"]["object"]
        if kind.startswith("ObjectRemoved"):
            del thing["size"], thing["eTag"]
        thing["sequencer"] = f"{next(self._numbers):018X}"
        self._tell({"key": key.name, "records": told})


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    """A WSGI application, one request at a time. moto's own server looks for the service anew with each request."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Silent(MotoRequestHandler):
        def log_request(self, *_: object) -> None:
            """Nothing: it would be formatted even where nobody reads it."""

    lock = threading.Lock()

    def guarded(environ: Any, start_response: Any) -> Any:
        with lock:
            return app(environ, start_response)

    server = make_server("127.0.0.1", 0, guarded, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Emulated:
    """OBS or OCI: one engine beneath two emulators, of which one has the faults."""

    def __init__(self, straight: Any, through: Any, namespace: str, tell: Tell) -> None:
        self._emulator, self._namespace, self._tell = straight, namespace, tell
        self.weather, self.record = take_over(through._server)
        straight.engine.subscribe(self._changed)

    def create(self, bucket: str) -> None:
        self._emulator.create_bucket(bucket)

    def empty(self) -> None:
        for bucket in (SOURCE, TARGET, LOGS):
            self._emulator.engine.delete_bucket(bucket, self._namespace, force=True)
            self._emulator.create_bucket(bucket)

    def dump(self, bucket: str) -> dict[str, Any]:
        return {
            obj.key: [obj.md5, _carried(obj.headers), {name: self._user(value) for name, value in obj.user.items()}]
            for obj in self._bucket(bucket).list()
        }

    def uploads(self) -> int:
        return sum(len(list(self._bucket(bucket).uploads())) for bucket in (SOURCE, TARGET, LOGS))

    def _bucket(self, bucket: str) -> Any:
        return self._emulator.engine.bucket(bucket, self._namespace)

    def _user(self, value: str) -> str:
        return value

    def _changed(self, change: Change) -> None:
        if change.bucket == SOURCE:
            self._tell({"key": change.key} | self._shapes(change))

    def _shapes(self, change: Change) -> dict[str, Any]:
        raise NotImplementedError


class Obs(_Emulated):
    """OBS; its own SDKs percent-encode the values of user metadata."""

    def __init__(self, stack: ExitStack, tell: Tell) -> None:
        straight = stack.enter_context(ObsEmulator(min_part=1))
        through = stack.enter_context(ObsEmulator(min_part=1, engine=straight.engine))
        for emulator in (straight, through):
            emulator._unsubscribe()  # its queue of events would only grow
        super().__init__(straight, through, "", tell)
        keys = {"access_key": straight.access_key, "secret_key": straight.secret_key}
        self.access = {"endpoint": straight.endpoint, **keys}
        self.options = {"endpoint": through.endpoint, **keys}
        self.url = "obs://{}"

    def _user(self, value: str) -> str:
        return unquote(value)

    def _shapes(self, change: Change) -> dict[str, Any]:
        return {shape: obs_events.event(change, shape) for shape in ("v2", "v3", "eventgrid")}


class Oci(_Emulated):
    """OCI."""

    def __init__(self, stack: ExitStack, tell: Tell) -> None:
        straight = stack.enter_context(OciEmulator(namespace=NAMESPACE))
        through = stack.enter_context(OciEmulator(namespace=NAMESPACE, engine=straight.engine))
        super().__init__(straight, through, NAMESPACE, tell)
        self.access = {"endpoint": straight.endpoint, "config_file": straight.config_file, "region": straight.region}
        self.options = {
            "endpoint": through.endpoint,
            "config_file": through.config_file,
            "region": through.region,
            "auth": "api_key",
        }
        self.url = "oci://{}@" + NAMESPACE

    def _shapes(self, change: Change) -> dict[str, Any]:
        return {"event": oci_events.event(change)}


def _carried(headers: Any) -> dict[str, str]:
    return {name: headers[name] for name in CARRIED if name in headers}


class Told:
    """What a cloud can be told to do, by the name of the method."""

    def __init__(self, cloud: Any) -> None:
        self._cloud = cloud

    def facts(self) -> dict[str, Any]:
        return {"url": self._cloud.url, "access": self._cloud.access, "options": self._cloud.options}

    def rage(self, storm: str, faults: list[dict[str, Any]]) -> None:
        self._cloud.weather.rage(storm, [Fault(**fault) for fault in faults])

    def calm(self, storm: str) -> None:
        self._cloud.weather.calm(storm)

    def sync(self) -> None:
        """Answer, behind all events that were told before."""

    def dump(self, bucket: str) -> dict[str, Any]:
        return self._cloud.dump(bucket)

    def lines(self, storm: str) -> list[str]:
        return self._cloud.record.lines(storm)

    def counts(self) -> dict[str, int]:
        return dict(self._cloud.record.counts)

    def uploads(self) -> int:
        return self._cloud.uploads()

    def empty(self) -> None:
        self._cloud.record.forget()
        self._cloud.empty()


def main(name: str) -> None:
    """Serve until standard input ends."""
    lock = threading.Lock()

    def say(said: dict[str, Any]) -> None:
        line = json.dumps(said) + "\n"
        with lock:
            sys.stdout.write(line)
            sys.stdout.flush()

    with ExitStack() as stack:
        cloud = {"s3": Moto, "obs": Obs, "oci": Oci}[name](stack, lambda event: say({"event": event}))
        for bucket in (SOURCE, TARGET, LOGS):
            cloud.create(bucket)
        told = Told(cloud)
        for line in sys.stdin:
            asked = json.loads(line)
            say({"id": asked["id"], "answer": getattr(told, asked["do"])(*asked["with"])})


if __name__ == "__main__":
    main(sys.argv[1])
