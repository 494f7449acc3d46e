"""The numbers that tell patients apart: what a world is told of an agent, column by column."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Float

Scalar = Float[Array, ""]


class Parameters(NamedTuple):
    """Numbers of a patient, by their names in simglucose's tables.

    Attributes:
        BW: body weight, kg.
        kabs: rate of absorption from the gut, 1/min.
        kmax: rate of the emptying of a full or an empty stomach, 1/min.
        kmin: its least rate, 1/min.
        b: share of the meal at which emptying slows down.
        d: share of the meal at which it speeds up again.
        f: share of absorbed carbohydrate that appears in plasma.
        Vg: volume of glucose, dL/kg.
        Vi: volume of insulin, L/kg.
        Ib: basal insulin, pmol/L.
        Vm0: uptake by tissue at basal insulin, mg/kg/min.
        Vmx: what insulin adds to it, mg/kg/min per pmol/L.
        Km0: glucose at half the largest uptake, mg/kg.
        k1: rate from plasma to tissue, 1/min.
        k2: rate back, 1/min.
        p2u: rate of insulin's action on uptake, 1/min.
        m1: rate of insulin from the liver to plasma, 1/min.
        m2: rate back, 1/min.
        m4: clearance from plasma, 1/min.
        m30: clearance in the liver, 1/min.
        ki: rate of insulin's action on the liver, 1/min.
        kp1: production of glucose at none and no insulin, mg/kg/min.
        kp2: what glucose takes from it, 1/min.
        kp3: what insulin takes from it, mg/kg/min per pmol/L.
        ke1: rate of excretion, 1/min.
        ke2: glucose above which there is any, mg/kg.
        Fsnc: uptake without insulin (brain), mg/kg/min.
        kd: rate from the first to the second place under the skin, 1/min.
        ksc: rate of glucose from plasma to under the skin, 1/min.
        ka1: rate of insulin from the first place to plasma, 1/min.
        ka2: rate from the second, 1/min.
        Gpb: basal glucose in plasma, mg/kg.
        Gtb: in tissue, mg/kg.
        Ipb: basal insulin in plasma, pmol/kg.
        Ilb: in the liver, pmol/kg.
        isc1ss: in the first place under the skin, pmol/kg.
        isc2ss: in the second, pmol/kg.
    """

    BW: Scalar
    kabs: Scalar
    kmax: Scalar
    kmin: Scalar
    b: Scalar
    d: Scalar
    f: Scalar
    Vg: Scalar
    Vi: Scalar
    Ib: Scalar
    Vm0: Scalar
    Vmx: Scalar
    Km0: Scalar
    k1: Scalar
    k2: Scalar
    p2u: Scalar
    m1: Scalar
    m2: Scalar
    m4: Scalar
    m30: Scalar
    ki: Scalar
    kp1: Scalar
    kp2: Scalar
    kp3: Scalar
    ke1: Scalar
    ke2: Scalar
    Fsnc: Scalar
    kd: Scalar
    ksc: Scalar
    ka1: Scalar
    ka2: Scalar
    Gpb: Scalar
    Gtb: Scalar
    Ipb: Scalar
    Ilb: Scalar
    isc1ss: Scalar
    isc2ss: Scalar
