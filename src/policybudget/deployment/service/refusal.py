"""A request that is not done: a status of HTTP, and one line of what was expected, what came and what to do."""

from __future__ import annotations

from policybudget.errors import PolicyBudgetError

Header = tuple[bytes, bytes]


class Refusal(PolicyBudgetError):  # noqa: N818 # the service has not failed
    """A request that is not done.

    Args:
        status: of HTTP, from 400.
        message: one line.
        headers: of the answer, beside those about its body.
    """

    def __init__(self, status: int, message: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
