r"""A patient with type 1 diabetes: the UVA/Padova model of 2008, 13 states, one minute at a time.

Dalla Man, Rizza & Cobelli 2007 (the meal model) and Kovatchev et al. 2009 (the simulator), in the form, with the
numbers and with the switches of simglucose 0.2.11, against which tests hold every trajectory. Masses are per kg of body
weight but for the gut's; time is in minutes; D carbohydrate eaten in mg/min, u insulin in pmol/kg/min:

.. math::
    \dot q_1 &= -k_{max} q_1 + D & \text{stomach, solid (mg)} \\
    \dot q_2 &= k_{max} q_1 - k(q_1 + q_2)\, q_2 & \text{stomach, liquid} \\
    \dot q_3 &= k(q_1 + q_2)\, q_2 - k_{abs} q_3, \quad R = f k_{abs} q_3 / BW & \text{gut; rate of appearance} \\
    k(q) &= k_{min} + \tfrac{k_{max} - k_{min}}{2} \bigl[\tanh \tfrac{5 (q - bM)}{2M(1-b)}
            - \tanh \tfrac{5 (q - dM)}{2Md} + 2\bigr] & \text{emptying} \\
    \dot G_p &= (k_{p1} - k_{p2} G_p - k_{p3} I_d)^+ + R - F - k_{e1} (G_p - k_{e2})^+ - k_1 G_p + k_2 G_t
            & \text{glucose in plasma (mg/kg)} \\
    \dot G_t &= k_1 G_p - k_2 G_t - \frac{(V_{m0} + V_{mx} X)\, G_t}{K_{m0} + G_t} & \text{in tissue} \\
    \dot G_s &= k_{sc} (G_p - G_s) & \text{under the skin} \\
    \dot I_p &= -(m_2 + m_4) I_p + m_1 I_l + k_{a1} s_1 + k_{a2} s_2, \quad I = I_p / V_i
            & \text{insulin in plasma (pmol/kg)} \\
    \dot I_l &= -(m_1 + m_{30}) I_l + m_2 I_p & \text{in the liver} \\
    \dot s_1 &= u - (k_{a1} + k_d) s_1, \quad \dot s_2 = k_d s_1 - k_{a2} s_2 & \text{under the skin} \\
    \dot X &= p_{2u} (I - I_b - X) & \text{its action on uptake} \\
    \dot I_1 &= k_i (I - I_1), \quad \dot I_d = k_i (I_1 - I_d) & \text{its delayed action on the liver}

M is what the last meal met in the stomach and what has been eaten of it so far (mg). Meals are eaten at 5 g/min; all
inputs are constant within a minute. Solved by the classical Runge-Kutta method with steps of a minute, and of a quarter
of one for the stomach and the gut, which act on the rest but not the other way round.

Departure: glucose in plasma and under the skin is held between 10 and 1 000 mg/dL (simglucose ends an episode below 10
and above 600), and tissue glucose and insulin masses do not fall below 0. So any sequence of doses gives finite states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from policybudget.worlds.glucose.parameters import Parameters, Scalar

EATING = 5.0
"""Carbohydrate eaten per minute, in g."""
PMOL = 6000.0
"""pmol in a unit of insulin."""
LEAST, MOST = 10.0, 1000.0
"""mg/dL between which glucose is held."""

QUARTERS = 4
"""Steps of digestion in a minute; emptying can switch within one while food goes on arriving."""

States = TypeVar("States", "Gut", "Body")


class Gut(NamedTuple):
    """The three states of digestion, which the others do not act on, as scalars.

    Attributes:
        solid: carbohydrate in the stomach, solid, mg.
        liquid: liquid, mg.
        gut: in the gut, mg.
    """

    solid: Scalar
    liquid: Scalar
    gut: Scalar


class Body(NamedTuple):
    """The other ten states.

    Attributes:
        plasma: glucose in plasma, mg/kg.
        tissue: in tissue, mg/kg.
        skin: under the skin, where sensors sit, mg/kg.
        insulin: in plasma, pmol/kg.
        liver: insulin in the liver, pmol/kg.
        depot: insulin in the first place under the skin, pmol/kg.
        depot_2: in the second, pmol/kg.
        uptake: insulin's action on uptake, pmol/L.
        delayed: insulin's delayed signal, first stage, pmol/L.
        production: second stage, which acts on the liver's production, pmol/L.
    """

    plasma: Scalar
    tissue: Scalar
    skin: Scalar
    insulin: Scalar
    liver: Scalar
    depot: Scalar
    depot_2: Scalar
    uptake: Scalar
    delayed: Scalar
    production: Scalar


class Patient(NamedTuple):
    """A patient at the end of a minute. A batch of patients is vectors of each number, which compile into fast loops.

    Attributes:
        gut: states of digestion.
        body: the other states.
        plate: what is still to be eaten, g.
        eaten: g in the minute before.
        meal: M, what the last meal met in the stomach and what has been eaten of it, mg.
    """

    gut: Gut
    body: Body
    plate: Scalar
    eaten: Scalar
    meal: Scalar


def fasting(p: Parameters) -> Patient:
    """A patient with an empty stomach, kept steady by basal insulin.

    Args:
        p: the patient's numbers.

    Returns:
        The patient.
    """
    none = jnp.zeros_like(p.BW)
    body = Body(
        plasma=p.Gpb, tissue=p.Gtb, skin=p.Gpb, insulin=p.Ipb, liver=p.Ilb,
        depot=p.isc1ss, depot_2=p.isc2ss, uptake=none, delayed=p.Ib, production=p.Ib,
    )  # fmt: skip
    return Patient(Gut(none, none, none), body, none, none, none)


def glucose(patient: Patient, p: Parameters) -> Scalar:
    """Glucose under the skin, mg/dL: what a perfect sensor would read.

    Args:
        patient: at any time.
        p: the patient's numbers.

    Returns:
        mg/dL.
    """
    return patient.body.skin / p.Vg


def digestion(x: Gut, eaten: Scalar, meal: Scalar, p: Parameters) -> Gut:
    """The right-hand sides of the first three equations.

    Args:
        x: the states.
        eaten: D, mg/min.
        meal: M, mg; positive.
        p: the patient's numbers.

    Returns:
        Change of each state per minute.
    """
    full = x.solid + x.liquid
    slowing = jnp.tanh(2.5 * (full - p.b * meal) / (meal * (1 - p.b)))
    resuming = jnp.tanh(2.5 * (full - p.d * meal) / (meal * p.d))
    emptied = (p.kmin + (p.kmax - p.kmin) / 2 * (slowing - resuming + 2)) * x.liquid
    return Gut(eaten - p.kmax * x.solid, p.kmax * x.solid - emptied, emptied - p.kabs * x.gut)


def metabolism(x: Body, gut: Scalar, insulin: Scalar, p: Parameters) -> Body:
    """The right-hand sides of the others.

    Args:
        x: the states.
        gut: carbohydrate in the gut, mg.
        insulin: u, pmol/kg/min.
        p: the patient's numbers.

    Returns:
        Change of each state per minute.
    """
    produced = jnp.maximum(p.kp1 - p.kp2 * x.plasma - p.kp3 * x.production, 0)
    excreted = p.ke1 * jnp.maximum(x.plasma - p.ke2, 0)
    exchanged = p.k1 * x.plasma - p.k2 * x.tissue
    used = (p.Vm0 + p.Vmx * x.uptake) * x.tissue / (p.Km0 + x.tissue)
    concentration = x.insulin / p.Vi
    return Body(
        plasma=produced + p.f * p.kabs * gut / p.BW - p.Fsnc - excreted - exchanged,
        tissue=exchanged - used,
        skin=p.ksc * (x.plasma - x.skin),
        insulin=p.m1 * x.liver - (p.m2 + p.m4) * x.insulin + p.ka1 * x.depot + p.ka2 * x.depot_2,
        liver=p.m2 * x.insulin - (p.m1 + p.m30) * x.liver,
        depot=insulin - (p.ka1 + p.kd) * x.depot,
        depot_2=p.kd * x.depot - p.ka2 * x.depot_2,
        uptake=p.p2u * (concentration - p.Ib - x.uptake),
        delayed=p.ki * (concentration - x.delayed),
        production=p.ki * (x.delayed - x.production),
    )


def minute(patient: Patient, served: Scalar, insulin: Scalar, p: Parameters) -> Patient:
    """One minute of a patient's life.

    Args:
        patient: before.
        served: carbohydrate of a meal that begins now, g; 0 for none.
        insulin: delivered in this minute, U.
        p: the patient's numbers.

    Returns:
        The patient after it.
    """
    plate = patient.plate + served
    eaten = jnp.minimum(plate, EATING)
    begins = (eaten > 0) & (patient.eaten <= 0)
    meal = jnp.where(begins, patient.gut.solid + patient.gut.liquid, patient.meal) + 1000 * eaten
    mass = jnp.maximum(meal, 1.0)  # before the first meal: the stomach is empty, and nothing depends on it

    def digested(gut: Gut, _: None) -> tuple[Gut, Scalar]:
        after = _runge_kutta(lambda x, _: digestion(x, 1000 * eaten, mass, p), gut, 1 / QUARTERS)
        return after, after.gut

    gut, arriving = jax.lax.scan(digested, patient.gut, None, length=QUARTERS)
    contents = {0.0: patient.gut.gut, 0.5: arriving[QUARTERS // 2 - 1], 1.0: gut.gut}
    rate = PMOL / p.BW * insulin
    body = _runge_kutta(lambda x, at: metabolism(x, contents[at], rate, p), patient.body, 1.0)
    return Patient(gut, _held(body, p), plate - eaten, eaten, meal)


def _runge_kutta(slope: Callable[[States, float], States], x: States, step: float) -> States:
    """The classical method of fourth order; ``slope`` gets the share of the step that has passed."""

    def ahead(change: States, share: float) -> States:
        return type(x)(*(start + share * step * rate for start, rate in zip(x, change, strict=True)))

    first = slope(x, 0.0)
    second = slope(ahead(first, 0.5), 0.5)
    third = slope(ahead(second, 0.5), 0.5)
    fourth = slope(ahead(third, 1.0), 1.0)
    stages = zip(first, second, third, fourth, strict=True)
    return ahead(type(x)(*((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in stages)), 1.0)


def _held(x: Body, p: Parameters) -> Body:
    """States within what the model is meant for."""
    low, high = LEAST * p.Vg, MOST * p.Vg
    return x._replace(
        plasma=jnp.clip(x.plasma, low, high),
        skin=jnp.clip(x.skin, low, high),
        tissue=jnp.maximum(x.tissue, 0),
        insulin=jnp.maximum(x.insulin, 0),
        liver=jnp.maximum(x.liver, 0),
        depot=jnp.maximum(x.depot, 0),
        depot_2=jnp.maximum(x.depot_2, 0),
    )
