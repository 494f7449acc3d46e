"""Make ``tests/worlds/glucose/reference.npz``: what simglucose 0.2.11 itself computes, for tests to compare with.

simglucose pins old packages, so it needs an environment of its own. It imports ``pkg_resources``, which setuptools has
up to version 79, and builds gym 0.9.4 from source:

    python3.11 -m venv /tmp/simglucose
    /tmp/simglucose/bin/pip install "setuptools<80" wheel
    /tmp/simglucose/bin/pip install --no-build-isolation simglucose==0.2.11
    /tmp/simglucose/bin/python experiments/glucose/reference.py

It takes some minutes on one core. The file has arrays alone (no pickle):

* 30 patients, 24 h from midnight: glucose under the skin in mg/dL every 5 minutes, for the meals and the insulin that
  are in the file, too. Meals overlap in the stomach and on the plate; basal rates change, pause and return; boluses are
  from half to all of what each patient's own carbohydrate ratio says, from patient to patient.
* a day of one patient with simglucose's own basal-bolus controller, without sensor noise;
* sensor noise: mean, standard deviation, skewness, percentiles and autocorrelation of long series, every 3 and 5
  minutes;
* random meals: how often, when and how much, of 40 000 days;
* versions of the packages.
"""

from __future__ import annotations

import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")  # pkg_resources announces its end

from simglucose.actuator.pump import InsulinPump  # noqa: E402
from simglucose.controller.basal_bolus_ctrller import BBController  # noqa: E402
from simglucose.patient.t1dpatient import Action, T1DPatient  # noqa: E402
from simglucose.sensor.cgm import CGMSensor  # noqa: E402
from simglucose.sensor.noise_gen import CGMNoise  # noqa: E402
from simglucose.simulation.env import T1DSimEnv  # noqa: E402
from simglucose.simulation.scenario import CustomScenario  # noqa: E402
from simglucose.simulation.scenario_gen import RandomScenario  # noqa: E402

PATH = Path(__file__).parents[2] / "tests/worlds/glucose/reference.npz"
PACKAGES = ("simglucose", "numpy", "scipy", "pandas", "gym", "gymnasium")
MINUTES, EVERY = 1440, 5
MEALS = ((360, 45), (425, 63), (432, 20), (600, 12), (750, 80), (790, 34), (1080, 95), (1295, 17))
"""Minute and grams. The third begins while the second is eaten, the sixth while the fifth is digested."""
WINDOWS = np.array([5, 9, 10, 14, 16, 20, 23]) * 60
"""When the six random meals may begin: between one number and the next."""
SNACK = 27
"""Grams up to which a meal counts as a snack where its time does not say which it is."""
NOISES, DAYS = 400_000, 40_000
LAGS = np.array([1, 2, 3, 5, 10, 20, 40])
PERCENTILES = np.array([1, 5, 25, 50, 75, 95, 99])


def insulin(basal: float, ratio: float, share: float) -> np.ndarray:
    """(1440,) U per minute: a basal profile, and a bolus over five minutes for each meal but the fourth and last."""
    minute = np.arange(MINUTES)
    profile = 1 + 0.3 * np.sin(2 * np.pi * minute / 700)
    profile[(minute >= 180) & (minute < 270)] = 0.0
    profile[(minute >= 900) & (minute < 960)] = 1.6
    doses = basal * np.repeat(profile[::EVERY], EVERY)
    for at, grams in MEALS:
        if grams > 17:
            start = EVERY * (at // EVERY)
            doses[start : start + EVERY] += share * grams / ratio / EVERY
    return doses


def trajectories() -> dict[str, np.ndarray]:
    """All patients with scripted meals and insulin."""
    therapy = pd.read_csv(Path(str(metadata.distribution("simglucose").locate_file("simglucose/params/Quest.csv"))))
    served = dict(MEALS)
    doses, glucose = [], []
    for i, (name, ratio) in enumerate(zip(therapy.Name, therapy.CR, strict=True)):
        patient = T1DPatient.withName(name)
        p = patient._params
        dose = insulin(p.u2ss * p.BW / 6000, ratio, 0.5 + 0.5 * i / 29).astype(np.float32)
        trace = [patient.observation.Gsub]
        for minute in range(MINUTES):
            patient.step(Action(CHO=served.get(minute, 0), insulin=float(dose[minute])))
            trace.append(patient.observation.Gsub)
        doses.append(dose[::EVERY])
        glucose.append(trace[::EVERY])
        print(f"{name}: {min(trace):.1f} to {max(trace):.1f} mg/dL", flush=True)
    return {
        "patients": np.array(therapy.Name, dtype=str),
        "meals": np.array(MEALS),
        "insulin": np.array(doses, np.float32),
        "glucose": np.array(glucose, np.float32),
    }


class _Exact(CGMSensor):
    """A sensor without noise."""

    def measure(self, patient: T1DPatient) -> float:
        return float(patient.observation.Gsub)


def controlled(name: str = "adult#003") -> dict[str, np.ndarray]:
    """A day with the personalised basal-bolus controller, every 3 minutes, without sensor noise or rounding."""
    start = pd.Timestamp(2024, 1, 1).to_pydatetime()
    meals = [(at / 60, grams) for at, grams in MEALS]
    sensor, pump = _Exact.withName("Dexcom"), InsulinPump.withName("Insulet")
    env, controller = T1DSimEnv(T1DPatient.withName(name), sensor, pump, CustomScenario(start, meals)), BBController()
    step = env.reset()
    trace, given = [env.patient.observation.Gsub], []
    for _ in range(MINUTES // 3):
        reading = env.patient.observation.Gsub
        info = {"sample_time": 3, "patient_name": name, "meal": step.info["meal"]}
        action = controller.policy(step.observation._replace(CGM=reading), step.reward, step.done, **info)
        step = env.step(action)
        given.append(3 * (action.basal + action.bolus))
        trace.append(env.patient.observation.Gsub)
    return {
        "controlled_patient": np.array(name),
        "controlled_glucose": np.array(trace, np.float32),
        "controlled_insulin": np.array(given, np.float32),
    }


def noise() -> dict[str, np.ndarray]:
    """Moments and autocorrelation of the sensor's error, with the sensors that sample every 3 and 5 minutes."""
    table = pd.read_csv(
        Path(str(metadata.distribution("simglucose").locate_file("simglucose/params/sensor_params.csv")))
    )
    found: dict[str, np.ndarray] = {"lags": LAGS, "percentiles": PERCENTILES}
    for name, every in (("Dexcom", 3), ("GuardianRT", 5)):
        source = CGMNoise(table.loc[table.Name == name].squeeze(), seed=every)
        series = np.array([next(source) for _ in range(NOISES)])
        z = (series - series.mean()) / series.std()
        found[f"noise_{every}_moments"] = np.array([series.mean(), series.std(), (z**3).mean()])
        found[f"noise_{every}_percentiles"] = np.percentile(series, PERCENTILES)
        found[f"noise_{every}_autocorrelation"] = np.array([(z[lag:] * z[:-lag]).mean() for lag in LAGS])
        print(f"noise every {every} minutes done", flush=True)
    return found


def meals() -> dict[str, np.ndarray]:
    """Of each of the six random meals: share of days, mean and deviation of its minute and of its grams."""
    scenario = RandomScenario(start_time=pd.Timestamp(2024, 1, 1).to_pydatetime(), seed=0)
    times, grams = list[float](), list[float]()
    for _ in range(DAYS):
        day = scenario.create_scenario()["meal"]
        times.extend(day["time"])
        grams.extend(day["amount"])
    at, amount = np.array(times), np.array(grams)
    which = np.clip(np.digitize(at, WINDOWS) - 1, 0, 5)
    on_both = np.isin(at, WINDOWS[1:6]) & ((which % 2 == 0) != (amount > SNACK))
    which[on_both] -= 1  # the end of one meal's time is the beginning of the next one's: meals and snacks take turns
    rows = [
        (mine.sum() / DAYS, at[mine].mean(), at[mine].std(), amount[mine].mean(), amount[mine].std())
        for mine in (which == meal for meal in range(6))
    ]
    return {"random_meals": np.array(rows), "random_days": np.array(DAYS)}


def main() -> None:
    """Compute everything, then write it at once."""
    versions = np.array([f"{name} {metadata.version(name)}" for name in PACKAGES])
    found = {"versions": versions, **noise(), **meals(), **controlled(), **trajectories()}
    beside = PATH.with_name(f".{PATH.name}")
    with beside.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **found)
    beside.replace(PATH)
    print(f"{PATH.name}: {PATH.stat().st_size} bytes; {', '.join(versions)}")


if __name__ == "__main__":
    main()
