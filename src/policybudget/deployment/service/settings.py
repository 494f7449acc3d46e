"""What a service may be told: the options of ``policybudget serve`` that are not about the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policybudget.errors import PolicyBudgetError
from policybudget.settings import check_options, option


@dataclass(frozen=True)
class Settings:
    """What is served, and how much of it.

    Attributes:
        only_approved: whether policies without an entry ``approved`` in bundle.json act for nobody.
        most_bytes: of the body of a request.
        most_observations: in one request.
        rate: requests per second of a client, by its address, after as many at once; 0 for no limit.
        connections: that are open at once.
        patience: seconds in which a request must have come in whole.
        drain: seconds for which connections are served after the signal to stop.
        log: "requests" for a line per request, "events" for what is not a request.

    Raises:
        PolicyBudgetError: a number is out of range.
    """

    only_approved: bool = option(False, "no policy acts that bundle.json does not say who approved")
    most_bytes: int = option(1_048_576, "bytes of the body of a request", group="limits", most=1 << 30)
    most_observations: int = option(1000, "observations in a request", group="limits", most=1_000_000)
    rate: float = option(1000.0, "requests per second of a client; 0 for no limit", group="limits", most=1e9)
    connections: int = option(1000, "open at once", group="limits", most=100_000)
    patience: float = option(10.0, "seconds for a request to come in", metavar="SECONDS", group="limits", most=3600.0)
    drain: float = option(5.0, "longest time to go on after SIGTERM", metavar="SECONDS", group="limits", most=3600.0)
    log: Literal["requests", "events"] = option("requests", "a line per request, or for all else alone")

    def __post_init__(self) -> None:
        check_options(self)
        for name in ("most_bytes", "most_observations", "connections"):
            if getattr(self, name) < 1:
                raise PolicyBudgetError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.rate != 0 and self.rate < 0.001:
            raise PolicyBudgetError(f"rate must be at least 0.001, or 0 for no limit, got {self.rate}")
        if self.patience <= 0 or self.drain < 0:
            raise PolicyBudgetError(
                f"patience must be above 0 and drain not below it, got {self.patience} and {self.drain}"
            )
