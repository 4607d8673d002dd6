"""Configuration to those who are told of changes and of alarms; only what the routes need of it is imported."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bucketrelay.config import Config, ForwardConfig, Secret
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError
from bucketrelay.forward import Forward
from bucketrelay.wiring_stores import Keys

if TYPE_CHECKING:
    from bucketrelay.forward.webhook import WebhookForward

_TELLING = 30.0  # seconds for the receiver of an alarm


def forwards(config: Config, keys: Callable[[], Keys], project: str) -> dict[str, Forward]:
    """The forwards that the routes name; only what they need is imported, and nothing is connected yet."""
    made: dict[str, Forward] = {}
    mistakes: list[str] = []
    for name in dict.fromkeys(route.forward for route in config.routes if route.forward):
        forward = config.forwards[name]
        path = "sync_url" if forward.task_id else f"forwards.{name}"
        try:
            made[name] = _oms(forward, keys, project) if forward.type == "oms" else _webhook(forward)
        except ConfigError as error:
            mistakes += [f"{path}: {mistake}" for mistake in error.mistakes]
    if mistakes:
        raise ConfigError(mistakes)
    return made


def _oms(config: ForwardConfig, keys: Callable[[], Keys], project: str) -> Forward:
    from bucketrelay.forward.oms import OmsForward  # a function imports only what its routes need

    own = _reveal(config.access_key), _reveal(config.secret_key), ""
    return OmsForward(
        config.url, config.task_id, keys=(lambda: own) if own[0] else keys, project=project, shown=config.shown
    )


def _webhook(config: ForwardConfig) -> "WebhookForward":
    from bucketrelay.forward.webhook import WebhookForward  # a function imports only what its routes need

    access_key, secret_key = _reveal(config.access_key), _reveal(config.secret_key)
    return WebhookForward(config.url, access_key=access_key, secret_key=secret_key, shown=config.shown)


def alarm_receiver(config: Config) -> Callable[[Mapping[str, object]], None]:
    """Who is told of alarms, as something that takes a CloudEvent and raises unless it was taken."""
    forward = config.forwards[config.alarms.webhook]
    receiver = _webhook(forward)

    def send(event: Mapping[str, object]) -> None:
        try:
            receiver.send(event, Deadline(_TELLING))
        finally:
            receiver.close()

    return send


def _reveal(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""
