"""S3 by moto behind a FaultProxy: a server that honours some conditions only, for a share of the storms."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from hashlib import md5
from itertools import count
from typing import Any
from unittest import mock

from bucketrelay_emulators.local_clouds import S3_KEYS, S3_REGION
from bucketrelay_emulators.proxy import FaultProxy
from storms.changes import WATCHED, Tell, age, carried, changed
from storms.weather import take_over

ACCOUNT = "123456789012"  # moto's


class Moto:
    """S3 by moto behind a FaultProxy; one request at a time, for moto's objects appear before their metadata do."""

    def __init__(self, stack: ExitStack, tell: Tell) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app
        from moto.s3 import models  # 0.5 s, which the other clouds' processes need not pay

        logging.disable(logging.CRITICAL)  # a part of an upload that is gone is a KeyError there, told at length
        stack.enter_context(mock.patch.object(models, "S3_UPLOAD_PART_MIN_SIZE", 1))
        stack.enter_context(mock.patch.object(models.notifications, "send_event", self._changed))
        self._models, self._tell, self._numbers = models, tell, count(1)
        self._pending: list[Callable[[], None]] = []
        self.endpoint = stack.enter_context(_serving(create_backend_app("s3"), self._flush))
        proxy = stack.enter_context(FaultProxy(self.endpoint))
        self.weather, self.record = take_over(proxy._server)
        keys = {**S3_KEYS, "region": S3_REGION}
        self.access = {"endpoint": self.endpoint, **keys}
        self.options = {"endpoint": proxy.endpoint, **keys}
        self.url = "s3://{}"

    @property
    def _buckets(self) -> Any:
        return self._models.s3_backends[ACCOUNT]["aws"].buckets

    def create(self, bucket: str) -> None:
        self._models.s3_backends[ACCOUNT]["aws"].create_bucket(bucket, S3_REGION)

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
            found[name] = _state(key)
        return found

    def edit(self, bucket: str, key: str, number: str) -> bool:
        """Nothing: moto would have it done by a copy onto itself, which is what `meta` is."""
        del bucket, key, number
        return False

    def second(self, bucket: str, key: str) -> int:
        """When the object was written, 0 where there is none."""
        held = self._buckets[bucket].keys.get(key)
        return int(held.last_modified.timestamp()) if held else 0

    def uploads(self) -> int:
        return sum(len(bucket.multiparts) for bucket in self._buckets.values())

    def _changed(self, account: str, name: Any, bucket: Any, key: Any) -> None:
        """In place of moto's sender, which would want queues. Parts that became an object are told once, as by S3."""
        kind = name.value.removeprefix("s3:")
        twice = kind == "ObjectCreated:Put" and key.multipart
        if bucket.name not in WATCHED or twice or not kind.startswith(("ObjectCreated:", "ObjectRemoved:")):
            return
        told = self._models.notifications._get_s3_event(name.value, bucket, key, "replicate")
        thing = told["Records"][0]["s3"]["object"]
        if kind.startswith("ObjectRemoved"):
            del thing["size"], thing["eTag"]
        about = told["Records"][0]
        time = datetime.fromisoformat(about["eventTime"].replace("Z", "+00:00")) - age(key.name)
        about["eventTime"] = f"{time:%Y-%m-%dT%H:%M:%S}.000Z"
        thing["sequencer"] = f"{next(self._numbers):018X}"
        gone = kind.startswith("ObjectRemoved")
        second = int(key.last_modified.timestamp())
        # moto sends it before the object has its metadata: it is told when the request is over.
        self._pending.append(
            lambda: self._tell(
                changed(bucket.name, key.name, second, None if gone else _state(key)) | {"records": told}
            )
        )

    def _flush(self) -> None:
        while self._pending:
            self._pending.pop(0)()


def _state(key: Any) -> list[Any]:
    told = {header.lower(): value for header, value in key.metadata.items()}
    user = {h.removeprefix("x-amz-meta-"): v for h, v in told.items() if h.startswith("x-amz-meta-")}
    return [md5(key.value).hexdigest(), carried(told), user]


@contextmanager
def _serving(app: Any, after: Callable[[], None]) -> Iterator[str]:
    """A WSGI application, one request at a time. moto's own server looks for the service anew with each request."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Silent(MotoRequestHandler):
        def log_request(self, *_: object) -> None:
            """Nothing: it would be formatted even where nobody reads it."""

    lock = threading.Lock()

    def guarded(environ: Any, start_response: Any) -> Any:
        with lock:
            answer = app(environ, start_response)
            after()
            return answer

    server = make_server("127.0.0.1", 0, guarded, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
