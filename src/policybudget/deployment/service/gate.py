"""Who may ask: clients with the token, or, where there is none, those of this machine; and none of them too often."""

from __future__ import annotations

import hmac
import math
import os
import re
from collections.abc import Mapping

from policybudget.deployment.service.limits import Buckets
from policybudget.deployment.service.refusal import Refusal
from policybudget.errors import PolicyBudgetError

TOKEN = "POLICYBUDGET_TOKEN"
SHORTEST, LONGEST = 16, 1000
"""Characters of a token."""
OPEN = ("/", "/health")
"""Need no token. The page holds nothing of the bundle."""
LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""Names of this machine in the header host."""


class Gate:
    """Who may ask.

    Args:
        token: that clients must show; None for none, and then clients of this machine alone may ask.
        rate: requests per second of a client; 0 for no limit.
    """

    def __init__(self, token: str | None, rate: float) -> None:
        self._token = None if token is None else token.encode()
        self._buckets = Buckets(rate)

    def admit(self, path: str, client: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse who may not ask.

        Args:
            path: that is asked for.
            client: its address; "" for a socket of this machine.
            headers: of the request, in lower case.

        Raises:
            Refusal: the client may not ask, or too often.
        """
        if self._token is None:
            _check_local(client, headers)
        if path == "/health":
            return
        if wait := self._buckets.wait(client):
            after = (b"retry-after", str(math.ceil(wait)).encode())
            raise Refusal(429, f"at most {self._buckets.rate:g} requests per second; wait {wait:.1g} s", (after,))
        if self._token is not None and path not in OPEN:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
                wanted = (b"www-authenticate", b"Bearer")
                raise Refusal(401, f"expected the header authorization: Bearer and the token of {TOKEN}", (wanted,))


def _check_local(client: str, headers: Mapping[bytes, bytes]) -> None:
    if not (client == "" or client == "::1" or client.startswith("127.")):
        raise Refusal(403, f"clients of this machine alone are served here; set {TOKEN} to serve others")
    host = headers.get(b"host", b"localhost")
    if LOOPBACK.fullmatch(host.decode("latin-1")) is None:  # a page in a browser here may ask by a name of its own
        raise Refusal(403, f"host must be localhost where no token is set, got {host.decode('latin-1')[:100]!r}")


def checked_token(token: str | None = None) -> str | None:
    """The token that clients must show.

    Args:
        token: or None for that of the environment.

    Returns:
        The token; None if there is none.

    Raises:
        PolicyBudgetError: it is short, or has characters that no header has.
    """
    token = os.environ.get(TOKEN) if token is None else token
    if token is not None and not re.fullmatch(rf"[!-~]{{{SHORTEST},{LONGEST}}}", token):
        raise PolicyBudgetError(
            f"{TOKEN} must be {SHORTEST} to {LONGEST} printable characters of ASCII without spaces, got one of "
            f"{len(token)}; try: openssl rand -hex 32"
        )
    return token
