"""Runs in Weights & Biases. They stay in the run folder, below ``wandb``, until ``wandb sync`` is called.

WANDB_MODE=online in the environment sends them to the server that wandb is logged in to, as they come; WANDB_PROJECT
names the project. What is sent is the lines of metrics.csv and the settings of the training: nothing of the machine, of
the code, or of what is printed; and nothing to the makers of wandb about its use (WANDB_ERROR_REPORTING).

wandb cannot write on in a folder of its own: a training that was resumed has one per start, all with the id of the one
run, and ``wandb sync`` puts them together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from policybudget.training.listeners.tracking import Rows


class WeightsAndBiases:
    """A tracker: wandb."""

    def __init__(self) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when it is imported
        self._run: Any = None

    def begin(self, folder: Path, identity: str, settings: dict[str, Any]) -> bool:
        """Open a run, or go on with the one that has this id.

        Args:
            folder: of the training; its name is that of the run.
            identity: of the run.
            settings: of the training, by name.

        Returns:
            Whether the run goes on; offline it is told from tracking.json alone.
        """
        import wandb

        own = wandb.Settings(
            console="off", silent=True, disable_git=True, save_code=False, disable_job_creation=True,
            x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True, x_save_requirements=False,
        )  # fmt: skip
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(
            id=identity, resume="allow", reinit="create_new", name=folder.absolute().name, config=settings,
            project=os.environ.get("WANDB_PROJECT", "policybudget"), settings=own,
            mode=mode, dir=os.environ.get("WANDB_DIR", str(folder.absolute())),
        )  # fmt: skip
        return bool(self._run.offline or self._run.resumed)

    def send(self, rows: Rows) -> None:
        """Record measurements, at their transitions.

        Args:
            rows: lines of metrics.csv.
        """
        for transitions, measured in rows:
            self._run.log(measured, step=transitions)

    def end(self, finished: bool) -> None:
        """Close the run.

        Args:
            finished: whether the training is.
        """
        self._run.finish(exit_code=0 if finished else 1)
