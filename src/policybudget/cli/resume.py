"""``policybudget resume``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policybudget.cli import options
from policybudget.errors import RunFolderError
from policybudget.training.configuration import Configuration


def run(arguments: Sequence[str]) -> None:
    """Go on where the last checkpoint stands; a finished run is left as it is."""
    parser = options.Parser("resume", "Go on with a training that was stopped; it ends as it would have ended.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    folder: Path = parsed.run
    if not folder.is_dir():
        raise RunFolderError(f"run folder not found: {folder}")
    configuration = Configuration.load(folder / "config.json")
    if (folder / "manifest.json").exists():
        from policybudget.runs.result import load

        result = load(folder)
        if not parsed.quiet:
            print(f"{folder} is finished: welfare {result.welfare:.2f}; nothing to do")
        return
    from policybudget.cli import session

    session.train_in(folder, configuration, parsed.quiet, resume=True)
