"""Prints the bill of materials of the environment that runs it, as JSON."""

from __future__ import annotations

import json
import sys

from policybudget.deployment.materials import installed

if __name__ == "__main__":
    json.dump(installed(extras=sys.argv[1:]), sys.stdout, indent=1, sort_keys=True)
