"""Queues in real databases, and how to let time pass in them: their rows are moved into the past."""

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bucketrelay.jobs.postgres import PostgresQueue
from bucketrelay.jobs.queue import Policy
from bucketrelay.jobs.sqlite import SqliteQueue

POLICY = Policy(lease=60, attempts=3, first=2, factor=4, longest=3600)


@dataclass
class SqliteRig:
    path: Path
    opened: list[SqliteQueue] = field(default_factory=list)

    def open(self, policy: Policy = POLICY, scatter=lambda: 0.0) -> SqliteQueue:
        """One more process that uses the queue."""
        self.opened.append(SqliteQueue(self.path, policy, scatter))
        return self.opened[-1]

    def run(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def later(self, seconds: float) -> None:
        """As if *seconds* had passed."""
        self.run(*passed(seconds))

    def close(self) -> None:
        for queue in self.opened:
            queue.close()


def passed(seconds: float) -> list[str]:
    times = {
        "relay_job": ("ready_at", "created_at", "dead_at"),
        "relay_ended": ("ended_at",),
        "relay_schedule": ("last_at",),
    }
    return [
        f"UPDATE {table} SET {column} = {column} - {seconds}" for table, columns in times.items() for column in columns
    ]


@dataclass
class PostgresRig:
    url: str
    opened: list[PostgresQueue] = field(default_factory=list)

    def open(self, policy: Policy = POLICY, scatter=lambda: 0.0) -> PostgresQueue:
        """One more process that uses the queue."""
        self.opened.append(PostgresQueue(self.url, "postgresql://…/relay", policy, scatter))
        return self.opened[-1]

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def later(self, seconds: float) -> None:
        """As if *seconds* had passed: for what the processes remember of the last second, too."""
        self.run(*passed(seconds))
        for queue in self.opened:
            queue._seen.at -= seconds

    def close(self) -> None:
        for queue in self.opened:
            queue.close()
