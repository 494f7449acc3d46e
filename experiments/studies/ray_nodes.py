"""A Ray cluster of two nodes, one of them killed in mid-run: the table is the same bits as by processes alone.

``python experiments/studies/ray_nodes.py`` trains one study three times: by processes; on two nodes (separate
raylets on this machine, a core each); and on two nodes of which one is killed, with all of its processes, while both
work on a unit. It prints the times, what the nodes did, and whether the three tables are the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from policybudget.studies import journal, plan
from policybudget.studies.launcher import launcher
from policybudget.studies.processes import Processes
from policybudget.studies.run_units import run_study
from policybudget.studies.study import Study
from policybudget.studies.unit import finished
from policybudget.studies.work import Ended

PLAN: dict[str, Any] = {
    "world": "resource-gathering:side=3", "preset": "plain", "transitions": 20_000, "copies": 8, "steps": 64,
    "grid": {"budget": [1, 2]},
}  # fmt: skip


@contextmanager
def cluster() -> Iterator[Any]:
    """Two nodes with a core each; the head has none, so that it does no work. Gives the one that may be killed."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's own default gives way to everything else
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes.add_node(num_cpus=1)
        victim = nodes.add_node(num_cpus=1)
        nodes.wait_for_nodes()
        ray.init(address=nodes.address, log_to_driver=False, logging_level=logging.ERROR)
        yield nodes, victim
    finally:
        ray.shutdown()
        nodes.shutdown()


class KillsANode:
    """A launcher on Ray that kills a node once the study has begun on both.

    Args:
        nodes: the cluster.
        victim: the node.
        after: seconds after two units run.
    """

    def __init__(self, nodes: Any, victim: Any, after: float) -> None:
        self._nodes, self._victim, self._after = nodes, victim, after
        self.killed = 0.0

    def __call__(self, folders: Sequence[Path]) -> Iterator[Ended | None]:
        """Run units, as :class:`policybudget.studies.on_ray.OnRay` does."""
        both = 0.0
        for ended in launcher("ray")(folders):
            running = sum(journal.read(folder).runs and not finished(folder) for folder in folders)
            both = both or (time.monotonic() if running == 2 else 0.0)
            if both and not self.killed and time.monotonic() > both + self._after:
                self._nodes.remove_node(self._victim, allow_graceful=False)
                self.killed = time.monotonic()
            yield ended


def digest(root: Path) -> str:
    """Of the table."""
    return hashlib.sha256((root / "table.csv").read_bytes()).hexdigest()


def main() -> int:
    """Train three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--after", type=float, default=3.0, help="seconds after which a node is killed")
    parser.add_argument("--out", type=Path, help="a new folder; a temporary one if not given")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = settings.out or Path(scratch)
        study: Study = plan.study(PLAN | {"seeds": settings.seeds}, Path("plan.toml"))
        digests = []
        for name in ("processes", "two nodes", "a node killed"):
            root, began, note = out / name.replace(" ", "-"), time.monotonic(), ""
            root.mkdir(parents=True)
            study.save(root)
            if name == "processes":
                run_study(root, study, Processes(), quiet=True)
            else:
                with cluster() as (nodes, victim):
                    kills = KillsANode(nodes, victim, settings.after if name == "a node killed" else float("inf"))
                    run_study(root, study, kills, quiet=True)
                    note = "killed in mid-run" if kills.killed else "both lived"
            begun = sum(journal.read(root / unit.place).events.count("begun") for unit in study.units)
            digests.append(digest(root))
            seconds = time.monotonic() - began
            units = f"{len(study.units)} units, begun {begun} times"
            print(f"{name:<14} {units}, {seconds:5.0f} s  {digests[-1][:16]}  {note}", flush=True)
    same = len(set(digests)) == 1
    print("the same bits" if same else "NOT the same bits")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
