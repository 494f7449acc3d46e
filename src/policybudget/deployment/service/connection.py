"""A connection that waits for no client for ever: uvicorn's own, with bounds on heads, on time and on their number."""

from __future__ import annotations

from typing import Any

import msgspec

from policybudget.deployment.service.exchange import Exchange
from policybudget.deployment.service.refusal import Refusal
from policybudget.deployment.service.schemas import Error
from policybudget.errors import extra

with extra("serve", "services"):
    from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

LONGEST_HEAD = 65_536
"""Bytes of a request before its body."""


class Connection(HttpToolsProtocol):
    """A connection.

    Args:
        *arguments: of uvicorn.
        **details: of uvicorn.

    Attributes:
        since: when the client began to be waited for, by the clock of the loop; None while it is not.
        most: connections; one that comes when there are more is told so. Twice as many are never open.
        last: whether every connection is closed after its next answer.
    """

    most = 1000
    last = False

    def __init__(self, *arguments: Any, **details: Any) -> None:
        super().__init__(*arguments, **details)
        self.since: float | None = None
        self._head, self._in_head = 0, False

    def connection_made(self, transport: Any) -> None:
        """A client is there.

        Args:
            transport: to it.
        """
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) > self.most:
            self.app = _busy
        if len(self.connections) > 2 * self.most:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came.

        Args:
            data: the bytes.
        """
        super().data_received(data)
        self._head += len(data)
        if self._in_head and self._head > LONGEST_HEAD and not self.transport.is_closing():
            self.refuse(Refusal(431, f"the head of a request must be at most {LONGEST_HEAD:,} bytes"))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.since, self._head, self._in_head = self.loop.time(), 0, True

    def on_headers_complete(self) -> None:
        """A request has its head."""
        self._in_head = False
        super().on_headers_complete()
        if self.last:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request.

        Args:
            msg: of uvicorn.
        """
        self.refuse(Refusal(400, f"expected a request of HTTP/1.1: {msg.lower().rstrip('.')}"))

    def finish(self) -> None:
        """Close the connection after the answer that is under way."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def refuse(self, refusal: Refusal) -> None:
        """Answer below the app, and close. A whole request that came before is answered first, and that alone.

        Args:
            refusal: the status and the line.
        """
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        body = msgspec.json.encode(Error(str(refusal)))
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[refusal.status] + head + body)
        self.transport.close()


async def _busy(scope: Any, receive: Any, send: Any) -> None:
    """For connections of which there are too many."""
    close = (b"connection", b"close"), (b"retry-after", b"1")
    await Exchange(send).refuse(Refusal(503, "too many connections; try again in 1 s", close))
