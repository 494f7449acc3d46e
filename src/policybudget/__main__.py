"""``python -m policybudget``."""

import sys

from policybudget.cli.main import main

sys.exit(main())
