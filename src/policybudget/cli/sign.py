"""``policybudget sign``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, option

DESCRIPTION = "Sign every file of a sealed bundle, its approvals included, with a key of your own."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        key: private key.
        password: file with the password of the key.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    key: Path = option(..., "private key on an elliptic curve (P-256, P-384, P-521)", metavar="PRIVATE.pem")
    password: Path | None = option(None, "file with the password of the key, if it has one", metavar="FILE")
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Write the signature beside bundle.json.

    Args:
        arguments: as typed.
    """
    options = parse("sign", DESCRIPTION, Options, arguments)
    from policybudget.deployment.approve import sign
    from policybudget.deployment.signature import LONGEST_KEY
    from policybudget.runs import files

    password = None
    if options.password is not None:
        if not options.password.exists():
            raise PolicyBudgetError(f"password file not found: {options.password}")
        password = files.read(options.password, LONGEST_KEY).strip()
    found = sign(options.bundle, options.key, password)
    if not options.quiet:
        print(f"signature {found}")
