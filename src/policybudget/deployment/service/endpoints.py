"""What is read and not computed: the page, health, policies, metrics. Errors of the app as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from policybudget.deployment.service import page, schemas
from policybudget.deployment.service.metrics import CONTENT_TYPE
from policybudget.errors import extra, one_line

with extra("serve", "services"):
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

if TYPE_CHECKING:
    from policybudget.deployment.service.app import Service

FRESH = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, FRESH, "application/json")


async def _page(request: Request) -> Response:
    return Response(page.content(), 200, FRESH | page.headers(), "text/html; charset=utf-8")


async def _health(request: Request) -> Response:
    app: Service = request.app
    now = app.serving
    status = schemas.Health(
        "draining" if app.draining else "ok", now.digest, sum(now.may), now.settings.only_approved, app.needs_token
    )
    return _json(status, 503 if app.draining else 200)


async def _policies(request: Request) -> Response:
    return _json(request.app.serving.policies)


async def _metrics(request: Request) -> Response:
    return Response(request.app.metrics.text(), 200, FRESH, CONTENT_TYPE)


READ: dict[str, Callable[[Request], Awaitable[Response]]] = {
    "/": _page,
    "/health": _health,
    "/policies": _policies,
    "/metrics": _metrics,
}


async def elsewhere(request: Request) -> Response:
    """For endpoints that :class:`policybudget.deployment.service.app.Service` answers before it comes to this.

    Args:
        request: to such an endpoint.

    Raises:
        AssertionError: always.
    """
    raise AssertionError(request.url.path)


async def http_error(request: Request, error: Exception) -> Response:
    """An error of the app, such as a path that there is not, as the other errors are.

    Args:
        request: that failed.
        error: an ``HTTPException``.

    Returns:
        The answer.
    """
    assert isinstance(error, HTTPException)
    known = ", ".join([*READ, "/act", "/assign", "/openapi.json"])
    texts = {
        404: f"there is no {one_line(request.url.path[:100])!r}; there are {known}",
        405: f"another method is expected, got {request.method[:20]}; see /openapi.json",
    }
    text = texts.get(error.status_code, one_line(str(error.detail)))
    answer = _json(schemas.Error(text), error.status_code)
    answer.headers.update(error.headers or {})
    return answer
