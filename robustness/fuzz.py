"""``make fuzz``: hostile input for everything that policybudget reads.

Prints one JSON object: per reader, how many inputs were accepted, refused in one line, or are findings; and the first
findings. An input is known by reader, seed and index: ``--reader NAME --only INDEX`` tries it again. The exit status is
1 if there are findings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from policybudget.progress import progress
from robustness.inputs import READERS
from robustness.judge import ACCEPTED, FINDINGS, REFUSED, Judgement
from robustness.workers import CHUNK, Finding, Place, Span, judged_by_processes

SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite.

    Args:
        arguments: as typed; those of the process if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser("fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=sorted(READERS), help="this one alone")
    parser.add_argument("--only", type=int, metavar="INDEX", help="this input alone, in this process; needs --reader")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--findings", type=int, default=SHOWN, help="how many are shown")
    given = parser.parse_args(arguments)
    if given.only is not None:
        return _only(given.reader, given.seed, given.only)
    record = fuzz(given.inputs, given.seed, given.reader, given.processes, given.findings)
    print(json.dumps(record, indent=1))
    return 1 if record["findings"] else 0


def fuzz(inputs: int, seed: int, reader: str | None = None, processes: int = 2, shown: int = SHOWN) -> dict[str, Any]:
    """Try inputs.

    Args:
        inputs: how many, over all readers by their shares.
        seed: decides all of them.
        reader: the only one; None for all.
        processes: that share the work.
        shown: findings that are told.

    Returns:
        The record that is printed.
    """
    began, counts, found = time.perf_counter(), {name: Counter[str]() for name in READERS}, list[Finding]()
    numbers = shares(inputs) if reader is None else {reader: inputs}
    spans = [
        Span(name, seed, first, min(first + CHUNK, number))
        for name, number in numbers.items()
        for first in range(0, number, CHUNK)
    ]
    with progress("hostile inputs", sum(numbers.values())) as tick:

        def heard(span: Span, index: int, judgement: Judgement) -> None:
            counts[span.reader][judgement.outcome] += 1
            if judgement.what:
                found.append(Finding(span.reader, seed, index, judgement.outcome, judgement.what))
            tick(f"{span.reader}, {len(found)} findings")

        judged_by_processes(spans, processes, heard)
    found.sort(key=lambda one: (list(READERS).index(one.reader), one.index))
    total = sum(counts.values(), Counter[str]())
    kinds = (ACCEPTED, REFUSED, *FINDINGS)
    return {
        "inputs": total.total(),
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "outcomes": {kind: total[kind] for kind in kinds},
        "readers": {name: {kind: each[kind] for kind in kinds if each[kind]} for name, each in counts.items() if each},
        "findings": len(found),
        "first": [asdict(one) for one in found[:shown]],
    }


def shares(inputs: int) -> dict[str, int]:
    """How many inputs each reader gets.

    Args:
        inputs: of all of them.
    """
    whole = sum(one.share for one in READERS.values())
    return {name: max(1, inputs * one.share // whole) for name, one in READERS.items()}


def _only(reader: str | None, seed: int, index: int) -> int:
    if reader is None:
        print("--only needs --reader", file=sys.stderr)
        return 2
    home = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        judgement = Place(Path(folder), READERS).judged(reader, seed, index)
        os.chdir(home)
    print(json.dumps({"reader": reader, "seed": seed, "index": index, **asdict(judgement)}, indent=1))
    return 1 if judgement.what else 0


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.exit(main())
