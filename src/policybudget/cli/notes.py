"""What commands remark on standard error, quiet or not."""

from __future__ import annotations

import sys

from policybudget.runs import inputs
from policybudget.training.configuration import Configuration, settings_of


def differences(configuration: Configuration) -> None:
    """Say which files are no longer what the copies in the run folder are, which are used.

    Args:
        configuration: of a run.
    """
    for line in inputs.differences(settings_of(configuration)):
        print(f"policybudget: {line}", file=sys.stderr)
