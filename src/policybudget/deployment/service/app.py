"""The service as a FastAPI app. Whatever is asked passes the gate first, and is counted and logged in the end."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.service import endpoints, schemas
from policybudget.deployment.service.description import description
from policybudget.deployment.service.exchange import Exchange
from policybudget.deployment.service.gate import Gate, checked_token
from policybudget.deployment.service.limits import Gone, check_body, read_body
from policybudget.deployment.service.logs import Line, Log, shown
from policybudget.deployment.service.metrics import Metrics
from policybudget.deployment.service.refusal import Refusal
from policybudget.deployment.service.serving import Serving, prepared
from policybudget.deployment.service.settings import Settings
from policybudget.errors import extra, one_line

with extra("serve", "services"):
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

LEFT = 499
"""The status of a request whose client left before it was whole."""
QUIET: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


class Service(FastAPI):
    """The app. See :func:`make_app`.

    Args:
        folder: of the bundle.
        settings: what is served, and how much of it.
        token: that clients must show; None for none, and then clients of this machine alone are served.
        log: where lines go.

    Attributes:
        serving: the bundle at work; replaced as a whole.
        draining: whether the service is about to end, which health tells.
        needs_token: whether clients must show one.
    """

    def __init__(self, folder: Path, settings: Settings, token: str | None, log: Log) -> None:
        super().__init__(
            title="policybudget", docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=QUIET,
            exception_handlers={HTTPException: endpoints.http_error},
        )  # fmt: skip
        self.folder, self.settings, self.log, self.metrics = folder, settings, log, Metrics()
        self.draining, self.needs_token, self._gate = False, token is not None, Gate(token, settings.rate)
        self._encode = msgspec.json.Encoder().encode
        self._computed: dict[str, msgspec.json.Decoder[Any]] = {
            "/act": msgspec.json.Decoder(schemas.Act),
            "/assign": msgspec.json.Decoder(schemas.Assign),
        }
        self._paths = {*self._computed, *endpoints.READ, "/openapi.json"}
        for path, endpoint in endpoints.READ.items():
            self.add_route(path, endpoint, methods=["GET"])
        for path in self._computed:
            self.add_route(path, endpoints.elsewhere, methods=["POST"])
        self.serve(prepared(folder, settings))

    def serve(self, serving: Serving) -> None:
        """Put a bundle to work. Requests that are being answered end with the one that they began with.

        Args:
            serving: the bundle.
        """
        self.serving = serving
        self.metrics.bundle(serving.digest, serving.bundle.record.world, sum(serving.may))

    def reload(self) -> Serving:
        """Read the bundle's folder anew, verify it, and put it to work; if anything is wrong, nothing changes.

        Returns:
            The bundle at work.

        Raises:
            PolicyBudgetError: the bundle is damaged, acts in other units, or no policy may act.
        """
        try:
            found = prepared(self.folder, self.settings)
            self.serving.check_successor(found)
        except Exception as error:  # whatever is wrong with it: what is at work goes on
            self.metrics.reloaded(False)
            self.log.event("reload", done=False, bundle=self.serving.digest, error=one_line(str(error) or repr(error)))
            raise
        self.serve(found)
        self.metrics.reloaded(True)
        self.log.event("reload", done=True, bundle=found.digest)
        return found

    def openapi(self) -> dict[str, Any]:
        """The description of the service, as the bundle at work has it."""
        return description(self.serving, version("policybudget"), self.needs_token)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request.

        Args:
            scope: of ASGI.
            receive: of ASGI.
            send: of ASGI.
        """
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began, exchange = time.perf_counter(), Exchange(send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        client = scope["client"][0] if scope.get("client") else ""
        self.metrics.in_progress += 1
        try:
            headers = dict(scope["headers"])
            self._gate.admit(path, client, headers)
            if path in self._computed and scope["method"] == "POST":  # FastAPI's layers would take as long again
                await self._compute(path, headers, receive, exchange)
            else:
                await super().__call__(scope, receive, exchange.send)
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except Gone:
            exchange.status = LEFT
        except Exception as error:
            self.log.failure(error)
            await exchange.refuse(Refusal(500, "the service failed; its log has more"))
        finally:
            seconds = time.perf_counter() - began
            self.metrics.in_progress -= 1
            self.metrics.ended(path if path in self._paths else "other", exchange.status, seconds)
            if self.log.requests:
                about = scope["method"], path if path in self._paths else shown(path), exchange.status
                line = Line(datetime.now(UTC), *about, round(1e3 * seconds, 3), client, exchange.policy, exchange.error)
                self.log.request(line)

    async def _compute(self, path: str, headers: dict[bytes, bytes], receive: Any, exchange: Exchange) -> None:
        """``/act`` and ``/assign``."""
        check_body(headers)
        body = await read_body(receive, self.settings.most_bytes)
        asked: schemas.Act | schemas.Assign = schemas.decoded(self._computed[path], body)
        serving = self.serving
        found: schemas.Acted | schemas.Assigned
        if isinstance(asked, schemas.Act):
            found = serving.act(asked)
            self.metrics.acted(found.policy, len(found.actions) if isinstance(found.actions, list) else 1)
        else:
            found = serving.assign(asked)
            self.metrics.assigned(found.policy)
        exchange.policy = found.policy
        await exchange.answer(200, self._encode(found))


def make_app(
    bundle: Bundle | str | Path, settings: Settings | None = None, token: str | None = None, log: Log | None = None
) -> Service:
    """The service of a bundle, for any server that speaks ASGI; ``policybudget serve`` runs it with uvicorn.

    Args:
        bundle: or its folder. It is verified.
        settings: what is served, and how much of it; the defaults if None.
        token: that clients must show; that of the environment variable POLICYBUDGET_TOKEN if None. Without one,
            clients of this machine alone are served.
        log: where lines go; standard error if None.

    Returns:
        The app, a ``FastAPI``.

    Raises:
        PolicyBudgetError: the bundle is damaged, no policy may act, or the token is short.
    """
    settings = settings or Settings()
    folder = bundle.folder if isinstance(bundle, Bundle) else Path(bundle)
    return Service(folder, settings, checked_token(token), log or Log(settings.log == "requests"))
