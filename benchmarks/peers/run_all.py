"""Trains whatever of the comparison is not yet among the results, one training after the other, and prints the table.

``python benchmarks/peers/run_all.py --morl-baselines ENV --stable-baselines3 ENV --r-mdp-authors ENV --code CLONE``,
where ENV are folders that ``make_environment.py`` made. What is not named is left out. A training that is interrupted
begins again at the next call, those that ended do not. Several hours on one core (``--cores 0``) in all; the peers'
own networks are the slow ones.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from common import WORLDS
from table import BUDGETS, RESULTS

HERE = Path(__file__).parent
CONTINUOUS, DISCRETE = "mo-halfcheetah-v5", "mo-reacher-v5"
ENVIRONMENTS = ("morl-baselines", "stable-baselines3", "r-mdp-authors")
Command = tuple[str, tuple[str, ...]]
"""The environment that runs it ("" for this one), and the words after ``python``."""


def commands(seeds: int, code: Path | None) -> Iterator[Command]:
    """All trainings, short ones first."""
    for world in WORLDS:
        yield "", ("idle.py", "--world", world)
    for seed in range(seeds):
        for world in WORLDS:
            common = ("--world", world, "--seed", str(seed))
            for k in BUDGETS:
                yield "", ("ours.py", *common, "--k", str(k))
                if k > 1:  # with one policy there is nothing to grow or to group
                    yield "", ("ours.py", *common, "--k", str(k), "--preset", "growing")
                    yield "", ("affinity.py", *common, "--k", str(k))
                for algorithm in ("em", "diff") if code is not None else ():
                    words = ("--k", str(k), "--code", str(code), "--algorithm", algorithm)
                    yield "r-mdp-authors", ("r_mdp_authors.py", *common, *words)
            yield "stable-baselines3", ("sb3_ppo.py", *common, "--k", "1")
    for world in WORLDS:
        yield "stable-baselines3", ("sb3_ppo.py", "--world", world, "--k", "n")
    yield "morl-baselines", ("morl_pgmorl.py", "--world", CONTINUOUS)
    yield "morl-baselines", ("morl_envelope.py", "--world", DISCRETE)
    yield "morl-baselines", ("morl_capql.py", "--world", CONTINUOUS)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ENVIRONMENTS:
        options.add_argument(f"--{name}", type=Path, metavar="ENV")
    options.add_argument("--code", type=Path, help="a clone of the r-MDP authors' repository")
    options.add_argument("--transitions", type=int, default=100_000, help="of all policies together")
    options.add_argument("--seeds", type=int, default=3, help="of the quick ones; the others have one")
    options.add_argument("--cores", type=int, nargs="+", help="that may be used; all if not given")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of results")
    settings = options.parse_args()
    if settings.cores:
        os.sched_setaffinity(0, settings.cores)
    pythons = {name: getattr(settings, name.replace("-", "_")) for name in ENVIRONMENTS}
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    common = ("--transitions", str(settings.transitions), "--out", str(settings.out.absolute()))
    for environment, (script, *words) in commands(settings.seeds, settings.code):
        folder = pythons.get(environment)
        if environment and folder is None:
            continue
        python = str(folder.absolute() / "bin" / "python") if environment else sys.executable
        ended = subprocess.run([python, "-W", "ignore", str(HERE / script), *words, *common], env=one_thread)
        if ended.returncode:
            print(f"{script} {' '.join(words)}: ended with {ended.returncode}; the rest goes on", file=sys.stderr)
    subprocess.run([sys.executable, str(HERE / "table.py"), str(settings.out)], check=True)


if __name__ == "__main__":
    main()
