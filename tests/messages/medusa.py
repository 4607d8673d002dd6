"""Medusa's side of the conversation, as its collection registry holds it: a row for each copy that is wanted.

A row is there until its copy is reported; `requested` is set when its message is sent, `error` when the reply says so.
Any reply may come at any time, and any reader may take it: it is told by what was passed through.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from messages.post import channel, put
from messages.running import PATIENCE


@dataclass
class Row:
    source: str
    target: str
    requested: bool = False
    error: str = ""


@dataclass
class Registry:
    url: str
    outgoing: str
    incoming: str
    roots: tuple[str, str] = ("staging", "main")
    rows: dict[int, Row] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=list)

    def want(self, *pairs: tuple[str, str]) -> None:
        for source, target in pairs:
            self.rows[len(self.rows) + 1] = Row(source, target)

    def send_copy_messages(self) -> None:
        bodies = []
        for number, row in self.rows.items():
            if not row.requested:
                bodies.append(json.dumps(self.request(number, row)).encode())
                row.requested = True
        put(self.url, self.outgoing, *bodies, content_type="application/octet-stream")

    def request(self, number: int, row: Row) -> dict[str, Any]:
        parameters = {
            "source_root": self.roots[0],
            "source_key": row.source,
            "target_root": self.roots[1],
            "target_key": row.target,
        }
        passed = {"workflow_accrual_key_id": number}
        return {"action": "copyto", "parameters": parameters, "pass_through": passed}

    def handle(self, body: bytes | str) -> None:
        said = json.loads(body)
        self.replies.append(said)
        number = said["pass_through"].get("workflow_accrual_key_id")
        row = self.rows.get(number)
        if row is None:
            return
        if said["status"] == "success":
            del self.rows[number]
        else:
            row.error = said["message"]

    @property
    def waiting(self) -> list[int]:
        return [number for number, row in self.rows.items() if row.requested and not row.error]

    def await_copy_messages(self, seconds: float = PATIENCE) -> None:
        """Drain the replies until every row has one."""
        end = time.monotonic() + seconds
        while self.waiting and time.monotonic() < end:
            try:
                with channel(self.url) as ch:
                    while self.waiting and time.monotonic() < end:
                        message = ch.basic_get(self.incoming, no_ack=True)
                        if message is None:
                            time.sleep(0.05)
                        else:
                            self.handle(message.body)
            except Exception:  # noqa: BLE001 — the broker is away: it comes again
                time.sleep(0.2)
