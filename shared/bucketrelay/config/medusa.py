"""medusa-copier's own configuration, `medusa_copier.yaml`, as one of ours.

Its roots are rclone's remotes by name; keys are relative to them. The keys of `connection` are Ruby symbols (`:host`),
or plain words. What says how patient the original is (`sleep_on_empty`, `max_connection_retry_errors`) means nothing
here: ours waits for as long as it takes, and notices at once.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from bucketrelay.config.values import BrokerConfig, Config, CopierConfig, QueueConfig, Secret, StoreConfig
from bucketrelay.config.yaml_file import read
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address

_REMOTE = re.compile(r"\w[\w.+@ -]{0,254}")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the file; its job queue is `relay.db` beside it, or what `BUCKETRELAY_QUEUE` names.

    Raises:
        ConfigError: with every mistake, each with its path in the file.
    """
    settings, mistakes = read(path), list[str]()
    broker, incoming, outgoing = _broker(settings, mistakes)
    stores, roots = _roots(settings, mistakes)
    if mistakes:
        raise ConfigError([f"{path}: {mistake}" for mistake in mistakes])
    queue = QueueConfig(path=Path(environ.get("BUCKETRELAY_QUEUE") or path.parent / "relay.db"))
    copier = CopierConfig(broker, incoming, outgoing, MappingProxyType(roots))
    return Config("", MappingProxyType(stores), (), queue=queue, copier=copier)


def _broker(fields: Mapping[str, Any], mistakes: list[str]) -> tuple[BrokerConfig, str, str]:
    kind = "amqp" if isinstance(fields.get("amqp"), dict) else "sqs"
    section = fields.get(kind)
    if not isinstance(section, dict):
        mistakes.append("amqp: is missing: say how the broker is reached, under amqp or sqs")
        return BrokerConfig(Secret(""), ""), "", ""
    incoming, outgoing = section.get("incoming_queue"), section.get("outgoing_queue")
    if not isinstance(incoming, str) or not incoming:
        mistakes.append(f"{kind}.incoming_queue: is missing: name the queue that requests come by")
    if outgoing is not None and not isinstance(outgoing, str):
        mistakes.append(f"{kind}.outgoing_queue: must be a text")
    if incoming and incoming == outgoing:
        mistakes.append(f"{kind}.outgoing_queue: is the incoming queue, too: each reply would be taken for a request")
    connection = section.get("connection")
    url = (_amqp if kind == "amqp" else _sqs)(connection if isinstance(connection, dict) else {})
    shown = url.rpartition("@")[2].partition("?")[0] or "sqs"
    return BrokerConfig(Secret(url), shown), str(incoming or ""), str(outgoing or "")


def _amqp(connection: Mapping[str, Any]) -> str:
    """Bunny's settings as a URL, with Bunny's own defaults."""
    secure = connection.get("ssl") in (True, "true") or connection.get("tls") in (True, "true")
    host = connection.get("host") or connection.get("hostname") or "127.0.0.1"
    user = connection.get("user") or connection.get("username") or "guest"
    password = connection.get("password") or connection.get("pass") or "guest"
    vhost = connection.get("vhost") or connection.get("virtual_host") or "/"
    port = connection.get("port") or (5671 if secure else 5672)
    place = f"{quote(str(user), safe='')}:{quote(str(password), safe='')}@{host}:{port}/{quote(str(vhost), safe='')}"
    return f"{'amqps' if secure else 'amqp'}://{place}"


def _sqs(connection: Mapping[str, Any]) -> str:
    keys = [quote(str(connection.get(name) or ""), safe="") for name in ("access_key_id", "secret_access_key")]
    told = {name: str(connection[name]) for name in ("region", "endpoint") if connection.get(name)}
    return f"sqs://{':'.join(keys) + '@' if all(keys) else ''}?{urlencode(told)}"


def _roots(fields: Mapping[str, Any], mistakes: list[str]) -> tuple[dict[str, StoreConfig], dict[str, str]]:
    roots = fields.get("roots")
    config = fields.get("rclone_config_path")
    options: dict[str, object] = {"config": str(config)} if config else {}
    if not isinstance(roots, dict) or not roots:
        mistakes.append("roots: is missing: name at least one, with its rclone_config")
        return {}, {}
    stores: dict[str, StoreConfig] = {}
    named: dict[str, str] = {}
    for root, told in roots.items():
        remote = told.get("rclone_config") if isinstance(told, dict) else None
        if not isinstance(remote, str) or not _REMOTE.fullmatch(remote):
            mistakes.append(f"roots.{root}.rclone_config: must name a remote of rclone's configuration")
            continue
        stores[remote] = StoreConfig(remote, Address("rclone", remote), MappingProxyType(options))
        named[root] = remote
    return stores, named
