"""``policybudget verify``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, option

DESCRIPTION = "Whether every file of a bundle is what it was when the bundle was sealed."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        key: public key that it must be signed by.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    key: Path | None = option(None, "public key that the bundle must be signed by", metavar="PUBLIC.pem")
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Read all of it; whatever is wrong is one line.

    Args:
        arguments: as typed.
    """
    options = parse("verify", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load
    from policybudget.deployment.signature import NAME
    from policybudget.deployment.verify import approvals

    bundle = load(options.bundle, options.key)
    if not options.quiet:
        print(approvals(bundle.record))
        print(f"bundle {bundle.sha256}")
        if options.key is not None:
            print(f"{NAME} was made with the private key of {options.key}")
        elif (options.bundle / NAME).exists():
            print(f"{NAME} was not checked; give --key PUBLIC.pem")
        print(f"{options.bundle} is whole: {len(bundle.record.files) + 1} files match their hashes")
