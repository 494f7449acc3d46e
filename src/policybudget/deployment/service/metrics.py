"""What Prometheus reads. Every app has a registry of its own."""

from __future__ import annotations

from functools import cache

from policybudget.errors import extra

with extra("serve", "services"):
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counts of one app.

    Attributes:
        in_progress: requests that are being answered.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "policybudget_requests", "Requests that ended.", ("endpoint", "status"), registry=registry
        )
        self._seconds = Histogram(
            "policybudget_request_seconds", "From head to answer.", ("endpoint",), buckets=SECONDS, registry=registry
        )
        self._actions = Counter("policybudget_actions", "Actions given.", ("policy",), registry=registry)
        self._assignments = Counter("policybudget_assignments", "Users assigned.", ("policy",), registry=registry)
        self._reloads = Counter("policybudget_reloads", "Bundles read anew.", ("outcome",), registry=registry)
        self.in_progress = 0
        progress = Gauge("policybudget_requests_in_progress", "Requests being answered.", registry=registry)
        progress.set_function(lambda: self.in_progress)
        self._policies = Gauge("policybudget_policies", "Policies that may act.", registry=registry)
        self._bundle = Info("policybudget_bundle", "The bundle at work.", registry=registry)
        # looking a child up by its labels takes longer than counting
        self._request = cache(lambda endpoint, status: self._requests.labels(endpoint, str(status)))
        self._second = cache(self._seconds.labels)
        self._action = cache(lambda policy: self._actions.labels(str(policy)))

    def ended(self, endpoint: str, status: int, seconds: float) -> None:
        """A request has ended.

        Args:
            endpoint: a known path, or "other".
            status: of HTTP.
            seconds: it took.
        """
        self._request(endpoint, status).inc()
        self._second(endpoint).observe(seconds)

    def acted(self, policy: int, actions: int) -> None:
        """A policy acted.

        Args:
            policy: its number.
            actions: how many it gave.
        """
        self._action(policy).inc(actions)

    def assigned(self, policy: int | None) -> None:
        """A user was assigned.

        Args:
            policy: the number; None for none.
        """
        self._assignments.labels("none" if policy is None else str(policy)).inc()

    def reloaded(self, done: bool) -> None:
        """A bundle was read anew.

        Args:
            done: whether it is at work now.
        """
        self._reloads.labels("done" if done else "refused").inc()

    def bundle(self, digest: str, world: str, policies: int) -> None:
        """Another bundle is at work.

        Args:
            digest: of its bundle.json.
            world: that its policies act in.
            policies: how many may act.
        """
        self._bundle.info({"sha256": digest, "world": world})
        self._policies.set(policies)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
