"""Environments of the package ``metaworld``, from which this world takes models, first states and goals.

The package is installed without its dependencies: it asks for MuJoCo 3.3.0, but runs on MuJoCo 4 as soon as one method
is replaced. That method writes 11 numbers for the weld between hand and mocap body; in MuJoCo 4 a weld has 12.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.metaworld.names import VERSION
from policybudget.worlds.mujoco.physics import import_mujoco

WELD = {6: -1.0, 10: 5.0}
"""Of the numbers of a weld those that are not 0: the real part of the relative quaternion, and the torque scale."""


def environment(task: str) -> Any:
    """An environment of a task, as the multi-task benchmarks have it: the goal is observed.

    Args:
        task: its name, without the version.

    Returns:
        The package's environment. It draws the goal of each reset from its attribute ``np_random``.

    Raises:
        PolicyBudgetError: MuJoCo or Meta-World is not installed.
    """
    import_mujoco()
    try:
        from metaworld.env_dict import ALL_V3_ENVIRONMENTS
    except ImportError as error:
        missing = (error.name or "metaworld").partition(".")[0]
        raise PolicyBudgetError(
            f"metaworld: worlds need {missing}: pip install --no-deps metaworld==3.1.1 (its dependencies "
            'are those of "policybudget[mujoco,metaworld]")'
        ) from error
    base = ALL_V3_ENVIRONMENTS[task + VERSION]
    made = type(base.__name__, (base,), {"reset_mocap_welds": set_welds})()
    made._partially_observable = False
    made.__dict__.pop("sawyer_observation_space", None)  # it depends on that
    made._set_task_called, made._freeze_rand_vec, made.seeded_rand_vec = True, False, True
    return made


def set_welds(env: Any) -> None:
    """Lead the hand of an environment by its mocap body, as ``reset_mocap_welds`` does on an older MuJoCo.

    Args:
        env: the package's environment.
    """
    model = env.model
    row = np.zeros(model.eq_data.shape[1])
    row[list(WELD)] = list(WELD.values())
    model.eq_data[model.eq_type == import_mujoco().mjtEq.mjEQ_WELD] = row
