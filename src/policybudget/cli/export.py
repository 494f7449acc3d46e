"""``policybudget export``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Seal the policies of a run as a bundle that acts without this package's training: NumPy and ONNX."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        run: folder of the run.
        out: folder of the bundle.
        floor: the return below which no policy is said to serve a new user.
        episodes: of each policy.
        seed: of the episodes.
        groups: the column in which users differ.
        candidates: tell what the other policies of a pool are worth.
        approvals: the bundle before, for who approved what.
        no_onnx: leave the ONNX graphs out.
        quiet: print nothing but errors.
    """

    run: Path = argument("run folder", "RUN")
    out: Path = option(..., "folder of the bundle, new", metavar="BUNDLE")
    floor: float | None = option(None, "return below which no policy is said to serve a new user")
    episodes: int = option(100, "episodes per policy, for what users may expect", most=1_000_000)
    seed: int = option(1, "of the episodes")
    groups: str | None = option(
        None,
        "promise something to groups: a column of users.csv, a task parameter, or FILE.csv:COLUMN",
        metavar="COLUMN",
    )
    candidates: bool = option(False, "tell what the other policies of a pool are worth, for when one more is due")
    approvals: Path | None = option(
        None, "policies that are in this bundle, by their hashes, stay approved as there", metavar="BUNDLE"
    )
    no_onnx: bool = option(False, "leave the ONNX graphs out")
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Write the bundle.

    Args:
        arguments: as typed.
    """
    options = parse("export", DESCRIPTION, Options, arguments)
    from policybudget.deployment.export import export
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    given = {
        name: getattr(options, name) for name in ("floor", "episodes", "seed", "groups", "candidates", "approvals")
    }
    found = export(options.run, options.out, onnx=not options.no_onnx, **given)
    if not options.quiet:
        print(found.text())
