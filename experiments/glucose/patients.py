"""Write the table of the 30 virtual patients, ``src/policybudget/worlds/glucose/patients.csv``, from simglucose's own.

Run in an environment that has simglucose 0.2.11 (how to make one: ``reference.py``):
``python experiments/glucose/patients.py``. Columns keep the names of simglucose's files: therapy settings from
``Quest.csv`` (CR in g/U, CF in mg/dL per U, TDI in U/day), parameters and basal states from ``vpatient_params.csv``.
Its first states are the basal states (checked here), so they have no columns of their own.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

VERSION = "0.2.11"
THERAPY = ("Age", "CR", "CF", "TDI")
PARAMETERS = (
    "BW", "kabs", "kmax", "kmin", "b", "d", "f", "Vg", "Vi", "Ib", "Vm0", "Vmx", "Km0", "k1", "k2", "p2u", "m1", "m2",
    "m4", "m30", "ki", "kp1", "kp2", "kp3", "ke1", "ke2", "Fsnc", "kd", "ksc", "ka1", "ka2", "u2ss",
)  # fmt: skip
BASAL = ("Gpb", "Gtb", "Ipb", "Ilb", "isc1ss", "isc2ss")
PATH = Path(__file__).parents[2] / "src/policybudget/worlds/glucose/patients.csv"


def main() -> None:
    """Read, check, write."""
    assert metadata.version("simglucose") == VERSION
    folder = Path(str(metadata.distribution("simglucose").locate_file("simglucose/params")))
    patients, therapy = pd.read_csv(folder / "vpatient_params.csv"), pd.read_csv(folder / "Quest.csv")
    assert (patients.Name == therapy.Name).all()
    first = patients[[column for column in patients if column.startswith("x0_")]].to_numpy()
    basal = patients[["Gpb", "Gtb", "Ipb", "Ib", "Ib", "Ilb", "isc1ss", "isc2ss", "Gpb"]].to_numpy()
    np.testing.assert_array_equal(first[:, [3, 4, 5, 7, 8, 9, 10, 11, 12]], basal)
    assert not first[:, [0, 1, 2, 6]].any()
    columns = [therapy[["Name", *THERAPY]], patients[[*PARAMETERS, *BASAL]]]
    pd.concat(columns, axis=1).rename(columns={"Name": "name"}).to_csv(PATH, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
