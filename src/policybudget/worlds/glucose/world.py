r"""A day with type 1 diabetes: an insulin pump, a glucose sensor, and a policy between them.

An episode is a day of 24 h from midnight; it never ends early. It begins with the patient kept steady by basal
insulin, which the device knows nothing of. Every ``minutes`` minutes the policy gives two or three numbers in [-1, 1]
(clipped), and with :math:`s(a) = ((1 + a) / 2)^2` the pump delivers, evenly until the next time,

.. math::
    4\, s(a_0)\ \text{U/h} \; + \; 0.15\, s(a_1)\, (\text{reading} - 150)^+\ \text{U/h} \; + \;
    0.3\, s(a_2)\ \text{U per gram announced just now}

basal insulin, a correction of high readings and a bolus for the meal. A policy that always gives the same numbers is
a basal-bolus rule; the settings of all 30 patients lie within. Where meals are not announced there is no third number.

The policy sees nothing that a device does not have (:func:`observed`). The outcome of a step (``OUTCOME``) is computed
from the true glucose under the skin at its end, not from the sensor's reading.

Departures from simglucose: its pump rounds to 0.05 pmol/min (1/120 000 U/min), which is left out, and its episodes end
below 10 and above 600 mg/dL, where the risk stays at its highest here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.glucose import meals, sensor
from policybudget.worlds.glucose.parameters import Parameters
from policybudget.worlds.glucose.patient import Patient, fasting, glucose, minute
from policybudget.worlds.glucose.risk import risks
from policybudget.worlds.interface import Box, JaxWorld, Transition

DAY = 24 * 60
"""Minutes of an episode."""
MOST_BASAL, MOST_CORRECTION, MOST_PER_GRAM = 4.0, 0.15, 0.3
"""U/h, U/h per mg/dL, U/g."""
HIGH = 150.0
"""The reading above which there is a correction, mg/dL."""
OUTCOME = (
    "low risk", "high risk", "glucose", "glucose squared",
    "within 70-180", "below 70", "below 54", "above 180", "above 250",
)  # fmt: skip
"""What a step reports: the risks, glucose in mg/dL and its square, and five indicators."""
LAGS = (0, 1, 2)
"""Recent readings that are observed, in steps back."""
EARLIER = (15, 30, 60)
"""Earlier readings that are observed, in minutes back."""
INSULIN_TIME, MEAL_TIME = 55.0, 40.0
"""Minutes that insulin and carbohydrate stay in each of two places, on average: fixed curves that know no patient."""


class Device(NamedTuple):
    """What pump and sensor remember.

    Attributes:
        readings: (r,) of the last hour, mg/dL, newest first.
        insulin: (2,) delivered insulin that is on its way in the first and in the second place, U.
        carbohydrate: (2,) announced carbohydrate likewise, g.
        announced: what was announced since the step before, g.
    """

    readings: Float[Array, " r"]
    insulin: Float[Array, " 2"]
    carbohydrate: Float[Array, " 2"]
    announced: Float[Array, ""]


class Day(NamedTuple):
    """State of one episode.

    Attributes:
        patient: the body.
        device: what policies see of it.
        meals: of this day.
        errors: of the sensor on this day.
        time: steps so far.
    """

    patient: Patient
    device: Device
    meals: meals.Meals
    errors: Float[Array, " points"]
    time: Int[Array, ""]


class GlucoseWorld(JaxWorld):
    """The world above. Each agent is a patient: its task is a row of :class:`Parameters`.

    Attributes:
        minutes: between two decisions, and two readings: 3 or 5.
        announced: whether users announce their meals.
        weight_seen: whether body weight is observed.
    """

    minutes: int = 5
    announced: bool = True
    weight_seen: bool = False

    def __check_init__(self) -> None:
        if self.minutes not in (3, 5):
            raise PolicyBudgetError(
                f"minutes between decisions must be 3 or 5, as sensors have them, got {self.minutes}"
            )

    @property
    def name(self) -> str:
        """As given to ``--world``."""
        options = {
            "minutes=3": self.minutes == 3, "meals=unannounced": not self.announced, "weight": self.weight_seen
        }  # fmt: skip
        chosen = ",".join(option for option, given in options.items() if given)
        return f"glucose:{chosen}" if chosen else "glucose"

    @property
    def own_dynamics(self) -> bool:
        """Each agent has a body of its own."""
        return True

    @property
    def without_chance(self) -> bool:
        """Meals and the sensor's errors are drawn."""
        return False

    @property
    def time_limit(self) -> int:
        """A day: 288 steps of five minutes, or 480 of three."""
        return DAY // self.minutes

    @property
    def observation_size(self) -> int:
        """Readings, insulin, carbohydrate if announced, time of day, weight if asked for."""
        return len(LAGS) + len(EARLIER) + 2 + 2 * self.announced + 2 + self.weight_seen

    @property
    def outcome_size(self) -> int:
        """As ``OUTCOME``."""
        return len(OUTCOME)

    @property
    def actions(self) -> Box:
        """Basal insulin, correction and, if meals are announced, bolus per gram."""
        size = 2 + self.announced
        return Box(size, (-1.0,) * size, (1.0,) * size)

    def reset(self, key: PRNGKeyArray, task: Float[Array, " p"] | None = None) -> tuple[Day, Float[Array, " o"]]:
        """Midnight: a patient in balance, a device that was just put on, a day's meals and sensor errors drawn.

        Args:
            key: of the draw.
            task: (p,) the patient's numbers, in the order of :class:`Parameters`.

        Returns:
            The state, and its observation.
        """
        p = _told(task)
        meal_key, error_key = jax.random.split(key)
        errors, time = sensor.errors(error_key), jnp.asarray(0, jnp.int32)
        patient = fasting(p)
        first = sensor.reading(glucose(patient, p), errors, time, self.minutes)
        readings = jnp.full(max(EARLIER) // self.minutes + 1, first)
        device = Device(readings, jnp.zeros(2), jnp.zeros(2), jnp.zeros(()))
        day = Day(patient, device, meals.drawn(meal_key), errors, time)
        return day, self.observed(day, p)

    def step(
        self, state: Day, action: Float[Array, " a"], key: PRNGKeyArray, task: Float[Array, " p"] | None = None
    ) -> Transition:
        """Some minutes with the insulin that the policy chooses.

        Args:
            state: before.
            action: (2 or 3,) in [-1, 1]; what lies outside is clipped.
            key: not used; a day's chance is drawn at its beginning.
            task: (p,) the patient's numbers.

        Returns:
            The transition.
        """
        del key
        return self.deliver(state, self.dose(state.device, action), task)

    def dose(self, device: Device, action: Float[Array, " a"]) -> Float[Array, ""]:
        """The insulin that an action asks for until the next one.

        Args:
            device: what was read and announced.
            action: (2 or 3,) in [-1, 1]; what lies outside is clipped.

        Returns:
            U.
        """
        share = ((1 + jnp.clip(action, -1, 1)) / 2) ** 2
        hours = self.minutes / 60
        correction = MOST_CORRECTION * share[1] * jnp.maximum(device.readings[0] - HIGH, 0)
        insulin = hours * (MOST_BASAL * share[0] + correction)
        return insulin + MOST_PER_GRAM * share[2] * device.announced if self.announced else insulin

    def deliver(self, state: Day, insulin: Float[Array, ""], task: Float[Array, " p"] | None) -> Transition:
        """Some minutes with an amount of insulin, spread evenly over them.

        Args:
            state: before.
            insulin: U until the next step.
            task: (p,) the patient's numbers.

        Returns:
            The transition.
        """
        p = _told(task)
        start = state.time * self.minutes

        def live(patient: Patient, now: Array) -> tuple[Patient, None]:
            served = meals.begun(state.meals, state.meals.grams, now, now + 1)
            return minute(patient, served, insulin / self.minutes, p), None

        patient, _ = jax.lax.scan(live, state.patient, start + jnp.arange(self.minutes))
        level, time = glucose(patient, p), state.time + 1
        reading = sensor.reading(level, state.errors, time, self.minutes)
        said = state.meals.counted if self.announced else jnp.zeros_like(state.meals.counted)
        announced = meals.begun(state.meals, said, start, start + self.minutes)
        device = Device(
            jnp.concatenate([reading[None], state.device.readings[:-1]]),
            _later(state.device.insulin, insulin, self.minutes / INSULIN_TIME),
            _later(state.device.carbohydrate, announced, self.minutes / MEAL_TIME),
            announced,
        )
        day = Day(patient, device, state.meals, state.errors, time)
        never = jnp.asarray(False)
        return Transition(day, self.observed(day, p), outcome(level), never, time >= self.time_limit)

    def observed(self, day: Day, p: Parameters) -> Float[Array, " o"]:
        """What a policy sees.

        Readings of now, of the two steps before and of 15, 30 and 60 minutes ago, as (mg/dL - 140) / 100 (before there
        are any, the first); insulin on board and its part in the second place, in 10 U; if meals are announced, what
        was announced since the step before and carbohydrate on board, in 50 g; sine and cosine of the time of day; if
        asked for, body weight in 50 kg.

        Args:
            day: the state.
            p: the patient's numbers.

        Returns:
            (o,) the observation.
        """
        device = day.device
        lags = np.array([*LAGS, *(back // self.minutes for back in EARLIER)])
        angle = 2 * np.pi / self.time_limit * day.time
        parts: list[Any] = [
            (device.readings[lags] - 140) / 100,
            jnp.stack([device.insulin.sum(), device.insulin[1]]) / 10,
            jnp.stack([device.announced, device.carbohydrate.sum()]) / 50 if self.announced else (),
            jnp.stack([jnp.sin(angle), jnp.cos(angle)]),
            p.BW[None] / 50 if self.weight_seen else (),
        ]
        return jnp.concatenate([jnp.asarray(part, jnp.float32) for part in parts])


def outcome(level: Float[Array, ""]) -> Float[Array, " d"]:
    """What a step reports of true glucose, as ``OUTCOME``.

    Args:
        level: mg/dL.

    Returns:
        (9,) numbers.
    """
    low, high = risks(level)
    indicators = ((level >= 70) & (level <= 180), level < 70, level < 54, level > 180, level > 250)
    return jnp.stack([low, high, level, level**2, *(flag.astype(jnp.float32) for flag in indicators)])


def _told(task: Float[Array, " p"] | None) -> Parameters:
    if task is None:
        raise PolicyBudgetError("the world of glucose must be told for which patient it plays: give task")
    return Parameters(*task)


def _later(places: Float[Array, " 2"], added: Array, passed: float) -> Float[Array, " 2"]:
    """Two places that empty one into the other, some time later; ``passed`` in units of the time spent in each."""
    kept = np.exp(-passed).astype(np.float32)
    return jnp.stack([kept * places[0] + added, kept * (places[1] + passed * places[0])])
