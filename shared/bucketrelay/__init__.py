"""Event-driven replication of object storage, from any cloud to any cloud."""

__version__ = "0.1.0"
