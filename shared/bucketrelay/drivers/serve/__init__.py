"""HTTP: events in, jobs into the queue; synchronisation, COMS's endpoints, health and metrics."""

from bucketrelay.drivers.serve.app import app
from bucketrelay.drivers.serve.world import Guarding, Serving, Sync

__all__ = ["Guarding", "Serving", "Sync", "app"]
