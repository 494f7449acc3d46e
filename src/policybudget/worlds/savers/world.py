r"""Years of saving: every year a policy says which share of the money is in stocks.

An episode is the T years of one saver. At the beginning of each a contribution is paid in, the policy gives a number
x in [-1, 1] (clipped), and the share :math:`a = (1 + x) / 2` of the money is in stocks until the year ends, the rest in
bills. The year's real returns are those of a row of a table, drawn evenly: a block bootstrap of monthly returns in
blocks of twelve (Kunsch 1989), in which years do not depend on each other. What lasts longer than a year, such as
prices that return to a mean, is lost by that.

Money is counted in all that the saver pays in (:mod:`policybudget.worlds.savers.saver`). With R the wealth and all
contributions to come, t years after the start, C the certainty equivalent that the best rule of the saver's own has and

.. math:: u(z) = \frac{z^{1-\gamma} - 1}{1 - \gamma}, \qquad z_t = R_t\, C^{-t/T}

the utility of an episode is :math:`U = 100\, (1 + u(z_T))`, with :math:`z_T` final wealth over C. It is linear in the
utility of final wealth, so that means of it rank rules as expected utility does. The best rule of the saver's own has
the mean 100; a mean of 99 is worth as much as certain wealth about 1 % less.

Most of what U varies by are the years that a saver happens to live in, and no rule can help that. A year therefore pays
what it changes on average over all years that might have been drawn, given the wealth before it and the share:

.. math:: r_t = \frac{100}{T} + 100\, \bigl(E[u(z_{t+1}) \mid z_t, a_t] - u(z_t)\bigr)

As :math:`z_0 = 1`, the mean of the sum is that of U (what is left out has the mean 0 every year, given all before);
its standard deviation is far smaller, but for rules that are far too bold for the saver.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from policybudget.errors import PolicyBudgetError
from policybudget.units import Units
from policybudget.worlds.interface import Box, JaxWorld, Transition
from policybudget.worlds.savers.saver import LONGEST, Saver

BEST = 100.0
"""Mean return of a saver under the best rule of their own."""
OUTCOME = ("paid", "utility", "final wealth", "share in stocks")
"""What a year reports: what it pays, its part of U, final wealth in all that was paid in (0 before the end), and a."""
DECADES = 10.0
"""Years of the unit in which the years left are observed."""


class Account(NamedTuple):
    """State of one episode.

    Attributes:
        wealth: before this year's contribution, in all that is paid in.
        left: years left.
    """

    wealth: Float[Array, ""]
    left: Float[Array, ""]


class SaversWorld(JaxWorld):
    """The world above. Each agent is a saver: its task is a row of :class:`Saver`.

    Attributes:
        gross: (y, 2) real gross returns of bills and stocks, of all years that savers may meet.
        wealth_seen: whether policies see more than the years left.
    """

    gross: Float[Array, "y 2"]
    wealth_seen: bool = False

    @property
    def name(self) -> str:
        """As given to ``--world``."""
        return "savers:wealth" if self.wealth_seen else "savers"

    @property
    def own_dynamics(self) -> bool:
        """Each saver has a horizon, contributions and wealth of their own."""
        return True

    @property
    def without_chance(self) -> bool:
        """Returns are drawn."""
        return False

    @property
    def time_limit(self) -> int:
        """The longest horizon; episodes end with the saver's own."""
        return LONGEST

    @property
    def observation_size(self) -> int:
        """Years left and, if asked for, the invested share."""
        return 1 + self.wealth_seen

    @property
    def outcome_size(self) -> int:
        """As ``OUTCOME``."""
        return len(OUTCOME)

    @property
    def actions(self) -> Box:
        """One number in [-1, 1]."""
        return Box(1, (-1.0,), (1.0,))

    @property
    def units(self) -> Units:
        """Policies that are put to work give the share in stocks itself, 0 to 1."""
        return Units("box", (1,), (0.0,), (1.0,), stretched=True, shape=(1,), dtype="float32")

    def reset(self, key: PRNGKeyArray, task: Float[Array, " p"] | None = None) -> tuple[Account, Float[Array, " o"]]:
        """The start of saving.

        Args:
            key: not used; all episodes of a saver begin alike.
            task: (p,) the saver's numbers, in the order of :class:`Saver`.

        Returns:
            The state, and its observation.
        """
        del key
        saver = _told(task)
        account = Account(saver.paid_in, saver.horizon)
        return account, self.observed(account, saver)

    def step(
        self, state: Account, action: Float[Array, " a"], key: PRNGKeyArray, task: Float[Array, " p"] | None = None
    ) -> Transition:
        """A year.

        Args:
            state: before.
            action: (1,) in [-1, 1]; what lies outside is clipped.
            key: of the year's returns.
            task: (p,) the saver's numbers.

        Returns:
            The transition.
        """
        saver = _told(task)
        share = (1 + jnp.clip(action[0], -1, 1)) / 2
        row = saver.first + jnp.minimum(jnp.floor(jax.random.uniform(key) * saver.span), saver.span - 1)
        growth = self.gross[:, 0] + share * (self.gross[:, 1] - self.gross[:, 0])
        wealth = (state.wealth + contribution(saver)) * growth
        left, rows = state.left - 1, jnp.arange(len(growth))
        mine = (rows >= saver.first) & (rows < saver.first + saver.span)
        before, after = satisfaction(state, saver), satisfaction(Account(wealth, left), saver)
        start, drawn = BEST / saver.horizon, row.astype(jnp.int32)
        paid = start + BEST * (jnp.sum(jnp.where(mine, after, 0.0)) / saver.span - before)
        account, ended = Account(wealth[drawn], left), left < 0.5
        outcome = jnp.stack(
            [paid, start + BEST * (after[drawn] - before), jnp.where(ended, account.wealth, 0.0), share]
        )
        return Transition(account, self.observed(account, saver), outcome, ended, jnp.asarray(False))

    def observed(self, account: Account, saver: Saver) -> Float[Array, " o"]:
        """What a policy sees: years left, in decades, and the invested share if asked for.

        The invested share is wealth with this year's contribution over wealth with all contributions to come: 1 where
        nothing more will be paid in.

        Args:
            account: the state.
            saver: the saver's numbers.

        Returns:
            (o,) the observation.
        """
        seen: list[Any] = [account.left / DECADES]
        if self.wealth_seen:
            this_year = account.wealth + contribution(saver)
            seen.append(this_year / (this_year + contribution(saver) * jnp.maximum(account.left - 1, 0)))
        return jnp.stack(seen).astype(jnp.float32)


def contribution(saver: Saver) -> Float[Array, ""]:
    """What a saver pays in each year, in all that is paid in.

    Args:
        saver: the saver's numbers.

    Returns:
        The contribution.
    """
    return (1 - saver.paid_in) / saver.horizon


def satisfaction(account: Account, saver: Saver) -> Float[Array, "*batch"]:
    """u(z), where an account stands.

    Args:
        account: the state, with one wealth or several.
        saver: the saver's numbers.

    Returns:
        0 at the start; at the end the utility of final wealth over ``best``.
    """
    gone = 1 - account.left / saver.horizon
    log = jnp.log(account.wealth + contribution(saver) * account.left) - gone * jnp.log(saver.best)
    power = 1 - saver.aversion
    flat = jnp.abs(power) < 1e-4
    return jnp.where(flat, log, jnp.expm1(power * log) / jnp.where(flat, 1.0, power))


def _told(task: Float[Array, " p"] | None) -> Saver:
    if task is None:
        raise PolicyBudgetError("the world of savers must be told for which saver it plays: give task")
    return Saver(*task)
