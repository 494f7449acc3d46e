"""The service run by uvicorn: one process, signals, connections that are watched, and an end at which nothing is lost.

On SIGTERM or SIGINT, connections that came so far are accepted and no others; every answer from then on closes its
connection, and what is asked on those that are open is answered for ``drain`` seconds, or until all are closed. On
SIGHUP the bundle is read anew.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import select
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from policybudget.deployment.service.app import Service
from policybudget.deployment.service.connection import Connection
from policybudget.deployment.service.gate import TOKEN
from policybudget.deployment.service.logs import Handler
from policybudget.deployment.service.refusal import Refusal
from policybudget.errors import PolicyBudgetError, extra

with extra("serve", "services"):
    import uvicorn

SECOND = 10
"""Ticks of uvicorn's main loop."""
LOOK = 0.01
"""Seconds between two looks at whether all connections are closed."""
Told = Callable[[str], None]


class Server(uvicorn.Server):
    """uvicorn's server.

    Args:
        app: to be run.
        listening: the socket.
        told: hears in a line where it is served, once it is.
    """

    def __init__(self, app: Service, listening: socket.socket, told: Told) -> None:
        settings = app.settings
        self._connection: type[Connection] = type("Connection", (Connection,), {"most": settings.connections})
        super().__init__(
            uvicorn.Config(
                app,
                loop="auto",
                http=self._connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=settings.connections,
                timeout_graceful_shutdown=max(1, round(settings.patience)),
            )
        )
        self.app, self._listening, self._told = app, listening, told
        self._reloading, self._tasks = asyncio.Lock(), set[asyncio.Task[None]]()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Nothing: signals are heard by the loop."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen.

        Args:
            sockets: to listen on.
        """
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        with suppress(ValueError, RuntimeError, AttributeError):  # there are none but in the main thread of Unix
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
        gc.collect()
        gc.freeze()  # what is there now stays: no need to look at it again
        host, port = self._listening.getsockname()[:2]
        serving, place = self.app.serving, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        policies = sum(serving.may)
        self.app.log.event("start", address=place, bundle=serving.digest, policies=policies, token=self.app.needs_token)
        self._told(f"http://{place} serves {policies} policies of the bundle {serving.digest[:16]}")

    def stop(self) -> None:
        """End in good order; asked for the second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second.

        Args:
            counter: of ticks.

        Returns:
            Whether it is time to end.
        """
        if counter % SECOND == 0:
            self._look()
        return await super().on_tick(counter)

    def _look(self) -> None:
        """Close connections whose requests have not come in in time."""
        patience, now = self.app.settings.patience, asyncio.get_running_loop().time()
        for each in self._connections():
            if each.since is not None and now - each.since > patience:
                each.refuse(Refusal(408, f"a request must come in within {patience:g} s"))

    def _connections(self) -> list[Connection]:
        return [each for each in self.server_state.connections if isinstance(each, Connection)]

    def _reload(self) -> None:
        """Read the bundle anew, beside what is served."""

        async def reload() -> None:
            async with self._reloading:
                with suppress(Exception):  # it is in the log, and nothing has changed
                    await asyncio.to_thread(self.app.reload)

        task = asyncio.get_running_loop().create_task(reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: answer what has come, and what comes on open connections; then close.

        Args:
            sockets: that are listened on.
        """
        loop = asyncio.get_running_loop()
        self.app.draining, until = True, loop.time() + self.app.settings.drain
        self.app.log.event("stop", connections=len(self.server_state.connections))
        self._connection.last = True
        for each in self._connections():
            each.finish()
        self._listening.listen(0)
        while select.select([self._listening], [], [], 0)[0] and loop.time() < until:
            await asyncio.sleep(0)  # those that the system has taken are accepted, one in each round of the loop
        for server in self.servers:
            server.close()
        while self.server_state.connections and loop.time() < until and not self.force_exit:
            await asyncio.sleep(LOOK)
        await super().shutdown(sockets)
        self.app.log.event("stopped", requests=self.server_state.total_requests)


def listen(host: str, port: int, backlog: int, token: bool) -> socket.socket:
    """A socket that listens.

    Args:
        host: name or address.
        port: 0 for any that is free.
        backlog: connections that may wait to be accepted.
        token: whether clients must show one; without, only this machine is listened to.

    Returns:
        The socket.

    Raises:
        PolicyBudgetError: the address is reachable from elsewhere and there is no token, or cannot be listened on.
    """
    if not 0 <= port < 65_536:
        raise PolicyBudgetError(f"port must be from 0 to 65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = found[0][0], found[0][4]
        if not token and not ipaddress.ip_address(str(address[0])).is_loopback:
            raise PolicyBudgetError(
                f"host {host} is reachable from elsewhere, which needs a token: set {TOKEN}, or listen on 127.0.0.1"
            )
        return socket.create_server(address[:2], family=family, backlog=backlog)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (")[0].lower()
        raise PolicyBudgetError(f"cannot listen on {host}:{port}: {reason}; choose another host or port") from None


def serve(app: Service, host: str = "127.0.0.1", port: int = 8000, told: Told = lambda line: None) -> None:
    """Serve until a signal ends it.

    Args:
        app: as :func:`policybudget.deployment.service.app.make_app` makes it.
        host: name or address; other machines are listened to only where clients must show a token.
        port: 0 for any that is free.
        told: hears in a line where it is served, once it is.

    Raises:
        PolicyBudgetError: the address cannot be listened on.
    """
    listening = listen(host, port, app.settings.connections, app.needs_token)
    _allow_files(2 * app.settings.connections + 100)
    records, handler = logging.getLogger("uvicorn.error"), Handler(app.log)
    records.setLevel(logging.WARNING)
    records.propagate = False
    records.addHandler(handler)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(handler)
    try:
        Server(app, listening, told).run([listening])
    finally:
        listening.close()


def _allow_files(number: int) -> None:
    """As many open files as connections need, if the system lets."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        most: Any = number if hard == resource.RLIM_INFINITY else min(number, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
